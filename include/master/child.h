/* SPDX-License-Identifier: ISC */
#ifndef MASTER_CHILD_H
#define MASTER_CHILD_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/ip.h"
#include "base/table.h"

/* The sessions that are alive, in all and for each client. */
struct children {
	struct table	by_pid;
	struct table	by_client;	/* address: how many */
	unsigned	n;
};

void	children_init(struct children *);
/* How many this client has. */
unsigned children_of(const struct children *, const struct ip *);
void	children_add(struct children *, pid_t, const struct ip *);
/* False: it was none of them. */
bool	children_remove(struct children *, pid_t);
void	children_signal(const struct children *, int sig);

#endif
