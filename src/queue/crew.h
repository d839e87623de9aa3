/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_CREW_H
#define QUEUE_CREW_H

#include <poll.h>
#include <sys/types.h>
#include "stock/stock.h"

/* The workers: who is there, who does what, who may go. */
struct crew {
	const struct conf	*conf;
	struct stock		*stock;
	int			 channel;	/* to the warden */
	int			 narrow;	/* sandbox of a worker, or -1 */
	struct list		 members;	/* of struct hand_on */
	struct list		 idle;		/* of them, longest idle first */
	unsigned		 n;
	unsigned		 probes;	/* at destinations that were
						 * dead the last time */
	bool			 draining;	/* give out nothing more */
	int64_t			 again_at;	/* after a fork that failed */
	bool			 unfinished;	/* crew_dispatch() stopped in
						 * the middle: do not wait */
};

#define CREW_FDS_MAX	1024

void	crew_init(struct crew *, const struct conf *, struct stock *,
	    int channel, int narrow);
/* Gives out what is ready, starting workers where it may. */
void	crew_dispatch(struct crew *);
/* Sends away whoever has been idle for long. */
void	crew_dismiss_idle(struct crew *);
/* Sends away all idle ones and gives out nothing more. */
void	crew_drain(struct crew *);
bool	crew_is_empty(const struct crew *);
/* Fills p with the workers' sockets; who[i] belongs to p[i]. */
size_t	crew_poll_set(struct crew *, struct pollfd *p, void **who, size_t max);
/* A worker has something to say (or is gone). */
void	crew_hear(struct crew *, void *who);
/* Milliseconds until an idle one is to go; -1: none. */
int64_t	crew_patience(const struct crew *);

#endif
