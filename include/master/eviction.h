/* SPDX-License-Identifier: ISC */
#ifndef MASTER_EVICTION_H
#define MASTER_EVICTION_H

#include "master/budget.h"
#include "master/child.h"

/*
 * Who is to go first when there is little left (SECURITY 4.6): of the network
 * with the most sessions the one that has been there for longest.  Nobody of ours,
 * no user, and nobody who has just come.
 */
#define EVICTION_AGE	10000	/* ms */

/* The number of the next session that is to be asked; -1: there is none.  Each is
 * asked once. */
int	eviction_next(struct children *, const struct budget *, int64_t now);

#endif
