/* SPDX-License-Identifier: ISC */
#ifndef WARDEN_AGENTS_H
#define WARDEN_AGENTS_H

#include <stdbool.h>
#include <sys/types.h>

/* The agents that are alive; zeroed it is empty. */
struct agents {
	pid_t		*pid;
	unsigned	 n, room;
};

void	agents_free(struct agents *);
/* Is there room for one more?  To be asked before the fork; false: no memory. */
bool	agents_have_room(struct agents *);
void	agents_add(struct agents *, pid_t);
/* It has ended; harmless for one that was no agent. */
void	agents_forget(struct agents *, pid_t);

#endif
