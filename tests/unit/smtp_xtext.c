/* SPDX-License-Identifier: ISC */
/* xtext and unitext: there and back again, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/utf8.h"
#include "smtp/xtext.h"

#define L(lit)	{ (lit), sizeof(lit) - 1 }

static void
test_xtext(void **state)
{
	static const struct {
		struct str	plain, coded;
	} rows[] = {
		{ L(""), L("") },
		{ L("abc;<>@\"\\"), L("abc;<>@\"\\") },
		{ L("a+b=c"), L("a+2Bb+3Dc") },
		{ L("a b\t"), L("a+20b+09") },
		{ L("\x00\x7f\xff"), L("+00+7F+FF") },
	};
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct str out;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		xtext_put(&b, rows[i].plain);
		assert_true(str_eq(buf_str(&b), rows[i].coded));
		assert_true(xtext_decode(&a, rows[i].coded, &out));
		assert_true(str_eq(out, rows[i].plain));
	}
	assert_true(xtext_decode(&a, STR("+41"), &out));
	assert_true(str_eq(out, STR("A")));
	arena_free(&a);
	buf_free(&b);
}

static void
test_xtext_malformed(void **state)
{
	static const struct str rows[] = {
		L("+"), L("a+"), L("a+4"), L("+4G"), L("+4g"), L("+2b"),
		L("++4"), L("a b"), L("a=b"), L("\x7f"), L("\x80"), L("\t"),
		L("a\0"), L("+-1"), L("+ 1"),
	};
	struct arena a = { 0 };
	struct str out = STR("untouched");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (xtext_decode(&a, rows[i], &out))
			fail_msg("row %zu taken", i);
	assert_true(str_eq(out, STR("untouched")));
	arena_free(&a);
}

static void
test_every_octet(void **state)
{
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct str out;
	char all[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	xtext_put(&b, str_span(all, sizeof(all)));
	assert_true(utf8_is_ascii(buf_str(&b)));
	assert_true(xtext_decode(&a, buf_str(&b), &out));
	assert_true(str_eq(out, str_span(all, sizeof(all))));
	arena_free(&a);
	buf_free(&b);
}

static void
test_unitext(void **state)
{
	static const struct {
		struct str	plain, coded;
	} rows[] = {
		{ L("a@b"), L("a@b") },
		{ L("\xc3\xa9@b"), L("\\x{E9}@b") },
		{ L("\xe2\x82\xac"), L("\\x{20AC}") },
		{ L("\xf0\x9f\x98\x80"), L("\\x{1F600}") },
		{ L("\xf4\x8f\xbf\xbf"), L("\\x{10FFFF}") },
		{ L("a+b=c\\ d"), L("a\\x{2B}b\\x{3D}c\\x{5C}\\x{20}d") },
	};
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct str out;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		unitext_put(&b, rows[i].plain);
		if (!str_eq(buf_str(&b), rows[i].coded))
			fail_msg("row %zu: %s", i, buf_cstr(&b));
		assert_true(unitext_decode(&a, rows[i].coded, &out));
		assert_true(str_eq(out, rows[i].plain));
	}
	/* RFC 6533 3: UTF-8 may stand for itself. */
	assert_true(unitext_decode(&a, STR("\xc3\xa9\\x{E9}"), &out));
	assert_true(str_eq(out, STR("\xc3\xa9\xc3\xa9")));
	buf_reset(&b);
	unitext_put(&b, STR("a\xff"));
	assert_true(str_eq(buf_str(&b), STR("a\\x{FFFD}")));
	arena_free(&a);
	buf_free(&b);
}

static void
test_unitext_malformed(void **state)
{
	static const struct str rows[] = {
		L("\\"), L("\\x"), L("\\x{"), L("\\x{}"), L("\\x{E}"),
		L("\\x{E9"), L("\\x{e9}"), L("\\x{0E9}"), L("\\x{00E9}"),
		L("\\x{D800}"), L("\\x{DFFF}"), L("\\x{110000}"),
		L("\\x{1000000}"), L("\\x{G0}"), L("\\y{E9}"), L("\xc3"),
		L("\xff"), L("a\\"),
	};
	struct arena a = { 0 };
	struct str out;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (unitext_decode(&a, rows[i], &out))
			fail_msg("row %zu taken", i);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xtext),
		cmocka_unit_test(test_xtext_malformed),
		cmocka_unit_test(test_every_octet),
		cmocka_unit_test(test_unitext),
		cmocka_unit_test(test_unitext_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
