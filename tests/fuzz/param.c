/* SPDX-License-Identifier: ISC */
/*
 * The parameters of MAIL and RCPT under libFuzzer: the bytes stand behind a good
 * path, with every extension on.  What is refused has left the envelope as it
 * was.  What is accepted is accepted in the other order too and means the same,
 * with the keywords in the other case as well, is refused when it stands there
 * twice or when nothing was offered, and comes out the same when it is written
 * from the envelope and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "smtp/param.h"

#define NOW	1800000000

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct param_context all = { .enabled = UINT32_MAX, .now = NOW,
    .hold_longest = 3600, .by_least = 60 };
static const struct param_context none = { .now = NOW };

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static void
check_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		require(!str_is_control(s.p[i]) && s.p[i] != ' ');
}

static void
check_fault(const struct fault *why)
{
	require(why->kind == FAULT_PERMANENT);
	require(why->reply == 501 || why->reply == 552 || why->reply == 553 ||
	    why->reply == 555);
	for (const char *p = why->text; *p != '\0'; p++)
		require(!str_is_control(*p));
}

static bool
same_wishes(const struct envelope_wishes *a, const struct envelope_wishes *b)
{
	return a->smtputf8 == b->smtputf8 && a->requiretls == b->requiretls &&
	    a->ret == b->ret && str_eq(a->envid, b->envid) &&
	    a->by == b->by && a->by_trace == b->by_trace &&
	    a->by_time == b->by_time && a->hold_until == b->hold_until &&
	    str_eq(a->hold, b->hold) && a->priority == b->priority &&
	    str_eq(a->auth, b->auth);
}

static bool
same_mail(const struct envelope *a, const struct envelope *b)
{
	return a->body == b->body && a->size_declared == b->size_declared &&
	    same_wishes(&a->wishes, &b->wishes);
}

static bool
read_mail(struct arena *a, const struct param_context *context,
    struct str params, struct envelope *e)
{
	struct envelope untouched = *e;
	struct fault why;

	if (param_mail(a, arena_printf(a, "FROM:<a@b.example>%.*s",
	    STR_ARG(params)), context, e, &why) == 0)
		return true;
	check_fault(&why);
	require(memcmp(&untouched, e, sizeof(*e)) == 0);
	return false;
}

static bool
read_rcpt(struct arena *a, const struct param_context *context, bool utf8,
    struct str params, struct recipient *r)
{
	struct envelope e = { .wishes.smtputf8 = utf8 };
	struct recipient untouched = *r;
	struct fault why;

	if (param_rcpt(a, arena_printf(a, "TO:<a@b.example>%.*s",
	    STR_ARG(params)), context, &e, r, &why) == 0)
		return true;
	check_fault(&why);
	require(memcmp(&untouched, r, sizeof(*r)) == 0);
	return false;
}

/* The words in the other order, the keywords in the other case. */
static struct str
turn(struct arena *a, struct str params)
{
	struct str word, turned = STR("");
	char *key;
	size_t i;

	while (str_word(&params, &word)) {
		turned = arena_printf(a, " %.*s%.*s", STR_ARG(word),
		    STR_ARG(turned));
		key = (char *)(uintptr_t)turned.p + 1;
		for (i = 0; i < str_find(word, '='); i++)
			if (str_is_alnum(key[i]) && !str_is_digit(key[i]))
				key[i] ^= 0x20;
	}
	return turned;
}

static bool
is_empty(struct str params)
{
	struct str word;

	return !str_word(&params, &word);
}

