/* SPDX-License-Identifier: ISC */
#ifndef DOORKEEPER_DOORKEEPER_H
#define DOORKEEPER_DOORKEEPER_H

#include "auth/backend.h"
#include "auth/spending.h"
#include "conf/conf.h"
#include "master/roster.h"

/*
 * Answers sessions that ask who may log in, and what that one may send, on a
 * listening socket of packets (priv/door), of sessions that are in the rosters.
 * Returns after SIGTERM, to be caught, when all that were there have been
 * answered.  Closes the socket.  failures: SLOW_ROOM bytes (auth/slow), or NULL.
 */
void	doorkeeper_run(const struct conf *, struct backend *,
	    struct spending *, const struct rosters *, void *failures,
	    int listener);

#endif
