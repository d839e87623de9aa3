/* SPDX-License-Identifier: ISC */
#ifndef STOCK_SURVEY_H
#define STOCK_SURVEY_H

#include "spool/scan.h"
#include "stock/stock.h"

/* The runner's walks over the spool, for what nobody has told it. */
struct survey {
	struct stock		*stock;
	struct scan		 scan;
	struct scan_memory	 memory;
	bool			 walking;
	bool			 ended_once;	/* then the index is of no use */
	unsigned		 names;		/* met by this walk */
	struct dormant		 index;		/* of one directory, */
	unsigned		 loaded;	/* this one; SPOOL_SHARDS: none */
	unsigned		 saving;	/* the next; SPOOL_SHARDS: none */
	int64_t			 due;		/* of the next walk, boot ms */
};

void	survey_init(struct survey *, struct stock *);
/* Starts a walk when it is time: true then. */
bool	survey_start_due(struct survey *);
/* A few steps of whatever is under way. */
void	survey_step(struct survey *);
/* Ends the walk, and writes down what has not been. */
void	survey_end(struct survey *);
/* Milliseconds until there is something to do. */
int64_t	survey_patience(const struct survey *);

#endif
