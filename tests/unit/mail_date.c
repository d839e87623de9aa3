/* SPDX-License-Identifier: ISC */
/* mail/date: the same points in time in several zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mail/date.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* Zones in POSIX form need no files; west is positive there. */
static const struct {
	const char	*zone;
	int64_t		 wall;
	const char	*full, *brief, *mailq;
} dates[] = {
	{ "UTC0", 1795328546, "Sun, 22 Nov 2026 06:22:26 +0000",
	    "Nov 22 06:22:26", "Sun Nov 22 06:22:26" },
	{ "CET-1", 1795328546, "Sun, 22 Nov 2026 07:22:26 +0100",
	    "Nov 22 07:22:26", "Sun Nov 22 07:22:26" },
	{ "NST3:30", 1795328546, "Sun, 22 Nov 2026 02:52:26 -0330",
	    "Nov 22 02:52:26", "Sun Nov 22 02:52:26" },
	{ "YYY12", 1795328546, "Sat, 21 Nov 2026 18:22:26 -1200",
	    "Nov 21 18:22:26", "Sat Nov 21 18:22:26" },
	{ "YYY0:30", 0, "Wed, 31 Dec 1969 23:30:00 -0030",
	    "Dec 31 23:30:00", "Wed Dec 31 23:30:00" },
	{ "NPT-5:45", 1795328546, "Sun, 22 Nov 2026 12:07:26 +0545",
	    "Nov 22 12:07:26", "Sun Nov 22 12:07:26" },
	/* one digit of the day: RFC 5322 3.3 leaves it alone, logs pad */
	{ "UTC0", 1772582400, "Wed, 4 Mar 2026 00:00:00 +0000",
	    "Mar  4 00:00:00", "Wed Mar  4 00:00:00" },
	{ "UTC0", 951782400, "Tue, 29 Feb 2000 00:00:00 +0000",
	    "Feb 29 00:00:00", "Tue Feb 29 00:00:00" },
	{ "UTC0", 0, "Thu, 1 Jan 1970 00:00:00 +0000",
	    "Jan  1 00:00:00", "Thu Jan  1 00:00:00" },
	{ "UTC0", INT64_C(2147483648), "Tue, 19 Jan 2038 03:14:08 +0000",
	    "Jan 19 03:14:08", "Tue Jan 19 03:14:08" },
	/* beyond what the field can say */
	{ "UTC0", -1, "Thu, 1 Jan 1970 00:00:00 +0000",
	    "Jan  1 00:00:00", "Thu Jan  1 00:00:00" },
	{ "UTC0", INT64_MIN, "Thu, 1 Jan 1970 00:00:00 +0000",
	    "Jan  1 00:00:00", "Thu Jan  1 00:00:00" },
	{ "YYY-14", INT64_MAX, "Fri, 31 Dec 9999 13:59:59 +1400",
	    "Dec 31 13:59:59", "Fri Dec 31 13:59:59" },
};

static void
expect(struct buf *b, const char *want)
{
	assert_string_equal(buf_cstr(b), want);
	buf_reset(b);
}

static void
test_dates(void **state)
{
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(dates); i++) {
		setenv("TZ", dates[i].zone, 1);
		tzset();
		date_put(&b, dates[i].wall);
		expect(&b, dates[i].full);
		date_put_short(&b, dates[i].wall);
		expect(&b, dates[i].brief);
		date_put_mailq(&b, dates[i].wall);
		expect(&b, dates[i].mailq);
	}
	buf_free(&b);
}

static void
test_utc(void **state)
{
	static const struct {
		const char	*text;
		int64_t		 wall;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2027-01-15T08:00:00Z", 1800000000 },
		{ "2024-02-29T23:59:59Z", 1709251199 },
		{ "9999-12-30T23:59:59Z", INT64_C(253402214399) },
	};
	struct buf b = { 0 };
	int64_t wall;

	(void)state;
	setenv("TZ", "ABC-5", 1);
	tzset();
	for (size_t i = 0; i < COUNT(rows); i++) {
		date_put_utc(&b, rows[i].wall);
		expect(&b, rows[i].text);
		assert_true(date_parse_utc(str_of(rows[i].text), &wall));
		assert_int_equal(wall, rows[i].wall);
	}
	assert_true(date_parse_utc(STR("2027-01-15t08:00:00z"), &wall));
	assert_int_equal(wall, 1800000000);
	assert_true(date_parse_utc(STR("2016-12-31T23:59:60Z"), &wall));
	assert_int_equal(wall, 1483228800);
	buf_free(&b);
}

static void
test_utc_malformed(void **state)
{
	static const char *const rows[] = {
		"", "2027-01-15", "2027-01-15T08:00:00", "2027-1-15T08:00:00Z",
		"2027-01-15 08:00:00Z", "2027-01-15T08:00:00+00:00",
		"2027-01-15T08:00:00.5Z", "2027-02-29T00:00:00Z",
		"2027-13-01T00:00:00Z", "2027-00-01T00:00:00Z",
		"2027-01-00T00:00:00Z", "2027-01-32T00:00:00Z",
		"2027-01-15T24:00:00Z", "2027-01-15T08:60:00Z",
		"2027-01-15T08:00:61Z", "1969-12-31T23:59:59Z",
		"+027-01-15T08:00:00Z", "2027-01-15T08:00:0 Z",
		"0000-01-01T00:00:00Z", "-001-01-01T00:00:00Z",
	};
	int64_t wall = 77;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (date_parse_utc(str_of(rows[i]), &wall))
			fail_msg("taken: %s", rows[i]);
	assert_int_equal(wall, 77);
}

/* Every day and month has its English name. */
static void
test_names(void **state)
{
	struct buf b = { 0 };
	struct tm tm;
	char want[64];
	time_t t;
	int day;

	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	for (day = 0; day < 366; day++) {
		t = (time_t)day * 86400;
		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%a %b %e %H:%M:%S", &tm);
		date_put_mailq(&b, t);
		expect(&b, want);
		strftime(want, sizeof(want), "%a %b %e %H:%M:%S %Y", &tm);
		date_put_mbox(&b, t);
		expect(&b, want);
	}
	date_put_mbox(&b, 1795328546);
	expect(&b, "Sun Nov 22 06:22:26 2026");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_utc),
		cmocka_unit_test(test_utc_malformed),
		cmocka_unit_test(test_names),
	};

	setlocale(LC_ALL, "C");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
