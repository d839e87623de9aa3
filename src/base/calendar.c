/* SPDX-License-Identifier: ISC */
/*
 * Points in time as days and hours.
 *
 * The zone is the C library's to know; its file is read when it is first asked,
 * so a process that is about to lose sight of the file system should have asked
 * before.  The arithmetic of days is done here, and with an offset that was
 * looked up beforehand the library is not asked at all: a session, which writes
 * one date and ends, would pay four page faults for that.
 *
 * Called by os/log for its stamps and by mail/date.
 */
#include "base/calendar.h"

#define DAY		86400
#define QUARTER		900
#define WALL_MAX	INT64_C(253402214399)	/* a day before year 10000 */
/* The calendar repeats itself after 400 years; they are counted from a 1st of
 * March, so that a leap day is the last of its year. */
#define ERA_DAYS	146097
#define ERA_TO_1970	719468

const char calendar_days[7][4] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat",
};
const char calendar_months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

static struct {
	int64_t	quarter;	/* 0: none was looked at */
	long	offset;		/* seconds east of UTC */
} known;

static int64_t
bound(int64_t wall)
{
	return wall < 0 ? 0 : wall > WALL_MAX ? WALL_MAX : wall;
}

static void
set_date(struct tm *tm, int64_t days)
{
	int64_t from = days + ERA_TO_1970;
	int64_t era = from / ERA_DAYS, day = from % ERA_DAYS;
	/* Every 4th year has a day more, not the 100th, but the 400th. */
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t of_year = day - (365 * year + year / 4 - year / 100);
	/* From March on, each five months have 153 days. */
	int64_t month = (5 * of_year + 2) / 153;

	tm->tm_mday = (int)(of_year - (153 * month + 2) / 5 + 1);
	tm->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
	tm->tm_year = (int)(era * 400 + year + (month < 10 ? 0 : 1) - 1900);
	tm->tm_wday = (int)((days + 4) % 7);	/* 1970 began on a Thursday */
}

/* Not before 1970, less a day for zones. */
static struct tm
split(int64_t wall, long offset)
{
	int64_t t = wall + offset, days = (t + DAY) / DAY - 1;
	int second = (int)(t - days * DAY);
	struct tm tm = { .tm_gmtoff = offset };

	set_date(&tm, days);
	tm.tm_hour = second / 3600;
	tm.tm_min = second / 60 % 60;
	tm.tm_sec = second % 60;
	return tm;
}

struct tm
calendar_utc(int64_t wall)
{
	return split(bound(wall), 0);
}

struct tm
calendar_local(int64_t wall)
{
	time_t t = (time_t)bound(wall);
	struct tm tm;

	if (known.quarter != 0 && t / QUARTER == known.quarter)
		return split(t, known.offset);
	if (localtime_r(&t, &tm) == NULL)
		return split(t, 0);
	return tm;
}

void
calendar_look(int64_t wall)
{
	time_t t = (time_t)bound(wall);
	struct tm tm;

	if (t / QUARTER == known.quarter || localtime_r(&t, &tm) == NULL)
		return;
	/* A zone that counts leap seconds is the library's. */
	if (tm.tm_sec != split(t, tm.tm_gmtoff).tm_sec)
		return;
	known.quarter = t / QUARTER;
	known.offset = tm.tm_gmtoff;
}
