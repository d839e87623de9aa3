/* SPDX-License-Identifier: ISC */
/* The arguments of BDAT.  T-4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "smtp/chunk.h"

static void
test_good(void **state)
{
	static const struct {
		const char	*args;
		uint64_t	 size;
		bool		 last;
	} rows[] = {
		{ "0", 0, false },
		{ "0 LAST", 0, true },
		{ "1", 1, false },
		{ "007", 7, false },
		{ "1000 last", 1000, true },
		{ "1000 \t LaSt ", 1000, true },
		{ "00000000000000000001 LAST", 1, true },
		{ "18446744073709551615", UINT64_MAX, false },
		{ "18446744073709551616", UINT64_MAX, false },
		{ "99999999999999999999 LAST", UINT64_MAX, true },
	};
	struct chunk c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!chunk_parse(str_of(rows[i].args), &c))
			fail_msg("%s", rows[i].args);
		assert_int_equal(c.size, rows[i].size);
		assert_int_equal(c.last, rows[i].last);
	}
}

static void
test_malformed(void **state)
{
	static const char *const rows[] = {
		"", " ", "LAST", "-1", "+1", "-0", "0x10", "0X1", "10h", "1e3",
		"1.0", "1,000", "1K", "000000000000000000001",
		"100000000000000000000", "1LAST", "1 LAS", "1 LASTS",
		"1 LAST LAST", "1 LAST 2", "1 2", "1 2 LAST", "LAST 1",
		"1\vLAST", "\vl", "\xb2", "\xc2\xb2", "1 \"LAST\"", "1;LAST",
	};
	struct chunk c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (chunk_parse(str_of(rows[i]), &c))
			fail_msg("%s", rows[i]);
	assert_false(chunk_parse(str_span("1\0", 2), &c));
	assert_false(chunk_parse(STR_NONE, &c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
