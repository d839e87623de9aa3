/* SPDX-License-Identifier: ISC */
#ifndef SMTP_PARAM_H
#define SMTP_PARAM_H

#include "base/arena.h"
#include "base/fault.h"
#include "mail/envelope.h"

/*
 * The arguments of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3, 4.1.1.11).  A
 * parameter of an extension that was not offered is 555 5.5.4, a malformed one,
 * one that comes twice or contradicts another 501 5.5.4, an address that is not
 * ASCII without SMTPUTF8 553 5.6.7.
 */
struct param_context {
	unsigned	enabled;	/* or-ed enum ext: what was offered */
	int64_t		now;		/* wall seconds */
	uint64_t	hold_longest;	/* seconds: FUTURERELEASE */
	uint64_t	by_least;	/* seconds: DELIVERBY with mode R */
};

/* args is what follows "MAIL", e.g. "FROM:<a@b> SIZE=100".  Fills sender,
 * body, size_declared and wishes of the envelope. */
int	param_mail(struct arena *, struct str args,
	    const struct param_context *, struct envelope *, struct fault *);
/* "TO:<a@b> NOTIFY=NEVER", of a transaction that has begun with the envelope.
 * address and original are the same. */
int	param_rcpt(struct arena *, struct str args,
	    const struct param_context *, const struct envelope *,
	    struct recipient *, struct fault *);

#endif
