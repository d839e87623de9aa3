/* SPDX-License-Identifier: ISC */
/*
 * A command line under libFuzzer: the verb, and the arguments of MAIL and RCPT
 * whatever the verb was.  The first two bytes choose the extensions.  What is
 * accepted keeps the promises of the headers; what is refused says so with a
 * permanent fault of the right class.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "smtp/command.h"
#include "smtp/param.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static void
check_text(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		require(!str_is_control(s.p[i]));
}

static void
check_result(int result, const struct fault *why)
{
	if (result == 0)
		return;
	require(result == -1);
	require(why->kind == FAULT_PERMANENT);
	require(why->reply >= 500 && why->reply <= 559);
	check_text(str_of(why->text));
}

static void
check_address(struct arena *arena, const struct address *a)
{
	struct address again;
	struct fault why;

	check_text(a->local);
	check_text(a->domain);
	if (address_is_null(a))
		return;
	require(address_parse(arena, address_text(arena, a), true, &again,
	    &why) == 0);
	require(address_eq(a, &again));
}

static void
check_mail(struct arena *arena, const struct envelope *e)
{
	const struct envelope_wishes *w = &e->wishes;

	check_address(arena, &e->sender);
	check_text(w->envid);
	check_text(w->auth);
	check_text(w->hold);
	require(w->smtputf8 || (utf8_is_ascii(e->sender.local) &&
	    utf8_is_ascii(e->sender.domain)));
	require(w->priority >= PRIORITY_LEAST && w->priority <= PRIORITY_MOST);
	require(w->hold_until == 0 || (w->hold_until > 1800000000 &&
	    w->hold_until <= 1800003600));
	require(w->by != BY_RETURN || w->by_time >= 1800000060);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct param_context context = { .now = 1800000000,
	    .hold_longest = 3600, .by_least = 60 };
	struct envelope e = { .body = BODY_7BIT };
	struct recipient rcpt = { 0 };
	struct command c;
	struct fault why;
	int result;

	if (size < 2)
		return 0;
	context.enabled = data[0] | (unsigned)data[1] << 8;
	c = command_parse(str_span(data + 2, size - 2));
	require(c.word.n + c.args.n <= size - 2);
	require(command_name(c.verb) != NULL);
	arena_init(&arena);
	result = param_mail(&arena, c.args, &context, &e, &why);
	check_result(result, &why);
	if (result == 0)
		check_mail(&arena, &e);
	result = param_rcpt(&arena, c.args, &context, &e, &rcpt, &why);
	check_result(result, &why);
	if (result == 0) {
		require(!address_is_null(&rcpt.address));
		check_address(&arena, &rcpt.address);
		check_text(rcpt.orcpt);
		require(rcpt.notify <= WANT_ALL);
		require((rcpt.notify & WANT_NEVER) == 0 ||
		    rcpt.notify == WANT_NEVER);
	}
	arena_free(&arena);
	return 0;
}
