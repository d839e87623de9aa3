/* SPDX-License-Identifier: ISC */
#ifndef MASTER_LISTEN_H
#define MASTER_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/fault.h"
#include "conf/conf.h"

/*
 * The sockets on which the world comes in.  The warden binds them once and
 * keeps them open for its whole life; generations of masters and runners use
 * them.
 */
#define LISTEN_MAX	(CONF_LISTENS_MAX + 1)

struct listener {
	int			fd;
	enum conf_service	service;
	bool			local;		/* the submission socket */
	size_t			index;		/* in the listens of a
						 * configuration, if not */
	int			timeout;	/* seconds, which what it
						 * accepts has set; 0: none */
};

struct listeners {
	struct listener	tcp[LISTEN_MAX];	/* and the local one, last */
	unsigned	n;
	int		queue;			/* questions about the queue */
	int		door;			/* those about passwords, of
						 * packets */
};

#define LISTEN_BACKLOG	1024

/* Binds everything that the configuration names, and the local sockets in its
 * run directory.  On failure nothing stays open. */
int	listen_open(struct listeners *, const struct conf *, struct fault *);
void	listen_close(struct listeners *);
/* The door is for this user alone. */
int	listen_give_door(const struct conf *, uid_t, struct fault *);
/* In a child: closes the sockets on which mail comes in. */
void	listen_leave(const struct listeners *);

#endif
