/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_HEALTH_H
#define SPOOL_HEALTH_H

#include <stdint.h>

/*
 * Is the spool's disk to be trusted?  A second failure to write or sync within
 * ten minutes makes the spool sick for one: new transactions are then put off
 * with 451 before they send anything, and the disk is left in peace.
 */
struct health {
	int64_t	failed_at;	/* clock_boot_ms; 0: never */
	int64_t	sick_until;
};

/* A write or sync failed for another reason than lack of room. */
void	health_failed(struct health *, int64_t now);

#endif
