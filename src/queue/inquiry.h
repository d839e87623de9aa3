/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_INQUIRY_H
#define QUEUE_INQUIRY_H

#include <sys/types.h>
#include "queue/setup.h"
#include "queue/stock.h"

#define INQUIRIES_MAX	16

/* Those who are answering. */
struct inquiries {
	pid_t		pid[INQUIRIES_MAX];	/* 0: free */
	unsigned	n;
};

/* The queue socket has a connection: takes it and lets a child answer. */
void	inquiry_hear(struct inquiries *, const struct runner_setup *,
	    struct stock *);
/* A child of the runner has ended: perhaps one of them. */
void	inquiry_ended(struct inquiries *, pid_t);

#endif
