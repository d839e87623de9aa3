/* SPDX-License-Identifier: ISC */
/* mail/lex: each word taken or refused, and where the cursor stands then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mail/lex.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static void
test_atext(void **state)
{
	const char *specials = "()<>[]:;@\\,.\" \t\r\n";
	const char *others = "!#$%&'*+-/=?^_`{|}~";
	size_t n = 0;
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		if (lex_is_atext((char)c))
			n++;
	}
	assert_int_equal(n, 26 + 26 + 10 + 19);
	for (; *others != '\0'; others++)
		assert_true(lex_is_atext(*others));
	for (; *specials != '\0'; specials++)
		assert_false(lex_is_atext(*specials));
	assert_true(lex_is_atext('a') && lex_is_atext('Z'));
	assert_true(lex_is_atext('0') && lex_is_atext('9'));
	assert_false(lex_is_atext('\0') || lex_is_atext('\x7f'));
}

/* What is left behind white space and comments; NULL: a comment is open. */
static const struct {
	const char	*in, *rest;
} spaces[] = {
	{ "", "" },
	{ "a", "a" },
	{ " \t a ", "a " },
	{ "\r\n a", "a" },
	{ "\n\ta", "a" },
	{ " \r\n \r\n\t a", "a" },
	{ "\r\na", "\r\na" },
	{ "\r\n", "\r\n" },
	{ "\n", "\n" },
	{ " \r", "\r" },
	{ "\ra", "\ra" },
	{ "\r a", "\r a" },
	{ "\r\r\n a", "\r\r\n a" },
	{ "(x)a", "a" },
	{ " (x) (y)\t(z) a", "a" },
	{ "(x(y(z))x)a", "a" },
	{ "()()a", "a" },
	{ "(\\))a", "a" },
	{ "(\\()a", "a" },
	{ "(\\\\)a", "a" },
	{ "(\"))a", ")a" },
	{ "(\x01\r\n\xe9)a", "a" },
	{ "(x\r\n y)a", "a" },
	{ ")a", ")a" },
	{ "(", NULL },
	{ "(()", NULL },
	{ "(\\)", NULL },
	{ "(\\", NULL },
	{ "(a) (b", NULL },
};

/* A copy on the heap of just that size, so that a byte too far is noticed. */
static struct lex
cursor(char **copy, const char *z, bool utf8)
{
	size_t n = strlen(z);

	*copy = malloc(n + (n == 0));
	assert_non_null(*copy);
	memcpy(*copy, z, n);
	return (struct lex){ str_span(*copy, n), utf8 };
}

static void
test_cfws(void **state)
{
	struct lex lx;
	char *copy;
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < COUNT(spaces); i++) {
		lx = cursor(&copy, spaces[i].in, false);
		ok = lex_skip_cfws(&lx);
		if (ok != (spaces[i].rest != NULL))
			fail_msg("\"%s\"", spaces[i].in);
		if (ok && !str_eq(lx.rest, str_of(spaces[i].rest)))
			fail_msg("\"%s\" left \"%.*s\"", spaces[i].in,
			    STR_ARG(lx.rest));
		free(copy);
	}
}

static void
test_deep_comment(void **state)
{
	enum { DEPTH = 1000000 };
	char *p = malloc(2 * DEPTH + 1);
	struct lex lx;

	(void)state;
	assert_non_null(p);
	memset(p, '(', DEPTH);
	memset(p + DEPTH, ')', DEPTH);
	p[2 * DEPTH] = 'a';
	lx = (struct lex){ str_span(p, 2 * DEPTH + 1), false };
	assert_true(lex_skip_cfws(&lx));
	assert_true(str_eq(lx.rest, STR("a")));
	lx = (struct lex){ str_span(p, 2 * DEPTH - 1), false };
	assert_false(lex_skip_cfws(&lx));
	free(p);
}

/* The lengths of the atom and of the dot-atom at the front; 0: none. */
static const struct {
	const char	*in;
	size_t		 atom, dot_atom;
	bool		 utf8;
} atoms[] = {
	{ "", 0, 0, false },
	{ "a", 1, 1, false },
	{ "abc@d", 3, 3, false },
	{ "a.b.c@d", 1, 5, false },
	{ "a.", 1, 1, false },
	{ "a..b", 1, 1, false },
	{ "a.b.", 1, 3, false },
	{ "a.@b", 1, 1, false },
	{ ".a", 0, 0, false },
	{ " a", 0, 0, false },
	{ "\"a\"", 0, 0, false },
	{ "(a)", 0, 0, false },
	{ "a b", 1, 1, false },
	{ "a\x01", 1, 1, false },
	{ "\xc3\xa9", 0, 0, false },
	{ "a\xc3\xa9.b", 1, 1, false },
	{ "\xc3\xa9", 2, 2, true },
	{ "a\xc3\xa9.\xe9" "b c", 3, 6, true },
};

