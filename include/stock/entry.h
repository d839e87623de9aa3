/* SPDX-License-Identifier: ISC */
#ifndef STOCK_ENTRY_H
#define STOCK_ENTRY_H

#include "base/list.h"
#include "base/table.h"
#include "conf/conf.h"
#include "route/alias.h"
#include "spool/journal.h"
#include "spool/message.h"
#include "stock/dormant.h"
#include "stock/hop.h"
#include "stock/schedule.h"

/*
 * What the runner knows of an entry that a worker is at, or could be.  One that
 * only waits is a name and a time (stock/dormant).  The truth is on the disk.
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
	bool		removed;	/* from the disk */
	bool		woken;		/* counted in stock.woken */
};

/* Recipients of one entry that go to one destination. */
struct task {
	struct due	due;		/* first: in the schedule, or not */
	struct list	link;		/* in hop->ready */
	struct list	member;		/* in entry->members */
	struct entry	*entry;
	struct hop	*hop;
	int		priority;	/* of its message: RFC 6710 */
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
	struct dormant		 dormant;	/* what only waits */
	struct schedule		 later;		/* names found locked */
	struct table		 later_by_name;
	struct journal		 journal;
	bool			 journal_kept;	/* a mark of it could still not
						 * be brought to its place */
	unsigned		 open;		/* entries with a descriptor */
	unsigned		 woken;		/* entries that are not fresh */
	bool			 draining;	/* keep nothing open: another
						 * runner takes over */
	int64_t			 removed_at;	/* oldest unsynced removal */
	char			 removed[SPOOL_NAME_MAX];	/* the last */
};


/* A name to be looked at again, in stock.later. */
struct later {
	struct due	due;		/* first */
	bool		again;
	char		name[SPOOL_NAME_MAX];
};

/* Looks at that name again in so many milliseconds. */
void	entry_look_later(struct stock *, const char *name, bool again,
	    int64_t wait);
/* Unlocks and closes, if it is open. */
void	entry_close(struct stock *, struct entry *);
/* Out of memory's sight; what is on the disk is not touched.  No worker may
 * be at it. */
void	entry_forget(struct stock *, struct entry *);
/* Closed; and if all of it waits, forgotten, but for its name and when it is
 * due.  No worker may be at it, and it owes nothing. */
void	entry_rest(struct stock *, struct entry *);
/* What of it waits is due now, and its destinations are not dead. */
void	entry_hurry(struct stock *, struct entry *);
/* Something of it is still to be tried in this round. */
bool	entry_has_ready(const struct entry *);
/* It has been unlinked; to be synced with others. */
void	entry_note_removal(struct stock *, const char *name);
void	entry_sync_removals(struct stock *);

void	task_free(struct stock *, struct task *);
void	task_put_ready(struct stock *, struct task *);
/* next: wall seconds; 0 is now. */
void	task_put_waiting(struct stock *, struct task *, int64_t next);

#endif
