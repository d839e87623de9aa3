/* SPDX-License-Identifier: ISC */
#ifndef STOCK_HOP_H
#define STOCK_HOP_H

#include <stdint.h>
#include "base/list.h"
#include "base/table.h"
#include "conf/conf.h"
#include "deliver/job.h"
#include "route/next.h"

/*
 * Destinations: what waits for each, who works for it, and since when it is
 * known to be dead.  A destination exists as long as anything refers to it; so
 * many that are dead are remembered beyond that, for what is dormant.
 */
#define HOPS_REMEMBERED	2048

struct hop {
	struct next	next;		/* its strings are in text */
	struct list	ready;		/* of tasks, in the order of due time */
	struct list	turn;		/* in hops.turn while it may start */
	struct list	idle;		/* of workers waiting for more */
	struct list	memory;		/* in hops.memory: nothing refers to it */
	unsigned	workers;
	unsigned	tasks;		/* that refer to it */
	int64_t		dead_until;	/* clock_boot_ms; 0: alive */
	char		reason[JOB_REASON_MAX];	/* why it is dead */
	void		*latest;	/* the task made last, for its maker */
	char		text[];
};

struct hops {
	struct table	by_key;
	struct list	turn;		/* hops that have something ready */
	struct list	memory;		/* dead ones, the oldest first */
	unsigned	remembered;	/* so many of them */
};

void	hops_init(struct hops *);
/* The one for this next, made if there is none.  Counts a task. */
struct hop *hop_get(struct hops *, const struct next *);
/* One task fewer; when nothing refers to it, it is freed, or remembered if it
 * is dead (the one that was remembered longest makes room). */
void	hop_release(struct hops *, struct hop *);
/* It is not dead, as far as we know. */
void	hop_revive(struct hop *);
void	hops_revive(struct hops *);		/* none is */
/* Frees the remembered ones; nothing may refer to any other. */
void	hops_free(struct hops *);
/* Something was added to hop->ready. */
void	hop_is_ready(struct hops *, struct hop *);
/* The next one whose turn it is; it goes to the end of the row.  NULL: none. */
struct hop *hop_turn(struct hops *);
/* Takes it out of the row, until hop_is_ready(). */
void	hop_rest(struct hop *);
/* How many workers may serve it at once. */
unsigned hop_worker_limit(const struct hop *, const struct conf *);

#endif
