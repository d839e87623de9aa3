/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_HEALTH_H
#define SPOOL_HEALTH_H

#include <stdbool.h>

/*
 * Is the spool's disk to be trusted?  One word of memory that all sessions
 * share with the master that forked them.  A second failure to write or sync
 * within ten minutes makes the spool sick for one: new transactions are then
 * put off with 451 before they send anything, and the disk is left in peace.
 */
struct health;

struct health *health_new(void);	/* before the fork; never freed */
/* A write or sync failed for another reason than lack of room. */
void	health_failed(struct health *);
bool	health_is_sick(const struct health *);	/* NULL: no */

#endif