/* What the envelope says, as parameters. */
static struct str
write_mail(struct arena *a, const struct envelope *e)
{
	static const char *const bodies[] = { "7BIT", "8BITMIME", "BINARYMIME" };
	const struct envelope_wishes *w = &e->wishes;
	struct str s = arena_printf(a, " SIZE=%llu BODY=%s MT-PRIORITY=%d%s%s%s",
	    (unsigned long long)e->size_declared, bodies[e->body], w->priority,
	    w->smtputf8 ? " SMTPUTF8" : "", w->requiretls ? " REQUIRETLS" : "",
	    w->ret == RET_FULL ? " RET=FULL" :
	    w->ret == RET_HDRS ? " RET=HDRS" : "");

	if (w->envid.n > 0)
		s = arena_printf(a, "%.*s ENVID=%.*s", STR_ARG(s),
		    STR_ARG(w->envid));
	if (w->auth.n > 0)
		s = arena_printf(a, "%.*s AUTH=%.*s", STR_ARG(s),
		    STR_ARG(w->auth));
	if (w->by != BY_NONE)
		s = arena_printf(a, "%.*s BY=%lld;%s%s", STR_ARG(s),
		    (long long)(w->by_time - NOW), w->by == BY_RETURN ? "R" : "N",
		    w->by_trace ? "T" : "");
	if (w->hold_until != 0)
		s = arena_printf(a, "%.*s HOLDFOR=%lld", STR_ARG(s),
		    (long long)(w->hold_until - NOW));
	return s;
}

static void
check_again(struct arena *a, const struct envelope *e)
{
	struct envelope again = { 0 };
	const struct envelope_wishes *w = &e->wishes;

	require(read_mail(a, &all, write_mail(a, e), &again));
	if (w->hold_until != 0) {
		require(str_starts(again.wishes.hold, STR("for;")));
		again.wishes.hold = w->hold;	/* the sender's own words */
	}
	require(same_mail(e, &again));
}

static void
try_mail(struct arena *a, struct str params)
{
	struct envelope e = { 0 }, turned = { 0 }, bare = { 0 };
	bool good = read_mail(a, &all, params, &e);

	if (!good && params.n > 0 && !str_is_blank(params.p[0]))
		return;
	require(read_mail(a, &all, turn(a, params), &turned) == good);
	require(read_mail(a, &none, params, &bare) == is_empty(params));
	if (!good)
		return;
	require(same_mail(&e, &turned));
	check_text(e.wishes.envid);
	check_text(e.wishes.auth);
	check_text(e.wishes.hold);
	require(e.wishes.hold_until == 0 || (e.wishes.hold_until > NOW &&
	    e.wishes.hold_until <= NOW + 3600));
	require(e.wishes.by != BY_RETURN || e.wishes.by_time >= NOW + 60);
	check_again(a, &e);
	if (!is_empty(params))
		require(!read_mail(a, &all, arena_printf(a, "%.*s %.*s",
		    STR_ARG(params), STR_ARG(params)), &bare));
}

static void
try_rcpt(struct arena *a, struct str params, bool utf8)
{
	struct recipient r = { 0 }, turned = { 0 }, bare = { 0 };
	bool good = read_rcpt(a, &all, utf8, params, &r);

	if (!good && params.n > 0 && !str_is_blank(params.p[0]))
		return;
	require(read_rcpt(a, &all, utf8, turn(a, params), &turned) == good);
	require(read_rcpt(a, &none, utf8, params, &bare) == is_empty(params));
	if (!good)
		return;
	require(r.notify == turned.notify && str_eq(r.orcpt, turned.orcpt));
	check_text(r.orcpt);
	require(utf8 || utf8_is_ascii(r.orcpt));
	require((r.notify & ~(unsigned)WANT_ALL) == 0);
	require((r.notify & WANT_NEVER) == 0 || r.notify == WANT_NEVER);
	if (!is_empty(params))
		require(!read_rcpt(a, &all, utf8, arena_printf(a, "%.*s %.*s",
		    STR_ARG(params), STR_ARG(params)), &bare));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	char *copy = malloc(size + 1);

	/* Lines have no NUL, and printf would stop there. */
	if (memchr(data, 0, size) == NULL) {
		if (size > 0)
			memcpy(copy, data, size);
		copy[size] = '\0';
		try_mail(&a, str_span(copy, size));
		try_rcpt(&a, str_span(copy, size), false);
		try_rcpt(&a, str_span(copy, size), true);
	}
	free(copy);
	arena_free(&a);
	return 0;
}
