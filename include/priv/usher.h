/* SPDX-License-Identifier: ISC */
#ifndef PRIV_USHER_H
#define PRIV_USHER_H

#include <stdbool.h>
#include "base/ip.h"
#include "os/call.h"

/*
 * A session that has heard from a proxy who its client is tells the master,
 * who counts it like any other, and hears whether it may stay.  The desk is the
 * master's (os/call); sessions have a hold on it.
 *
 * A question is one datagram, the address.  The kernel says whose it is, so no
 * session can ask for another, and none can answer one.  Over the same desk a
 * session says that a user has logged in to it.
 */
#define USHER_ANSWER_MAX	200	/* with the NUL */

/* In a session.  The answer is a reply line with its CRLF, or begins with a 2:
 * it may stay.  False: there was none in time. */
bool	usher_ask(int hold, const struct ip *, char answer[USHER_ANSWER_MAX]);
/* In a session: a user has logged in.  It may be lost. */
void	usher_tell_login(int hold);

struct usher_call {
	struct call	from;
	bool		login;		/* a user has; nothing is asked */
	struct ip	ip;		/* else: family 4 or 6 */
};

/* In the master; never waits.  1, 0: there is none, -1: that was no question
 * (dropped). */
int	usher_hear(int desk, struct usher_call *);
void	usher_answer(int desk, const struct usher_call *, const char *answer);

#endif
