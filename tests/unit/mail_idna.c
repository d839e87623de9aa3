/* SPDX-License-Identifier: ISC */
/* mail/idna: names as people write them, as the DNS has them, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "mail/idna.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

#define X10	"xxxxxxxxxx"
#define X63	X10 X10 X10 X10 X10 X10 "xxx"
#define UE10	"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"	\
		"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"

static const struct {
	const char	*in, *out;	/* NULL: refused */
} names[] = {
	{ "example.org", "example.org" },
	{ "EXAMPLE.Org", "example.org" },
	{ "my_host.example", "my_host.example" },
	{ X63 ".org", X63 ".org" },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "B\xc3\x9c" "CHER.Example", "xn--bcher-kva.example" },
	{ "bu\xcc\x88" "cher.example", "xn--bcher-kva.example" },
	/* non-transitional: the sharp s stays one */
	{ "stra\xc3\x9f" "e.example", "xn--strae-oqa.example" },
	{ "\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
	    "xn--r8jz45g.xn--zckzah" },
	/* the ideographic full stop divides labels */
	{ "a\xe3\x80\x82\xc3\xbc", "a.xn--tda" },
	{ "", NULL },
	{ ".", NULL },
	{ "a..b", NULL },
	{ "a.", NULL },
	{ "-a", NULL },
	{ "a b", NULL },
	{ "a/b", NULL },
	{ X63 "x", NULL },
	{ "\xc3\xbc.", NULL },
	{ "\xc3\xbc..a", NULL },
	{ "\xc3\xbc b", NULL },
	{ "\xc3\xbc_b", NULL },
	{ "\xc3", NULL },
	{ "\xe9.example", NULL },
	/* a symbol, a mark at the front, directions mixed */
	{ "\xf0\x9f\x90\xa6.example", NULL },
	{ "\xcc\x88" "a.example", NULL },
	{ "\xd7\x90x.example", NULL },
	/* a wide solidus, alone and among others; nothing is left */
	{ "x\xef\xbc\x8fy.example", NULL },
	{ "x\xef\xbc\x8f\xc3\xbc.example", NULL },
	{ "\xc2\xad.example", NULL },
	{ "\xc2\xad", NULL },
	/* an A-label that would be too long */
	{ UE10 UE10 UE10 UE10 UE10 UE10, NULL },
};

static void
test_names(void **state)
{
	struct arena a = { 0 };
	struct fault why;
	struct str out;
	size_t i;
	int e;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		e = idna_to_ascii(&a, str_of(names[i].in), &out, &why);
		if ((e == 0) != (names[i].out != NULL))
			fail_msg("\"%s\": %d", names[i].in, e);
		if (e == -1) {
			assert_int_equal(why.kind, FAULT_PERMANENT);
			assert_int_equal(why.subject, 1);
			assert_int_equal(why.detail, 2);
			assert_int_not_equal(strlen(why.text), 0);
		} else if (!str_eq(out, str_of(names[i].out)))
			fail_msg("%s: %.*s", names[i].in, STR_ARG(out));
	}
	assert_int_equal(idna_to_ascii(&a, STR("\xc3\xbc\0.evil"), &out,
	    &why), -1);
	assert_int_equal(idna_to_ascii(&a, STR("a\0.evil"), &out, &why), -1);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
