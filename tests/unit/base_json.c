/* SPDX-License-Identifier: ISC */
/*
 * base/json: strings that no text can break out of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"

static const struct {
	struct str text;
	const char *json;
} rows[] = {
	{ { "", 0 }, "\"\"" },
	{ { "abc", 3 }, "\"abc\"" },
	{ { "a\"b\\c", 5 }, "\"a\\\"b\\\\c\"" },
	{ { "a\nb\0c\x7f", 6 }, "\"a\\u000ab\\u0000c\\u007f\"" },
	{ { "\xc3\xbc", 2 }, "\"\xc3\xbc\"" },
	{ { "\xc3", 1 }, "\"\\ufffd\"" },
	{ { "\xc0\x80", 2 }, "\"\\ufffd\\ufffd\"" },
};

static void
test_rows(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		json_put_string(&b, rows[i].text);
		assert_string_equal(buf_cstr(&b), rows[i].json);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
