/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_SCAN_H
#define SPOOL_SCAN_H

#include <time.h>
#include "base/fault.h"
#include "os/dir.h"
#include "spool/path.h"

/* What a walk has left behind for the next: the state of each directory that
 * it saw whole.  All zero: nothing. */
struct scan_memory {
	struct timespec	changed[SPOOL_SHARDS];	/* 0: not known */
};

/* A walk over the names of all entries, in small steps, so that a full spool
 * does not keep its reader from other work. */
struct scan {
	const struct spool	*spool;
	bool			 sweep;
	struct scan_memory	*memory;	/* or NULL */
	int64_t			 begun;		/* wall seconds */
	unsigned		 shard;		/* the next to be opened */
	bool			 open;
	bool			 missed;	/* a directory, or a part of it */
	struct timespec		 changed;	/* the open one, before it was
						 * read; 0: not to be kept */
	struct dir_walk		 walk;
};

/* sweep: removes on its way what was begun and given up (spool/temp). */
void	scan_start(struct scan *, const struct spool *, bool sweep);
/* To be said before the first step: directories in which nothing was made,
 * renamed or removed since the memory was kept are passed over, and it is kept
 * anew.  wall is now, in seconds. */
void	scan_remember(struct scan *, struct scan_memory *, int64_t wall);
/* The next name, valid until the next call; NULL at the end.  A directory
 * that cannot be read is passed over with the fault set (kind != NONE). */
const char *scan_next(struct scan *, struct fault *);
/* The directory of the name that came last. */
unsigned scan_shard(const struct scan *);
void	scan_stop(struct scan *);

#endif
