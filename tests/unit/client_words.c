/* SPDX-License-Identifier: ISC */
/*
 * Names as phrases, and addresses that get their domain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "client/words.h"

struct row {
	const char	*in, *out;	/* out NULL: nothing is written */
};

static void
test_phrase(void **state)
{
	static const struct row rows[] = {
		{ "Cron Daemon", "Cron Daemon" },
		{ "  a  ", "a" },
		{ "John Q. Public", "\"John Q. Public\"" },
		{ "a \"b\" \\c", "\"a \\\"b\\\" \\\\c\"" },
		{ "a@b <c>", "\"a@b <c>\"" },
		{ "a (b)", "\"a (b)\"" },
		{ "=?UTF-8?Q?J=C3=B6?=", "=?UTF-8?Q?J=C3=B6?=" },
		{ "J\xc3\xb6rg", "=?UTF-8?Q?J=C3=B6rg?=" },
		{ "J\xc3\xb6 (?_=\".", "=?UTF-8?Q?J=C3=B6_=28=3F=5F=3D=22=2E?=" },
		/* 75 characters a word, and characters stay whole */
		{ "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
		    "=?UTF-8?Q?=C3=A4=C3=A4=C3=A4=C3=A4=C3=A4=C3=A4=C3=A4"
		    "=C3=A4=C3=A4=C3=A4?=\r\n =?UTF-8?Q?=C3=A4?=" },
		/* hostile */
		{ "", NULL },
		{ " \t ", NULL },
		{ "a\r\nBcc: b", "\"a  Bcc: b\"" },
		{ "a\x7f" "b", "a b" },
		{ "\xff\xfe", NULL },
	};
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		assert_int_equal(words_put_phrase(&b, str_of(rows[i].in)),
		    rows[i].out != NULL);
		if (rows[i].out == NULL)
			assert_int_equal(b.n, 0);
		else
			assert_string_equal(buf_cstr(&b), rows[i].out);
	}
	buf_free(&b);
}

static void
test_long_phrase(void **state)
{
	char name[1000];
	struct buf b = { 0 };

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_true(words_put_phrase(&b, str_span(name, sizeof(name))));
	assert_int_equal(b.n, WORDS_PHRASE_MAX);
	/* The border lies within a character, which is left out. */
	memcpy(name + WORDS_PHRASE_MAX - 1, "\xc3\xa4", 2);
	buf_reset(&b);
	assert_true(words_put_phrase(&b, str_span(name, sizeof(name))));
	assert_int_equal(b.n, WORDS_PHRASE_MAX - 1);
	buf_free(&b);
}

static void
test_qualified(void **state)
{
	static const struct row rows[] = {
		{ "", "" },
		{ " ", " " },
		{ " root", " root@h" },
		{ " root ", " root@h " },
		{ " root (Cron Daemon)", " root@h (Cron Daemon)" },
		{ " (x) root", " (x) root@h" },
		{ " a@b", " a@b" },
		{ " a, b@c, d", " a@h, b@c, d@h" },
		{ " Foo Bar <root>", " Foo Bar <root@h>" },
		{ " Foo <root (x)>", " Foo <root@h (x)>" },
		{ " Foo <a@b>, <c>", " Foo <a@b>, <c@h>" },
		{ " John Q. Public <r>", " John Q. Public <r@h>" },
		{ " \"x, y\" <r>, z", " \"x, y\" <r@h>, z@h" },
		{ " \"a b\"", " \"a b\"@h" },
		{ " a.b", " a.b@h" },
		{ " team: a, b@c;, d", " team: a@h, b@c;, d@h" },
		{ " undisclosed-recipients:;", " undisclosed-recipients:;" },
		{ " a,\r\n b", " a@h,\r\n b@h" },
		{ " <@x,@y:a@b>", " <@x,@y:a@b>" },
		{ " a@[192.0.2.1], b", " a@[192.0.2.1], b@h" },
		{ " <>", " <>" },
		/* not understood: left alone */
		{ " a b", " a b" },
		{ " a . b", " a . b" },
		{ " root, \"x", " root, \"x" },
		{ " root, (x", " root, (x" },
		{ " root, \x01", " root, \x01" },
		{ " a@", " a@" },
	};
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		words_put_qualified(&b, str_of(rows[i].in), STR("h"));
		assert_string_equal(buf_cstr(&b), rows[i].out);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phrase),
		cmocka_unit_test(test_long_phrase),
		cmocka_unit_test(test_qualified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
