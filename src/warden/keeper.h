/* SPDX-License-Identifier: ISC */
#ifndef WARDEN_KEEPER_H
#define WARDEN_KEEPER_H

#include "base/buf.h"
#include "conf/conf.h"
#include "master/cage.h"

/*
 * The process that holds the private keys, and the ways to it.  The warden
 * makes them, forks the keeper and then the master with them, and closes them.
 */
struct keeper_ways {
	int	door[2];	/* os/sock: the keeper has [0], who asks has
				 * [1] */
	int	life[2];	/* the keeper has [0], and ends when nobody has
				 * [1] any more */
};
#define KEEPER_NOWHERE	((struct keeper_ways){ { -1, -1 }, { -1, -1 } })

int	keeper_open(struct keeper_ways *, const struct conf *,
	    const struct cage *, struct fault *);
/* Those that are open. */
void	keeper_close(struct keeper_ways *);

/* In a child of the warden: reads the keys, gives up all privilege, signs until
 * nobody is left who could ask, and exits 0; or 1 when it could not begin, and
 * the master then knows why. */
void	keeper_run(const struct conf *, const struct cage *,
	    const struct keeper_ways *) __attribute__((noreturn));
/* In the master, once: waits for the keeper to begin, and gets what
 * tls_server_new_kept() wants to be shown. */
int	keeper_meet(const struct keeper_ways *, struct buf *shown,
	    struct fault *);

#endif
