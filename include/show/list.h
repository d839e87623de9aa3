/* SPDX-License-Identifier: ISC */
#ifndef SHOW_LIST_H
#define SHOW_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "spool/path.h"

/* The queue as whoever lists it sees it. */
struct view {
	const struct spool	*spool;
	/* Is a worker at this entry?  NULL: nobody knows. */
	bool			(*is_active)(void *ctx, struct str name);
	void			*ctx;
	/* So many entries; 0: unknown, or to be listed by one alone. */
	size_t			 about;
};

/* A listing on its way to a descriptor; a zeroed one with the first four set is
 * about to begin. */
struct listing {
	const struct view	*view;
	void			(*pass)(struct listing *);
	int			 fd;
	bool			 json;
	bool			 headed;	/* the line over the columns is
						 * there */
	bool			 broken;	/* the reader has gone */
	bool			 partial;	/* something was not readable */
	uint64_t		 bytes, count;	/* of the messages in it */
	struct buf		 out;		/* not yet passed on */
};

/* What a listing passes on goes to fd; the usual one for pass. */
void	list_write(struct listing *);
/* Passes on what there is. */
void	list_flush(struct listing *);
/* Once, over the first entry; programs need none. */
void	list_head(struct listing *);
/* All entries of one directory of the queue, 0 to SPOOL_SHARDS - 1. */
void	list_shard(struct listing *, unsigned shard);
/* All that are on hold. */
void	list_hold(struct listing *);
/* '!' on hold, '*' with a worker, ' ' neither. */
char	list_mark(const struct view *, const char *name, bool held);

#endif
