/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_ETRN_H
#define QUEUE_ETRN_H

#include "queue/aside.h"
#include "stock/stock.h"

/* A session was asked for the mail of a domain ("@example.org": and of those
 * below it): has everything tried soon that waits for it.  notify is the end of
 * the runner's own socket that its children write. */
void	etrn_hear(struct asides *, const struct stock *, int notify,
	    const char *domain);

#endif
