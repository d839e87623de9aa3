/* SPDX-License-Identifier: ISC */
/*
 * mail/address for libFuzzer: the same bytes as a path (with and without
 * UTF-8, as sender and as recipient), as a bare address and as a header's
 * list.  Whatever is accepted must obey the promises of the header: short, no
 * control character, and the same again when it is written and read.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "mail/address.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_clean(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		must(!str_is_control(s.p[i]));
}

static bool
same(const struct address *a, const struct address *b)
{
	return str_eq(a->local, b->local) && str_eq(a->domain, b->domain);
}

static void
check(struct arena *a, const struct address *one, bool utf8)
{
	struct address again;
	struct str text, rest;
	struct fault why;

	text = address_text(a, one);
	must(text.n <= ADDRESS_MAX);
	check_clean(one->local);
	check_clean(one->domain);
	rest = arena_printf(a, "<%.*s>", STR_ARG(text));
	must(address_parse_path(a, &rest, true, utf8, &again, &why) == 0);
	must(rest.n == 0 && same(one, &again));
	if (address_is_null(one))
		return;
	must(address_parse(a, text, utf8, &again, &why) == 0);
	must(same(one, &again));
	must(str_eq(address_text(a, &again), text));
}

static void
check_fault(const struct fault *why)
{
	must(why->kind != FAULT_NONE && why->text[0] != '\0');
}

static void
try_path(struct arena *a, struct str in, bool may_be_null, bool utf8)
{
	struct str rest = in;
	struct address one;
	struct fault why;

	fault_clear(&why);
	if (address_parse_path(a, &rest, may_be_null, utf8, &one, &why) == 0) {
		must(rest.p + rest.n == in.p + in.n);
		check(a, &one, utf8);
	} else {
		must(rest.p == in.p && rest.n == in.n);
		check_fault(&why);
	}
}

static void
try_bare(struct arena *a, struct str in, bool utf8)
{
	struct address one;
	struct fault why;

	fault_clear(&why);
	if (address_parse(a, in, utf8, &one, &why) == 0)
		check(a, &one, utf8);
	else
		check_fault(&why);
}

static void
try_list(struct arena *a, struct str in)
{
	address_vec list = { 0 }, again = { 0 };
	struct fault why;
	size_t i, n;

	fault_clear(&why);
	if (address_parse_list(a, in, &list, &why) == -1)
		check_fault(&why);
	for (i = 0; i < list.n; i++) {
		check(a, &list.p[i], true);
		n = again.n;
		must(address_parse_list(a, address_text(a, &list.p[i]),
		    &again, &why) == 0);
		must(again.n == n + 1 && same(&again.p[n], &list.p[i]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_span(data, size);
	struct arena a = { 0 };

	try_path(&a, in, false, false);
	try_path(&a, in, true, false);
	try_path(&a, in, false, true);
	try_bare(&a, in, false);
	try_bare(&a, in, true);
	try_list(&a, in);
	arena_free(&a);
	return 0;
}
