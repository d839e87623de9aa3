/* SPDX-License-Identifier: ISC */
#ifndef STOCK_DORMANT_H
#define STOCK_DORMANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/pack.h"

/*
 * The entries of which nothing is known but that they need not be looked at
 * before some time: sixteen bytes each, in tables by the directory in which
 * they lie.  Pure: the time is given, in seconds of the boot clock, never 0.
 */
struct dormant_record {
	uint8_t		name[PACK_SIZE];
	uint32_t	due;		/* 0: this place is free */
};

struct dormant_shard {
	struct dormant_record	*p;
	uint32_t		 n, cap;	/* cap: 0, or a power of two */
	uint32_t		 earliest;	/* none is due before it */
	uint32_t		 visited;	/* when all were looked at */
	uint32_t		 news;		/* not in the index yet */
};

struct dormant {
	struct dormant_shard	 shard[SPOOL_SHARDS];
	uint64_t		 key[2];
	size_t			 n;
	uint32_t		 earliest;	/* no visit is due before it */
	unsigned		 at;		/* a round of dormant_take() */
	uint32_t		 slot, low;	/* stands here */
};

#define DORMANT_NEVER	UINT32_MAX
#define DORMANT_NOW	2		/* long ago; 1 is a roused one's */

void	dormant_init(struct dormant *);
void	dormant_clear(struct dormant *);	/* empty and usable again */
/* Enters it, or gives it another time.  False: such a name does not fit. */
bool	dormant_put(struct dormant *, const char *name, uint32_t due);
/* The same for one that came from the index, where it need not be put. */
bool	dormant_restore(struct dormant *, const char *name, uint32_t due);
/* When it is due; 0: it is not here. */
uint32_t dormant_find(const struct dormant *, const char *name);
bool	dormant_remove(struct dormant *, const char *name);	/* was it here? */
/* The index of this directory is of no more use. */
void	dormant_spoil(struct dormant *, unsigned shard);
/* All of them are due now, whatever they say themselves. */
void	dormant_rouse(struct dormant *);
/*
 * Takes one out that is due.  *roused: dormant_rouse() made it so.  Many are
 * found by one look at their directory, so that where thousands lie in each they
 * may be some seconds late.
 */
bool	dormant_take(struct dormant *, uint32_t now,
	    char name[SPOOL_NAME_MAX], bool *roused);
/* The next one of a directory, from *at = 0 on; NULL at the end. */
const struct dormant_record *dormant_next(const struct dormant *,
	    unsigned shard, uint32_t *at);

#endif
