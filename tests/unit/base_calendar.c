/* SPDX-License-Identifier: ISC */
/*
 * base/calendar: each day from 1970 to 9999 is the C library's, and so is what
 * comes of an offset that was looked up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"

#define DAY	86400
#define END	INT64_C(253402214399)

static void
same(const struct tm *got, const struct tm *want)
{
	assert_int_equal(got->tm_year, want->tm_year);
	assert_int_equal(got->tm_mon, want->tm_mon);
	assert_int_equal(got->tm_mday, want->tm_mday);
	assert_int_equal(got->tm_wday, want->tm_wday);
	assert_int_equal(got->tm_hour, want->tm_hour);
	assert_int_equal(got->tm_min, want->tm_min);
	assert_int_equal(got->tm_sec, want->tm_sec);
	assert_int_equal(got->tm_gmtoff, want->tm_gmtoff);
}

static void
every_day(void **state)
{
	struct tm want, got;

	(void)state;
	for (int64_t t = 0; t < END; t += DAY) {
		const time_t ends[] = { t, t + DAY - 1, t + t / DAY % DAY };

		for (int i = 0; i < 3; i++) {
			got = calendar_utc(ends[i]);
			assert_non_null(gmtime_r(&ends[i], &want));
			same(&got, &want);
		}
	}
}

static void
bounds(void **state)
{
	struct tm t;

	(void)state;
	t = calendar_utc(INT64_MIN);
	assert_int_equal(t.tm_year, 70);
	assert_int_equal(t.tm_sec, 0);
	t = calendar_utc(INT64_MAX);
	assert_int_equal(t.tm_year, 9999 - 1900);
	assert_int_equal(t.tm_mday, 30);
}

/* The zones in POSIX form need no files; west is positive there.  The last one
 * changes its offset on the 25th of October 2026, 01:00 UTC. */
static void
zones(void **state)
{
	static const char *const zones[] = { "UTC0", "CET-1", "NST3:30",
	    "YYY12", "NPT-5:45", "YYY-14", "CET-1CEST,M3.5.0,M10.5.0/3" };
	const int64_t change = 1792890000;
	struct tm want, got;

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		setenv("TZ", zones[i], 1);
		tzset();
		/* Another quarter, so that the one of the zone before goes. */
		calendar_look(DAY);
		calendar_look(change - 1);
		for (time_t t = change - 7200; t < change + 7200; t += 7) {
			assert_non_null(localtime_r(&t, &want));
			got = calendar_local(t);
			same(&got, &want);
		}
		calendar_look(change);
		for (time_t t = change - 7200; t < change + 7200; t += 7) {
			assert_non_null(localtime_r(&t, &want));
			got = calendar_local(t);
			same(&got, &want);
		}
		/* The zone's first hours may lie in 1969. */
		calendar_look(0);
		for (time_t t = 0; t < 1000; t += 7) {
			assert_non_null(localtime_r(&t, &want));
			got = calendar_local(t);
			same(&got, &want);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day),
		cmocka_unit_test(bounds),
		cmocka_unit_test(zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
