/* SPDX-License-Identifier: ISC */
#ifndef PRIV_REQUEST_H
#define PRIV_REQUEST_H

#include <stdint.h>
#include "base/fault.h"

/*
 * What the warden can be asked: this table is the whole way to root.
 *
 *	number	 what is asked		what is checked		what comes back
 *	AGENT	 a process that runs	user is one of the	nothing from the
 *		 as USER and delivers	system and may have	warden; the agent
 *		 local mail by the	mail (root's goes to	answers on the
 *		 configured method	`mail-user`)		given socket
 *
 * A request is one packet on a SOCK_SEQPACKET channel, with one descriptor: the
 * asker's socket on which the answer is to come.  It names a user, never a
 * command or a path.  Whatever is malformed is dropped with its descriptor; the
 * asker sees the end of its socket.
 */
enum request_kind {
	REQUEST_AGENT = 1,
};

#define REQUEST_USER_MAX	64	/* with the NUL */

struct request {
	enum request_kind	kind;
	char			user[REQUEST_USER_MAX];
};

/* 0, or -1 with a temporary fault (user name too long: permanent). */
int	request_send(int channel, const struct request *, int answer,
	    struct fault *);
/* 1 with *answer to be closed by the caller, 0 the channel has ended, -1 it
 * was no request (dropped). */
int	request_receive(int channel, struct request *, int *answer);

#endif
