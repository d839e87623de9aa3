/* SPDX-License-Identifier: ISC */
/*
 * A command line under libFuzzer: the verb, and the arguments of MAIL and RCPT
 * whatever the verb was.  The first byte chooses the extensions.  What is
 * accepted keeps the promises of the headers; what is refused says so with a
 * permanent fault of the right class.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
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
	require(address_parse(arena, address_text(arena, a), false, &again,
	    &why) == 0);
	require(address_eq(a, &again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct envelope e = { .body = BODY_7BIT };
	struct address rcpt;
	struct command c;
	struct fault why;
	int result;

	if (size < 1)
		return 0;
	c = command_parse(str_span(data + 1, size - 1));
	require(c.word.n + c.args.n <= size - 1);
	require(command_name(c.verb) != NULL);
	arena_init(&arena);
	result = param_mail(&arena, c.args, data[0], &e, &why);
	check_result(result, &why);
	if (result == 0)
		check_address(&arena, &e.sender);
	result = param_rcpt(&arena, c.args, data[0], &rcpt, &why);
	check_result(result, &why);
	if (result == 0) {
		require(!address_is_null(&rcpt));
		check_address(&arena, &rcpt);
	}
	arena_free(&arena);
	return 0;
}
