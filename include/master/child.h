/* SPDX-License-Identifier: ISC */
#ifndef MASTER_CHILD_H
#define MASTER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "master/budget.h"

/* The sessions that are alive, found by their process. */
struct child {
	pid_t			pid;	/* 0: a free slot */
	struct budget_seat	seat;
};

struct children {
	struct child	*child;		/* 1 << bits slots */
	unsigned	 bits;
	size_t		 n, max;
};

/* Takes all memory that it will ever need, where no child can see it: later
 * there may be none. */
void	children_init(struct children *, size_t max);
void	children_free(struct children *);
/* There must be room for it. */
void	children_add(struct children *, pid_t, const struct budget_seat *);
/* Its seat, until the next is added or removed; NULL: it is none of them. */
struct budget_seat *children_find(const struct children *, pid_t);
/* False: it was none of them. */
bool	children_remove(struct children *, pid_t, struct budget_seat *);

#endif
