/* SPDX-License-Identifier: ISC */
#ifndef SMTPC_ASKED_H
#define SMTPC_ASKED_H

#include "mail/outcome.h"
#include "smtpc/chat.h"
#include "smtpc/message.h"

/* May this message go to this host at all?  -1: never; the fault says why. */
int	asked_check(const struct smtpc *, const struct smtpc_message *,
	    struct fault *);
/* The address as this host understands it: as it is, or its domain in A-labels.
 * -1 (553 5.6.7): it cannot be said without SMTPUTF8. */
int	asked_address(const struct smtpc *, struct arena *,
	    const struct address *, struct address *, struct fault *);
/* The parameters behind the path, each with a blank in front.  utf8: one of the
 * addresses of the transaction is not ASCII. */
void	asked_put_mail(struct buf *, const struct smtpc *,
	    const struct smtpc_message *, bool utf8);
void	asked_put_rcpt(struct buf *, const struct smtpc *,
	    const struct smtpc_message *, const struct recipient *);
/* What the host will do, once it has taken the message; enum
 * outcome_next_hop. */
unsigned asked_next_hop(const struct smtpc *);

#endif
