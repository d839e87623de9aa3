/* SPDX-License-Identifier: ISC */
/* Base 64 both ways, and all that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"

#define L(lit)	{ (lit), sizeof(lit) - 1 }

/* RFC 4648 10, and bytes of all kinds. */
static const struct {
	struct str	bytes, text;
} rows[] = {
	{ L(""), L("") },
	{ L("f"), L("Zg==") },
	{ L("fo"), L("Zm8=") },
	{ L("foo"), L("Zm9v") },
	{ L("foob"), L("Zm9vYg==") },
	{ L("fooba"), L("Zm9vYmE=") },
	{ L("foobar"), L("Zm9vYmFy") },
	{ L("\0\0\0"), L("AAAA") },
	{ L("\xff\xff\xff"), L("////") },
	{ L("\xfb\xef\xbe"), L("++++") },
	{ L("\0bob\0secret"), L("AGJvYgBzZWNyZXQ=") },
};

static void
test_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = { 0 };

		base64_put(&b, rows[i].bytes);
		assert_true(str_eq(buf_str(&b), rows[i].text));
		buf_reset(&b);
		buf_putc(&b, 'x');
		assert_true(base64_decode(rows[i].text, &b));
		assert_true(str_eq(str_from(buf_str(&b), 1), rows[i].bytes));
		buf_free(&b);
	}
}

static void
test_malformed(void **state)
{
	/* RFC 4954 4 names the first two. */
	static const char *const bad[] = { "=AAA", "AAA=BBB", "A", "AA", "AAA",
	    "AAAAA", "====", "A===", "AA=A", "AAAA====", "AA==AAAA", "AB==",
	    "AAB=", "AA-A", "AA_A", "AA A", " AAA", "AAA\n", "AAA\x80", "AAA*",
	    "Zg==\r\n", "Zg=", "*" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b = { 0 };

		buf_putc(&b, 'x');
		if (base64_decode(str_of(bad[i]), &b))
			fail_msg("taken: \"%s\"", bad[i]);
		assert_int_equal(b.n, 1);
		buf_free(&b);
	}
	struct buf b = { 0 };

	assert_false(base64_decode((struct str)L("AA\0A"), &b));
	buf_free(&b);
}

static void
test_every_byte(void **state)
{
	struct buf text = { 0 }, back = { 0 };
	char bytes[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	for (size_t n = 0; n <= 256; n++) {
		buf_reset(&text);
		buf_reset(&back);
		base64_put(&text, str_span(bytes, n));
		assert_true(base64_decode(buf_str(&text), &back));
		assert_true(str_eq(buf_str(&back), str_span(bytes, n)));
	}
	buf_free(&text);
	buf_free(&back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests_name("base_base64", tests, NULL, NULL);
}
