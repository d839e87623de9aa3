/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_INQUIRY_H
#define QUEUE_INQUIRY_H

#include "queue/aside.h"
#include "queue/etrn.h"
#include "stock/stock.h"

/* The queue socket has a connection: takes it and lets a child answer.
 * notify: to the runner itself; sessions: who is told nothing, -1: nobody. */
void	inquiry_hear(struct asides *, struct stock *, int queue_sock,
	    int notify, uid_t sessions);

#endif
