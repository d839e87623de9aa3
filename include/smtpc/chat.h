/* SPDX-License-Identifier: ISC */
#ifndef SMTPC_CHAT_H
#define SMTPC_CHAT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/fault.h"
#include "mail/status.h"
#include "os/stream.h"
#include "smtp/reply.h"

struct smtpc_timeouts {			/* seconds; RFC 5321 4.5.3.2 */
	int	greeting, command, data, block, final;
};

/* One connection to another server; made by smtpc_open() and read by anybody,
 * changed only in this room. */
struct smtpc {
	struct stream	stream;
	struct arena	arena;		/* of the connection */
	struct str	host;		/* name of the peer, for texts */
	struct str	peer;		/* "mx.example[192.0.2.1]" */
	struct str	where;		/* "mx.example[192.0.2.1]:25" */
	const struct smtpc_timeouts *timeouts;
	unsigned	extensions;	/* enum ext, what it offers */
	uint64_t	size_max;	/* its SIZE, 0: not said */
	uint64_t	by_least;	/* its DELIVERBY, seconds; 0: any */
	bool		secure;		/* by TLS, with a proven peer */
	struct reply	reply;		/* the last one */
	bool		usable;		/* another transaction may follow */
	bool		stale;		/* the peer has a transaction open that
					 * we have given up */
	uint64_t	transactions;	/* whose MAIL was answered */
};

/*
 * What follows is for the modules of this room.
 *
 * One whole reply into c->reply within so many seconds; what was put into the
 * stream goes out first.  doing completes "lost connection with X while ...".
 * -1: none came, the connection is over; temporary, 4.4.2, or 4.5.0 for what
 * is no reply.  A 421 is a reply, but nothing will follow it: not usable.
 */
int	smtpc_read(struct smtpc *, int seconds, const char *doing,
	    struct fault *);
/* The same failure for a write. */
int	smtpc_lost(struct smtpc *, enum stream_result, const char *doing,
	    struct fault *);

/* Of the reply: its enhanced status if its class is that of the code, else
 * made from the code (RFC 2034 4). */
struct status smtpc_status(const struct smtpc *);
/* The reply in one line, cut where it becomes silly. */
struct str smtpc_text(const struct smtpc *, struct arena *);
/* "host X said: 550 5.1.1 no (in reply to RCPT TO command)" */
struct str smtpc_said(const struct smtpc *, struct arena *,
	    const char *command);
/* The reply as a temporary fault of this host, whatever its code;
 * command NULL: it was the greeting. */
int	smtpc_refused(struct smtpc *, const char *command, struct fault *);

#endif
