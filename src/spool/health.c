/* SPDX-License-Identifier: ISC */
/*
 * The spool's health.  After a failed fsync Linux forgets the error and the
 * data: a disk that fails once may seem well at the next call.  So the memory
 * of it is kept outside any one session, and a disk that failed twice in short
 * time is not asked for a while.
 *
 * Kept by the master, who hears of it when a session ends (visit/tally) and
 * tells the others (visit/peer).  Pure: time comes in as a number.
 */

#include "spool/health.h"

enum {
	REMEMBER_MS = 10 * 60 * 1000,
	SICK_MS = 60 * 1000,
};

void
health_failed(struct health *h, int64_t now)
{
	if (h->failed_at != 0 && now - h->failed_at < REMEMBER_MS)
		h->sick_until = now + SICK_MS;
	h->failed_at = now;
}
