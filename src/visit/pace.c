/* SPDX-License-Identifier: ISC */
/*
 * The least pace of a message.  A client that sends a byte now and then is
 * within every timeout and holds a process for as long as a session may last;
 * a thousand of them hold them all (SECURITY 4.6).  So what DATA brings is
 * held against the clock, on average over the whole of it: who was fast may
 * pause.
 *
 * Pure arithmetic, without a clock of its own.  Asked by intake/data whenever
 * something has come; for who sends nothing at all there is timeout-data.
 */

#include "visit/pace.h"

bool
pace_is_too_slow(uint64_t rate, int64_t ms, uint64_t bytes)
{
	if (ms < PACE_GRACE_MS)
		return false;
	/* Not bytes a millisecond: that is nothing for most rates. */
	return bytes < rate * (uint64_t)ms / 1000;
}
