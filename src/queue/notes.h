/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_NOTES_H
#define QUEUE_NOTES_H

#include <stdbool.h>
#include "queue/aside.h"
#include "queue/setup.h"
#include "stock/stock.h"

/* Who does what notes say. */
struct notes {
	const struct runner_setup	*setup;
	struct stock			*stock;
	struct asides			*asides;
	int				 own;	/* end of the runner's own
						 * socket, for its children */
};

/* Does what the notes say that lie on this socket (spool/notify), some of
 * them.  is_own: they come from our own children, who may flush; sessions may
 * only tell of entries, of strangers, and of a domain that asks for its mail. */
void	notes_hear(const struct notes *, int fd, bool is_own);

#endif
