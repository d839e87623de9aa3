/* SPDX-License-Identifier: ISC */
/*
 * Points in time as people and mail programs read them.
 *
 * The names of days and months are the English ones whatever the locale says
 * (RFC 5322 3.3), and the zone is that of the process (base/calendar).
 *
 * A Date of a header is only written, never read: nothing here depends on what a
 * stranger has sent.  What is read is the one form of RFC 3339 that a parameter
 * of MAIL has.  A time outside of the years 1970 to 9999 is written as the
 * nearest end, since the field has four digits and no sign.
 *
 * Called by mail/received and mail/report for headers, by mailq, and by
 * deliver/mbox.
 */
#include "mail/date.h"

#include <stdlib.h>
#include <time.h>

#include "base/calendar.h"
#include "base/num.h"

void
date_put(struct buf *b, int64_t wall)
{
	struct tm tm = calendar_local(wall);
	long minutes = labs(tm.tm_gmtoff) / 60;

	buf_printf(b, "%s, %d %s %04d %02d:%02d:%02d %c%02ld%02ld",
	    calendar_days[tm.tm_wday], tm.tm_mday, calendar_months[tm.tm_mon],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    tm.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static void
put_short(struct buf *b, const struct tm *tm)
{
	buf_printf(b, "%s %2d %02d:%02d:%02d", calendar_months[tm->tm_mon],
	    tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec);
}

void
date_put_short(struct buf *b, int64_t wall)
{
	struct tm tm = calendar_local(wall);

	put_short(b, &tm);
}

void
date_put_mailq(struct buf *b, int64_t wall)
{
	struct tm tm = calendar_local(wall);

	buf_printf(b, "%s ", calendar_days[tm.tm_wday]);
	put_short(b, &tm);
}

void
date_put_mbox(struct buf *b, int64_t wall)
{
	date_put_mailq(b, wall);
	buf_printf(b, " %04d", calendar_local(wall).tm_year + 1900);
}

void
date_put_utc(struct buf *b, int64_t wall)
{
	struct tm tm = calendar_utc(wall);

	buf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Two digits at *at, or four of a year. */
static bool
read_digits(struct str s, size_t at, size_t n, int *out)
{
	uint64_t v;

	if (!num_parse(str_slice(s, at, at + n), 9999, &v))
		return false;
	*out = (int)v;
	return true;
}

/*
 * A day that the month does not have, or hour 24, would come out of timegm()
 * as another moment: what is read must be what would be written.  The 60th
 * second of a leap second is the first of the next minute.
 */
bool
date_parse_utc(struct str s, int64_t *wall)
{
	struct tm tm = { 0 };
	struct buf again = { 0 };
	int64_t t;
	bool good, leap;

	if (s.n != 20 || s.p[4] != '-' || s.p[7] != '-' ||
	    str_lower_char(s.p[10]) != 't' || s.p[13] != ':' ||
	    s.p[16] != ':' || str_lower_char(s.p[19]) != 'z' ||
	    !read_digits(s, 0, 4, &tm.tm_year) ||
	    !read_digits(s, 5, 2, &tm.tm_mon) ||
	    !read_digits(s, 8, 2, &tm.tm_mday) ||
	    !read_digits(s, 11, 2, &tm.tm_hour) ||
	    !read_digits(s, 14, 2, &tm.tm_min) ||
	    !read_digits(s, 17, 2, &tm.tm_sec))
		return false;
	leap = tm.tm_sec == 60;
	tm.tm_sec -= leap ? 1 : 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	t = (int64_t)timegm(&tm);
	date_put_utc(&again, t);
	good = leap ? str_caseeq(str_slice(buf_str(&again), 0, 17),
	    str_slice(s, 0, 17)) : str_caseeq(buf_str(&again), s);
	buf_free(&again);
	if (good)
		*wall = t + (leap ? 1 : 0);
	return good;
}
