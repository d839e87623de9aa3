/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_NEXT_H
#define ROUTE_NEXT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/fault.h"
#include "conf/conf.h"
#include "mail/address.h"

/*
 * Where one final address goes next.  Asked anew for every attempt, so that a
 * changed configuration holds for what is already queued.
 */
enum next_kind {
	NEXT_LOCAL,		/* to a user of this system */
	NEXT_RELAY,		/* to another server */
};

struct next {
	enum next_kind	kind;
	struct str	user;		/* NEXT_LOCAL: without extension */
	struct str	host;		/* NEXT_RELAY: domain, host or address;
					 * A-labels */
	uint16_t	port;
	bool		mx;		/* look up MX records of host */
	bool		routed;		/* by a `route` of ours: it may lead to
					 * this very machine */
	unsigned	line;		/* of that `route`, or 0 */
	struct str	key;		/* same key: may share a worker;
					 * "local:alice", "example.org:25" */
};

/* Fails for an address that can never go anywhere. */
int	next_find(const struct conf *, struct arena *, const struct address *,
	    struct next *, struct fault *);

#endif
