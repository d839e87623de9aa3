/* SPDX-License-Identifier: ISC */
#ifndef STOCK_STOCK_H
#define STOCK_STOCK_H

#include "deliver/job.h"
#include "stock/entry.h"

void	stock_init(struct stock *, const struct conf *, const struct spool *,
	    struct alias_book *);
/* Looks at an entry that is new, or was found; harmless when it is known. */
void	stock_admit(struct stock *, const char *name, bool again);
/*
 * An entry was met that may or may not be known.  due: when it is, as the index
 * has it, in seconds of the boot clock; 0: not known.  True: it was opened.
 */
bool	stock_found(struct stock *, const char *name, uint32_t due);
/* The task's entry is open and locked: entry->fd.  False: not now. */
bool	stock_open(struct stock *, struct task *);
/* A worker is done with this task. */
void	stock_finish(struct stock *, struct task *, const struct done *);
/* A worker died with it. */
void	stock_abandon(struct stock *, struct task *);
/* Its destination is dead: puts it off without a try.  It has left its hop's
 * ready list. */
void	stock_suspend(struct stock *, struct task *);
/* Makes everything ready whose time has come. */
void	stock_wake(struct stock *);
/* Makes all (or one) due now and forgets that destinations are dead. */
void	stock_flush(struct stock *, const char *name);
/* Commits removals when the oldest waited long enough. */
void	stock_sync_removals(struct stock *);
/* All entries that were there at the start have been looked at. */
void	stock_has_seen_all(struct stock *);
/* Closes and unlocks all that no worker is at: somebody else takes over. */
void	stock_let_go(struct stock *);
/* Milliseconds until something above is due; -1: nothing.  draining: only the
 * removals count. */
int64_t	stock_patience(const struct stock *, bool draining);

#endif
