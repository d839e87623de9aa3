/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_ASIDE_H
#define QUEUE_ASIDE_H

#include <stdbool.h>
#include <sys/types.h>
#include "spool/path.h"

/* Children of the runner that do something beside it: answer a question about
 * the queue, bring in what was dropped. */
#define ASIDES_MAX	16

struct asides {
	pid_t		pid[ASIDES_MAX];	/* 0: free */
	unsigned	n;
};

bool	aside_is_full(const struct asides *);
/*
 * Forks one.  0 in the child, which has the spool, the log and the n
 * descriptors of keep (at most 4), and nothing else of the runner's; its
 * memory is what the runner knew.  It must leave by _exit().
 */
pid_t	aside_start(struct asides *, const struct spool *, const char *role,
	    const int *keep, size_t n);
/* A child has ended: was it one of them? */
bool	aside_ended(struct asides *, pid_t);

#endif
