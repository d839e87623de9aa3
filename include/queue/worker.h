/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_WORKER_H
#define QUEUE_WORKER_H

#include <sys/types.h>
#include "base/fault.h"
#include "conf/conf.h"
#include "route/next.h"

/*
 * A child of the runner that serves one destination: it takes job after job
 * from its socket, delivers, marks the entry, logs, and says what became of
 * it.  It ends when its socket does.
 */
struct worker_setup {
	const struct conf	*conf;
	const struct next	*next;
	int			 channel;	/* to the warden */
	int			 narrow;	/* its sandbox, or -1 */
};

/* Forks one; *sock is our end of its socket (SEQPACKET). */
pid_t	worker_start(const struct worker_setup *, int *sock, struct fault *);

#endif
