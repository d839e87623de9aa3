/* SPDX-License-Identifier: ISC */
#ifndef PRIV_USHER_H
#define PRIV_USHER_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/ip.h"

/*
 * A session that has heard from a proxy who its client is tells the master,
 * who counts it like any other, and hears whether it may stay.  The one desk is
 * a SOCK_SEQPACKET pair: the master's end, and one that all sessions share.
 *
 * A question is one packet, the address, and one descriptor: the session's
 * socket on which the answer is to come.  The kernel says whose that is, so no
 * session can ask for another.
 */
#define USHER_ANSWER_MAX	200	/* with the NUL */

/* In a session.  The answer is a reply line with its CRLF, or begins with a 2:
 * it may stay.  False: there was none in time. */
bool	usher_ask(int desk, const struct ip *, char answer[USHER_ANSWER_MAX]);

struct usher_call {
	pid_t		session;
	struct ip	ip;		/* family 4 or 6 */
	int		line;		/* usher_answer() closes it */
};

/* In the master; never waits.  1, 0: there is none, -1: that was no question
 * (dropped). */
int	usher_hear(int desk, struct usher_call *);
void	usher_answer(const struct usher_call *, const char *answer);

#endif
