/* SPDX-License-Identifier: ISC */
/*
 * Points in time as people and mail programs read them.
 *
 * The names of days and months are our own table, because they must be the
 * English ones whatever the locale says (RFC 5322 3.3).  The zone is that of
 * the process; localtime_r() loads it at its first use, so a process that is
 * about to lose sight of the file system should have written a date before.
 *
 * Only written, never read: nothing here depends on a Date that a stranger
 * has sent.  A time outside of the years 1970 to 9999 is written as the
 * nearest end, since the field has four digits and no sign.
 *
 * Called by mail/received and mail/report for headers, and by mailq.
 */
#include "mail/date.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WALL_MAX	INT64_C(253402214399)	/* a day before year 10000 */

static const char days[7][4] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat",
};

static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

static struct tm
split(int64_t wall)
{
	struct tm tm;
	time_t t;

	if (wall < 0)
		wall = 0;
	if (wall > WALL_MAX)
		wall = WALL_MAX;
	t = (time_t)wall;
	if (localtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	return tm;
}

void
date_put(struct buf *b, int64_t wall)
{
	struct tm tm = split(wall);
	long minutes = labs(tm.tm_gmtoff) / 60;

	buf_printf(b, "%s, %d %s %04d %02d:%02d:%02d %c%02ld%02ld",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    tm.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

void
date_put_short(struct buf *b, int64_t wall)
{
	struct tm tm = split(wall);

	buf_printf(b, "%s %2d %02d:%02d:%02d", months[tm.tm_mon], tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
date_put_mailq(struct buf *b, int64_t wall)
{
	struct tm tm = split(wall);

	buf_printf(b, "%s ", days[tm.tm_wday]);
	date_put_short(b, wall);
}
