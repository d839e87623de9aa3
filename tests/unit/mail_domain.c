/* SPDX-License-Identifier: ISC */
/*
 * mail/domain: which texts are domain names in each reading, literals, and
 * the patterns of the configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "mail/domain.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

#define X10	"xxxxxxxxxx"
#define X63	X10 X10 X10 X10 X10 X10 "xxx"
#define X255	X63 "." X63 "." X63 "." X63

static const struct {
	const char	*in;
	bool		 ascii, utf8, hostlike;
} names[] = {
	{ "a", true, true, true },
	{ "example.org", true, true, true },
	{ "EXAMPLE.Org", true, true, true },
	{ "1.2.3.4", true, true, true },
	{ "0", true, true, true },
	{ "x-y.example", true, true, true },
	{ "x--y", true, true, true },
	{ "xn--bcher-kva.example", true, true, true },
	{ X63, true, true, true },
	{ X63 ".org", true, true, true },
	{ X255, true, true, true },
	/* underscores are for greetings only */
	{ "_dmarc.example.org", false, false, true },
	{ "my_host", false, false, true },
	{ "_", false, false, true },
	/* UTF-8 */
	{ "b\xc3\xbc" "cher.example", false, true, false },
	{ "\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
	    false, true, false },
	{ "\xf0\x90\x8d\x88.example", false, true, false },
	{ "\xc3\xbc-x\xc3\xbc", false, true, false },
	{ "\xc3.example", false, false, false },
	{ "\xc3", false, false, false },
	{ "\xe9.example", false, false, false },
	{ "\xc0\xae.example", false, false, false },
	{ "\xed\xa0\x80.example", false, false, false },
	{ "\xc2\x85.example", false, false, false },
	{ "-\xc3\xbc.example", false, false, false },
	{ "\xc3\xbc-.example", false, false, false },
	{ "\xc3\xbc..example", false, false, false },
	/* malformed */
	{ "", false, false, false },
	{ ".", false, false, false },
	{ "..", false, false, false },
	{ ".a", false, false, false },
	{ "a.", false, false, false },
	{ "a..b", false, false, false },
	{ "-", false, false, false },
	{ "-a", false, false, false },
	{ "a-", false, false, false },
	{ "a.-b", false, false, false },
	{ "a-.b", false, false, false },
	{ "a.b-", false, false, false },
	{ "a b", false, false, false },
	{ " a", false, false, false },
	{ "a ", false, false, false },
	{ "a\tb", false, false, false },
	{ "a\r\n", false, false, false },
	{ "a\x7f", false, false, false },
	{ "a/b", false, false, false },
	{ "a@b", false, false, false },
	{ "a:25", false, false, false },
	{ "*.a", false, false, false },
	{ "[1.2.3.4]", false, false, false },
	{ X63 "x", false, false, false },
	{ X63 "x.org", false, false, false },
	{ X255 "x", false, false, false },
	{ X255 ".x", false, false, false },
};

static void
test_names(void **state)
{
	struct str s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		s = str_of(names[i].in);
		if (domain_is_valid(s, false) != names[i].ascii)
			fail_msg("ASCII: \"%s\"", names[i].in);
		if (domain_is_valid(s, true) != names[i].utf8)
			fail_msg("UTF-8: \"%s\"", names[i].in);
		if (domain_is_hostlike(s) != names[i].hostlike)
			fail_msg("hostlike: \"%s\"", names[i].in);
	}
	assert_int_equal(strlen(X255), 255);
	assert_false(domain_is_valid(STR_NONE, false));
	assert_false(domain_is_valid(STR("a\0b"), true));
	assert_false(domain_is_hostlike(STR("a\0")));
}

/* The limit of a label counts characters where they are not ASCII. */
static void
test_long_utf8_label(void **state)
{
	char s[2 * 64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(s); i += 2)
		memcpy(s + i, "\xc3\xbc", 2);
	assert_true(domain_is_valid(str_span(s, 2 * 63), true));
	assert_false(domain_is_valid(str_span(s, 2 * 64), true));
}

static const struct {
	const char	*in;
	const char	*out;		/* NULL: not a literal */
} literals[] = {
	{ "[192.0.2.1]", "192.0.2.1" },
	{ "[IPv6:2001:db8::1]", "2001:db8::1" },
	{ "[ipv6:::1]", "::1" },
	{ "[IPv6:::ffff:192.0.2.1]", "192.0.2.1" },
	{ "", NULL },
	{ "[", NULL },
	{ "[]", NULL },
	{ "]", NULL },
	{ "192.0.2.1", NULL },
	{ "[192.0.2.1", NULL },
	{ "192.0.2.1]", NULL },
	{ "[192.0.2.1] ", NULL },
	{ "[192.0.2.256]", NULL },
	{ "[192.0.2]", NULL },
	{ "[192.0.2.1.5]", NULL },
	{ "[2001:db8::1]", NULL },
	{ "[IPv6:]", NULL },
	{ "[IPv6:1:2:3]", NULL },
	{ "[IPv6:192.0.2.1]", NULL },
	{ "[[192.0.2.1]]", NULL },
	{ "[example.org]", NULL },
};

static void
test_literals(void **state)
{
	char text[IP_TEXT_MAX];
	struct ip ip;
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < COUNT(literals); i++) {
		ok = domain_is_literal(str_of(literals[i].in), &ip);
		if (ok != (literals[i].out != NULL))
			fail_msg("\"%s\"", literals[i].in);
		if (ok)
			assert_string_equal(ip_format(&ip, text),
			    literals[i].out);
	}
}

static const struct {
	const char	*name, *pattern;
	bool		 matches;
} patterns[] = {
	{ "example.org", "example.org", true },
	{ "Example.ORG", "example.org", true },
	{ "example.org", "EXAMPLE.org", true },
	{ "www.example.org", "example.org", false },
	{ "example.org", "www.example.org", false },
	{ "badexample.org", "example.org", false },
	{ "www.example.org", "*.example.org", true },
	{ "a.b.Example.Org", "*.example.org", true },
	{ "example.org", "*.example.org", false },
	{ ".example.org", "*.example.org", false },
	{ "badexample.org", "*.example.org", false },
	{ "www.example.org.evil", "*.example.org", false },
	{ "example.org", "*", true },
	{ "[192.0.2.1]", "*", true },
	{ "", "*", true },
	{ "", "example.org", false },
	{ "example.org", "", false },
	{ "www.example.org", "*example.org", false },
};

static void
test_patterns(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(patterns); i++) {
		if (domain_matches(str_of(patterns[i].name),
		    str_of(patterns[i].pattern)) != patterns[i].matches)
			fail_msg("%s against %s", patterns[i].name,
			    patterns[i].pattern);
	}
}

static void
test_eq_and_fold(void **state)
{
	struct arena a = { 0 };
	struct str s;

	(void)state;
	assert_true(domain_eq(STR("a.Example"), STR("A.eXAMPLE")));
	assert_false(domain_eq(STR("a.example"), STR("a.exampl")));
	assert_false(domain_eq(STR("\xc3\x9c"), STR("\xc3\xbc")));
	s = domain_fold(&a, STR("A.Ex-1\xc3\x9c.ORG"));
	assert_true(str_eq(s, STR("a.ex-1\xc3\x9c.org")));
	assert_int_equal(s.p[s.n], '\0');
	assert_int_equal(domain_fold(&a, STR_NONE).n, 0);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_utf8_label),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_eq_and_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
