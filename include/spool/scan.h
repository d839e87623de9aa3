/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_SCAN_H
#define SPOOL_SCAN_H

#include "base/fault.h"
#include "os/dir.h"
#include "spool/path.h"

/* A walk over the names of all entries, in small steps, so that a full spool
 * does not keep its reader from other work. */
struct scan {
	const struct spool	*spool;
	bool			 sweep;
	unsigned		 shard;		/* the next to be opened */
	bool			 open;
	struct dir_walk		 walk;
};

/* sweep: removes on its way what was begun and given up (spool/temp). */
void	scan_start(struct scan *, const struct spool *, bool sweep);
/* The next name, valid until the next call; NULL at the end.  A directory
 * that cannot be read is passed over with the fault set (kind != NONE). */
const char *scan_next(struct scan *, struct fault *);
void	scan_stop(struct scan *);

#endif
