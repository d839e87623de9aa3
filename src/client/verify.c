/* SPDX-License-Identifier: ISC */
/*
 * Where would mail for this address go?  The same two questions are asked that
 * a session and a worker ask, alias_expand() and next_find(), so the answer is
 * the one that mail would get; but with the eyes of the calling user: a file
 * that only the daemon may read is told as "later".
 *
 * Called by bin/sendmail for -bv, once an address.  Nothing is connected to.
 */
#include "client/verify.h"

#include "mail/address.h"
#include "route/alias.h"
#include "route/next.h"

static enum verify_result
judge(const struct fault *why)
{
	return fault_is_temporary(why) ? VERIFY_LATER : VERIFY_NO;
}

static enum verify_result
tell_fault(struct buf *out, const char *text, const struct fault *why)
{
	enum verify_result result = judge(why);

	buf_printf(out, "%s... %s: %d %d.%d.%d %s\n", text,
	    result == VERIFY_NO ? "undeliverable" : "cannot be told now",
	    why->reply, result == VERIFY_NO ? 5 : 4, why->subject,
	    why->detail, why->text);
	return result;
}

static void
tell_next(struct buf *out, const struct next *next)
{
	switch (next->kind) {
	case NEXT_LOCAL:
		buf_printf(out, "local, user %.*s\n", STR_ARG(next->user));
		break;
	case NEXT_RELAY:
		buf_printf(out, "relay, %s %.*s, port %u\n",
		    next->mx ? "mail servers of" : "host",
		    STR_ARG(next->host), next->port);
		break;
	}
}

static enum verify_result
tell_place(const struct conf *conf, struct arena *a, const char *text,
    const struct address *final, struct buf *out)
{
	struct str name = address_text(a, final);
	struct fault why;
	struct next next;

	if (next_find(conf, a, final, &next, &why) != 0)
		return tell_fault(out, text, &why);
	buf_printf(out, "%s... deliverable: ", text);
	if (!str_eq(name, str_of(text)))
		buf_printf(out, "%.*s, ", STR_ARG(name));
	tell_next(out, &next);
	return VERIFY_YES;
}

enum verify_result
verify_address(const struct conf *conf, const char *text, struct buf *out)
{
	struct alias_book *book = alias_book_new(conf);
	enum verify_result result = VERIFY_YES, one;
	address_vec finals = { 0 };
	struct address given;
	struct arena a = { 0 };
	struct fault why;

	if (address_parse(&a, str_of(text), true, &given, &why) != 0 ||
	    alias_expand(book, &a, &given, &finals, &why) != 0)
		result = tell_fault(out, text, &why);
	for (size_t i = 0; i < finals.n; i++) {
		one = tell_place(conf, &a, text, &finals.p[i], out);
		if (one > result)
			result = one;
	}
	alias_book_free(book);
	arena_free(&a);
	return result;
}
