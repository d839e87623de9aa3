/* SPDX-License-Identifier: ISC */
#ifndef BASE_CALENDAR_H
#define BASE_CALENDAR_H

#include <stdint.h>
#include <time.h>

/* The English ones, whatever the locale says, by tm_wday and tm_mon. */
extern const char	calendar_days[7][4], calendar_months[12][4];

/* Seconds since 1970 as the time of day in the zone of this process, and in
 * UTC.  A moment that has no four digits for its year, or is before 1970, is
 * taken for the nearest that has. */
struct tm	calendar_local(int64_t wall);
struct tm	calendar_utc(int64_t wall);

/*
 * Looks up the zone's offset for the quarter of an hour in which this moment
 * lies (zones change their offset between two of those), so that
 * calendar_local() need not: for this process and what it forks.
 */
void	calendar_look(int64_t wall);

#endif
