/* SPDX-License-Identifier: ISC */
#ifndef DOORKEEPER_CALLER_H
#define DOORKEEPER_CALLER_H

#include <stdbool.h>
#include "base/ip.h"
#include "conf/conf.h"
#include "master/roster.h"
#include "priv/door.h"

/* Who has come to the doorkeeper: a session, and its client. */
struct caller {
	pid_t		session;	/* that has connected */
	bool		says;		/* for whom it comes: */
	struct ip	told;		/* family 0: unknown */
	struct ip	client;
	struct ip	server;		/* by the session's own word */
	bool		reported;	/* client is not who has connected */
};

/* False: the kernel does not know who that is. */
bool	caller_meet(struct caller *, int sock);
/* Its KNOCK. */
void	caller_hear(struct caller *, const struct door_packet *);

enum caller_answer {
	CALLER_KNOWN,		/* client and reported are there */
	CALLER_UNKNOWN,		/* nobody's session, or a very young one */
	CALLER_FALSE,		/* it may not say for whom it comes, or has
				 * gone */
};
enum caller_answer caller_find(struct caller *, int sock,
	    const struct conf *, const struct rosters *);

/* Can it be told now whether anybody knows it?  False: in a moment. */
bool	caller_is_settled(const struct caller *, const struct rosters *);

/* May it tell by what login its client has come, where that was not proved here?
 * By a certificate, where there are some, or by the word of a host that may use
 * XCLIENT.  sock is -1 for one that need not wait for an answer. */
bool	caller_may_prove(const struct caller *, int sock, const struct conf *,
	    const struct rosters *);

#endif