static void
test_atoms(void **state)
{
	struct lex lx;
	struct str out, was;
	char *copy;
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < COUNT(atoms); i++) {
		lx = cursor(&copy, atoms[i].in, atoms[i].utf8);
		was = lx.rest;
		ok = lex_atom(&lx, &out);
		assert_int_equal(ok, atoms[i].atom > 0);
		assert_int_equal(ok ? out.n : 0, atoms[i].atom);
		assert_ptr_equal(lx.rest.p, was.p + atoms[i].atom);
		assert_int_equal(lx.rest.n, was.n - atoms[i].atom);
		lx.rest = was;
		ok = lex_dot_atom(&lx, &out);
		assert_int_equal(ok, atoms[i].dot_atom > 0);
		assert_int_equal(ok ? out.n : 0, atoms[i].dot_atom);
		assert_int_equal(lx.rest.n, was.n - atoms[i].dot_atom);
		free(copy);
	}
}

/* NULL: refused. */
static const struct {
	const char	*in, *out, *rest;
	bool		 utf8;
} quoted[] = {
	{ "\"\"", "", "", false },
	{ "\"a\"", "a", "", false },
	{ "\"a\" b", "a", " b", false },
	{ "\"a\"\"b\"", "a", "\"b\"", false },
	{ "\"a b\tc\"", "a b\tc", "", false },
	{ "\"a\\\"b\"", "a\"b", "", false },
	{ "\"a\\\\\"", "a\\", "", false },
	{ "\"\\a\\ \\\t\"", "a \t", "", false },
	{ "\"a\r\n b\"", "a b", "", false },
	{ "\"a\n\tb\"", "a\tb", "", false },
	{ "\"\r\n \"", " ", "", false },
	{ "\"(<@>)\"", "(<@>)", "", false },
	{ "\"\xc3\xa9\"", "\xc3\xa9", "", true },
	{ "\"\\\xe9\"", "\xe9", "", true },
	{ "", NULL, NULL, false },
	{ "a", NULL, NULL, false },
	{ "\"", NULL, NULL, false },
	{ "\"a", NULL, NULL, false },
	{ "\"a\\\"", NULL, NULL, false },
	{ "\"a\\", NULL, NULL, false },
	{ " \"a\"", NULL, NULL, false },
	{ "\"a\rb\"", NULL, NULL, false },
	{ "\"a\nb\"", NULL, NULL, false },
	{ "\"a\r\nb\"", NULL, NULL, false },
	{ "\"a\r\n\"", NULL, NULL, false },
	{ "\"a\r\n", NULL, NULL, false },
	{ "\"a\\\r\n b\"", NULL, NULL, false },
	{ "\"\x01\"", NULL, NULL, false },
	{ "\"\\\x01\"", NULL, NULL, false },
	{ "\"\x7f\"", NULL, NULL, false },
	{ "\"\xc3\xa9\"", NULL, NULL, false },
	{ "\"\\\xc3\"", NULL, NULL, false },
};

static void
test_quoted(void **state)
{
	struct arena a = { 0 };
	struct str out, was;
	struct lex lx;
	char *copy;
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < COUNT(quoted); i++) {
		lx = cursor(&copy, quoted[i].in, quoted[i].utf8);
		was = lx.rest;
		ok = lex_quoted(&lx, &a, &out);
		if (ok != (quoted[i].out != NULL))
			fail_msg("%s", quoted[i].in);
		if (!ok) {
			assert_ptr_equal(lx.rest.p, was.p);
			assert_int_equal(lx.rest.n, was.n);
			assert_false(lex_quoted(&lx, NULL, NULL));
			free(copy);
			continue;
		}
		assert_true(str_eq(lx.rest, str_of(quoted[i].rest)));
		lx.rest = was;
		assert_true(lex_quoted(&lx, NULL, NULL));
		assert_true(str_eq(lx.rest, str_of(quoted[i].rest)));
		free(copy);
		/* It does not live in the text that was read. */
		if (!str_eq(out, str_of(quoted[i].out)))
			fail_msg("%s: %.*s", quoted[i].in, STR_ARG(out));
	}
	lx = (struct lex){ STR("\"a\0b\""), true };
	assert_false(lex_quoted(&lx, &a, &out));
	arena_free(&a);
}

static void
test_char(void **state)
{
	struct lex lx = { STR("@a"), false };

	(void)state;
	assert_false(lex_at_end(&lx));
	assert_false(lex_char(&lx, 'a'));
	assert_true(lex_char(&lx, '@'));
	assert_true(lex_char(&lx, 'a'));
	assert_true(lex_at_end(&lx));
	assert_false(lex_char(&lx, 'a'));
	assert_false(lex_char(&lx, '\0'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_atext),
		cmocka_unit_test(test_cfws),
		cmocka_unit_test(test_deep_comment),
		cmocka_unit_test(test_atoms),
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_char),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
