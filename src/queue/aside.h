/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_ASIDE_H
#define QUEUE_ASIDE_H

#include <stdbool.h>
#include <sys/types.h>
#include "spool/path.h"

/* Children of the runner that do something beside it: answer a question about
 * the queue, bring in what was dropped. */
#define ASIDES_MAX	16

#define ASIDES_OF_USER	4	/* of one user who is not root */

struct asides {
	pid_t		pid[ASIDES_MAX];	/* 0: free */
	uid_t		uid[ASIDES_MAX];	/* for whom */
	unsigned	n;
};

bool	aside_is_full(const struct asides *);
/* This user has as many as he may; one place is always kept for root and the
 * runner itself. */
bool	aside_is_full_for(const struct asides *, uid_t);
/*
 * Forks one, for a user.  0 in the child, which has the spool, the log and the
 * n descriptors of keep (at most 4), and nothing else of the runner's; its
 * memory is what the runner knew.  It must leave by _exit().
 */
pid_t	aside_start(struct asides *, uid_t, const struct spool *,
	    const char *role, const int *keep, size_t n);
/* A child has ended: was it one of them? */
bool	aside_ended(struct asides *, pid_t);

#endif
