/* SPDX-License-Identifier: ISC */
#ifndef SMTPD_SERVE_H
#define SMTPD_SERVE_H

#include "visit/peer.h"
#include "visit/tally.h"

/* Before processes are forked that serve one session each: makes what they
 * can be spared to make. */
void	smtpd_prepare(struct smtpd *);
/*
 * Serves one connection from greeting to end and closes it.  Returns when the
 * peer has gone or was sent away.  A caught SIGTERM ends the session with 421
 * at the next command outside a transaction, a caught SIGXCPU at the next
 * command or piece of a message.  Logs.  *tally says what became of it.
 */
void	smtpd_serve(const struct smtpd *, int fd, const struct smtpd_peer *,
	    struct tally *);

#endif
