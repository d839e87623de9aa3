/* SPDX-License-Identifier: ISC */
#ifndef SMTPC_SESSION_H
#define SMTPC_SESSION_H

#include <stdbool.h>
#include "base/fault.h"
#include "os/sock.h"
#include "smtpc/chat.h"
#include "smtpc/transact.h"

/*
 * One connection to another server: greeting, hello, any number of
 * transactions (smtpc_transact()), QUIT.  It knows SMTP, not policy: whom to
 * call, and what to do when one fails, is the caller's.
 */
extern const struct smtpc_timeouts smtpc_timeouts_default;

/*
 * Takes the connected socket over; waits for the greeting; EHLO, or HELO when
 * EHLO is refused with 5yz.  name is what we call ourselves.  On failure the
 * connection is closed; the fault tells what was said ("host X[..] said: 554
 * ... (in reply to EHLO command)", "host X[..] refused to talk to me: 554
 * ..."); a 4yz or 5yz greeting is temporary for this host: the caller tries
 * the next.
 */
int	smtpc_open(struct smtpc *, int fd, struct str host,
	    const struct sock_addr *peer, struct str name, struct fault *);
/* With other timeouts, which must live as long as the connection. */
int	smtpc_open_within(struct smtpc *, int fd, struct str host,
	    const struct sock_addr *peer, struct str name,
	    const struct smtpc_timeouts *, struct fault *);
/* QUIT without waiting for its reply when !wait. */
void	smtpc_close(struct smtpc *, bool wait);

#endif
