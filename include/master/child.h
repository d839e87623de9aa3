/* SPDX-License-Identifier: ISC */
#ifndef MASTER_CHILD_H
#define MASTER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/ip.h"

/* The sessions that are alive, in all and for each client. */
struct child {
	pid_t		pid;
	struct ip	client;
};

struct children {
	struct child	*child;		/* the first n of max */
	size_t		 n, max;
};

/* Takes all memory that it will ever need: later there may be none. */
void	children_init(struct children *, size_t max);
void	children_free(struct children *);
bool	children_are_full(const struct children *);
/* How many this client has: an IPv4 address, or the /64 of an IPv6 one. */
size_t	children_of(const struct children *, const struct ip *);
void	children_add(struct children *, pid_t, const struct ip *);
/* False: it was none of them. */
bool	children_remove(struct children *, pid_t);

#endif
