/* SPDX-License-Identifier: ISC */
/*
 * base/str: every function against a table, with empty views that have no
 * address and with bytes above 0x7f, where signed and unsigned char differ.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "base/str.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static void
assert_str(struct str s, const char *want)
{
	assert_int_equal(s.n, strlen(want));
	if (s.n != 0)
		assert_memory_equal(s.p, want, s.n);
}

static int
sign(int d)
{
	return (d > 0) - (d < 0);
}

static void
compares(void **state)
{
	static const struct {
		const char	*a, *b;
		int		 cmp;
		bool		 caseeq;
	} t[] = {
		{ NULL, NULL, 0, true },
		{ NULL, "", 0, true },
		{ "", "a", -1, false },
		{ "a", "a", 0, true },
		{ "a", "A", 1, true },
		{ "a", "ab", -1, false },
		{ "b", "ab", 1, false },
		{ "MAIL", "mail", -1, true },
		{ "\xe4", "\xc4", 1, false },
		{ "\xff", "a", 1, false },
		{ "[", "{", -1, false },
		{ "@", "`", -1, false },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		struct str	a = str_of(t[i].a), b = str_of(t[i].b);

		assert_int_equal(sign(str_cmp(a, b)), t[i].cmp);
		assert_int_equal(sign(str_cmp(b, a)), -t[i].cmp);
		assert_int_equal(str_eq(a, b), t[i].cmp == 0);
		assert_int_equal(str_caseeq(a, b), t[i].caseeq);
		assert_int_equal(str_caseeq(b, a), t[i].caseeq);
	}
	assert_false(str_eq(str_span("a\0b", 3), str_span("a\0c", 3)));
	assert_true(str_eq(str_span("a\0b", 3), str_span("a\0bc", 3)));
}

static void
starts_and_ends(void **state)
{
	static const struct {
		const char	*s, *part;
		bool		 starts, casestarts, ends, caseends;
	} t[] = {
		{ "", "", true, true, true, true },
		{ NULL, "a", false, false, false, false },
		{ "abc", NULL, true, true, true, true },
		{ "abc", "ab", true, true, false, false },
		{ "abc", "AB", false, true, false, false },
		{ "abc", "bc", false, false, true, true },
		{ "abc", "BC", false, false, false, true },
		{ "abc", "abc", true, true, true, true },
		{ "abc", "abcd", false, false, false, false },
		{ "aba", "A", false, true, false, true },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		struct str	s = str_of(t[i].s), part = str_of(t[i].part);

		assert_int_equal(str_starts(s, part), t[i].starts);
		assert_int_equal(str_casestarts(s, part), t[i].casestarts);
		assert_int_equal(str_ends(s, part), t[i].ends);
		assert_int_equal(str_caseends(s, part), t[i].caseends);
	}
}

static void
finds(void **state)
{
	static const struct {
		const char	*s;
		char		 c;
		size_t		 first, last;
	} t[] = {
		{ NULL, 'a', 0, 0 },
		{ "b", 'a', 1, 1 },
		{ "abca", 'a', 0, 3 },
		{ "bab", 'a', 1, 1 },
		{ "x\xff\xff", '\xff', 1, 2 },
		{ "ab", '\0', 2, 2 },
	};
	static const struct {
		const char	*s, *needle;
		size_t		 at;
	} u[] = {
		{ NULL, NULL, 0 },
		{ NULL, "a", 0 },
		{ "abc", "", 0 },
		{ "abc", "bc", 1 },
		{ "abc", "abcd", 3 },
		{ "aab", "ab", 1 },
		{ "abc", "B", 3 },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(str_find(str_of(t[i].s), t[i].c), t[i].first);
		assert_int_equal(str_rfind(str_of(t[i].s), t[i].c), t[i].last);
	}
	for (i = 0; i < COUNT(u); i++)
		assert_int_equal(str_search(str_of(u[i].s),
		    str_of(u[i].needle)), u[i].at);
}

static void
slices_are_clipped(void **state)
{
	static const struct {
		size_t		 from, to;
		const char	*want;
	} t[] = {
		{ 0, 3, "abc" },
		{ 1, 2, "b" },
		{ 1, 99, "bc" },
		{ 2, 1, "" },
		{ 9, 99, "" },
		{ 3, 3, "" },
		{ 0, 0, "" },
		{ SIZE_MAX, SIZE_MAX, "" },
	};
	struct str	s = STR("abc");
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_str(str_slice(s, t[i].from, t[i].to), t[i].want);
		if (t[i].to >= 3)
			assert_str(str_from(s, t[i].from), t[i].want);
	}
	assert_null(str_slice(STR_NONE, 4, 9).p);
	assert_int_equal(str_from(STR_NONE, 1).n, 0);
}

static void
trims(void **state)
{
	static const struct {
		const char	*s, *want;
	} t[] = {
		{ NULL, "" },
		{ "", "" },
		{ " \t ", "" },
		{ "a", "a" },
		{ "\t a b\t ", "a b" },
		{ "a ", "a" },
		{ " a", "a" },
		{ "\na\r", "\na\r" },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		assert_str(str_trim(str_of(t[i].s)), t[i].want);
}

static void
cuts(void **state)
{
	static const struct {
		const char	*s;
		const char	*piece[5];
	} t[] = {
		{ NULL, { NULL } },
		{ "", { NULL } },
		{ "a", { "a", NULL } },
		{ "a,b", { "a", "b", NULL } },
		{ "a,", { "a", NULL } },
		{ ",", { "", NULL } },
		{ ",a", { "", "a", NULL } },
		{ "a,,b", { "a", "", "b", NULL } },
	};
	struct str	rest, piece;
	size_t		i, j;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		rest = str_of(t[i].s);
		for (j = 0; t[i].piece[j] != NULL; j++) {
			assert_true(str_cut(&rest, ',', &piece));
			assert_str(piece, t[i].piece[j]);
		}
		assert_false(str_cut(&rest, ',', &piece));
		assert_int_equal(rest.n, 0);
	}
}

static void
words(void **state)
{
	static const struct {
		const char	*s;
		const char	*word[4];
	} t[] = {
		{ NULL, { NULL } },
		{ " \t", { NULL } },
		{ "a", { "a", NULL } },
		{ "  ab\tc  ", { "ab", "c", NULL } },
		{ "a\nb c", { "a\nb", "c", NULL } },
	};
	struct str	rest, word;
	size_t		i, j;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		rest = str_of(t[i].s);
		for (j = 0; t[i].word[j] != NULL; j++) {
			assert_true(str_word(&rest, &word));
			assert_str(word, t[i].word[j]);
		}
		assert_false(str_word(&rest, &word));
		assert_int_equal(rest.n, 0);
	}
}

static void
classes_of_all_bytes(void **state)
{
	const char	*alpha = "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	int		 i;

	(void)state;
	for (i = 0; i < 256; i++) {
		char	c = (char)i;
		bool	is_alpha = i != 0 && strchr(alpha, i) != NULL;
		bool	is_digit = i != 0 && strchr("0123456789", i) != NULL;

		assert_int_equal(str_is_alpha(c), is_alpha);
		assert_int_equal(str_is_digit(c), is_digit);
		assert_int_equal(str_is_alnum(c), is_alpha || is_digit);
		assert_int_equal(str_is_blank(c), i == ' ' || i == '\t');
		assert_int_equal(str_is_control(c), i < 32 || i == 127);
		assert_int_equal((unsigned char)str_lower_char(c),
		    i >= 'A' && i <= 'Z' ? i + 32 : i);
	}
}

static void
lowers_in_place(void **state)
{
	char	z[] = "AbZ[@\xc4z";

	(void)state;
	str_lower(z, sizeof(z) - 1);
	assert_string_equal(z, "abz[@\xc4z");
}

static void
distances(void **state)
{
	static const struct {
		const char	*a, *b;
		unsigned	 d;
	} t[] = {
		{ "", "", 0 },
		{ NULL, "abc", 3 },
		{ "domain", "domain", 0 },
		{ "domian", "domain", 1 },
		{ "listen", "lisen", 1 },
		{ "relay", "reelay", 1 },
		{ "relay", "rellax", 2 },
		{ "kitten", "sitting", 3 },
		{ "ca", "abc", 3 },
		{ "ab", "ba", 1 },
		{ "abc", "xyz", 3 },
	};
	char	word[66];
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(str_distance(str_of(t[i].a),
		    str_of(t[i].b)), t[i].d);
		assert_int_equal(str_distance(str_of(t[i].b),
		    str_of(t[i].a)), t[i].d);
	}
	memset(word, 'a', sizeof(word));
	assert_int_equal(str_distance(str_span(word, 64),
	    str_span(word, 60)), 4);
	assert_int_equal(str_distance(str_span(word, 65),
	    str_span(word, 64)), UINT_MAX);
	assert_int_equal(str_distance(str_span(word, 65),
	    str_span(word, 65)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares),
		cmocka_unit_test(starts_and_ends),
		cmocka_unit_test(finds),
		cmocka_unit_test(slices_are_clipped),
		cmocka_unit_test(trims),
		cmocka_unit_test(cuts),
		cmocka_unit_test(words),
		cmocka_unit_test(classes_of_all_bytes),
		cmocka_unit_test(lowers_in_place),
		cmocka_unit_test(distances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
