/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_STOCK_H
#define QUEUE_STOCK_H

#include "base/list.h"
#include "base/table.h"
#include "conf/conf.h"
#include "deliver/job.h"
#include "queue/hop.h"
#include "queue/schedule.h"
#include "route/alias.h"
#include "spool/message.h"

/*
 * What the runner knows of every entry: a few words, so that a million fit.
 * The truth is on the disk.
 */
struct entry {
	char		name[SPOOL_NAME_MAX];
	int		fd;		/* open and locked, or -1 */
	uint32_t	tasks;		/* not yet settled */
	uint32_t	active;		/* of them, with a worker */
	struct list	members;	/* its tasks */
	bool		again;		/* an attempt may have been cut short */
	bool		owes;		/* a recipient has failed: bounce */
	bool		damaged;
};

/* Recipients of one entry that go to one destination. */
struct task {
	struct due	due;		/* first: in the schedule, or not */
	struct list	link;		/* in hop->ready */
	struct list	member;		/* in entry->members */
	struct entry	*entry;
	struct hop	*hop;
	bool		active;
	uint32_t	n;
	uint32_t	index[];
};

struct stock {
	const struct conf	*conf;
	const struct spool	*spool;
	struct alias_book	*book;
	struct table		 by_name;
	struct hops		 hops;
	struct schedule		 schedule;
	struct list		 later;		/* names found locked */
	struct table		 later_by_name;
	unsigned		 open;		/* entries with a descriptor */
	int64_t			 removed_at;	/* oldest unsynced removal */
	char			 removed[SPOOL_NAME_MAX];	/* the last */
};

void	stock_init(struct stock *, const struct conf *, const struct spool *,
	    struct alias_book *);
/* Looks at an entry that is new, or was found; harmless when it is known. */
void	stock_admit(struct stock *, const char *name, bool again);
/* The task's entry is open and locked: entry->fd.  False: not now. */
bool	stock_open(struct stock *, struct task *);
/* A worker is done with this task. */
void	stock_finish(struct stock *, struct task *, const struct done *);
/* A worker died with it. */
void	stock_abandon(struct stock *, struct task *);
/* Makes everything ready whose time has come. */
void	stock_wake(struct stock *);
/* Puts what is ready for a dead destination to sleep until it is probed. */
void	stock_put_to_sleep(struct stock *, struct hop *);
/* Makes all (or one) due now and forgets that destinations are dead. */
void	stock_flush(struct stock *, const char *name);
/* Commits removals when the oldest waited long enough. */
void	stock_sync_removals(struct stock *);
/* Milliseconds until something above is due; -1: nothing. */
int64_t	stock_patience(const struct stock *);

#endif
