/* SPDX-License-Identifier: ISC */
/*
 * visit/pace: how slowly a content may come, with a clock that is only a
 * number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "visit/pace.h"

#define WEEK	INT64_C(604800000)

static const struct {
	const char	*name;
	uint64_t	 rate;
	int64_t		 ms;
	uint64_t	 bytes;
	bool		 want;
} rows[] = {
	{ "nothing at first", 500, 0, 0, false },
	{ "nothing within the grace", 500, 29999, 0, false },
	{ "nothing after it", 500, 30000, 0, true },
	{ "one byte less", 500, 30000, 14999, true },
	{ "just enough", 500, 30000, 15000, false },
	{ "a clock that went back", 500, -5, 0, false },
	{ "fast, then a pause", 500, 100000, 50000, false },
	{ "fast, then too long a pause", 500, 100010, 50000, true },
	{ "a byte a second", 1, 60000, 60, false },
	{ "less than that", 1, 60000, 59, true },
	{ "switched off", 0, WEEK, 0, false },
	{ "as fast as can be asked for", 1000000, WEEK,
	    UINT64_C(604800000000), false },
	{ "not quite", 1000000, WEEK, UINT64_C(604799999999), true },
};

static void
all_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (pace_is_too_slow(rows[i].rate, rows[i].ms,
		    rows[i].bytes) != rows[i].want)
			fail_msg("%s", rows[i].name);
}

/* Once in a second, as it comes, for some minutes. */
static bool
is_left_alone(uint64_t rate, uint64_t comes)
{
	for (int64_t ms = 0; ms < 600000; ms += 1000)
		if (pace_is_too_slow(rate, ms, comes * (uint64_t)ms / 1000))
			return false;
	return true;
}

static void
steady(void **state)
{
	(void)state;
	assert_true(is_left_alone(500, 500));
	assert_false(is_left_alone(500, 499));
	assert_true(is_left_alone(1, 1));
	assert_false(is_left_alone(1000000, 999999));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rows),
		cmocka_unit_test(steady),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
