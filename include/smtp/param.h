/* SPDX-License-Identifier: ISC */
#ifndef SMTP_PARAM_H
#define SMTP_PARAM_H

#include "base/arena.h"
#include "base/fault.h"
#include "mail/envelope.h"

/*
 * The arguments of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3, 4.1.1.11).
 * enabled: or-ed enum ext, what this listener has offered; a parameter of an
 * extension that was not offered is 555 5.5.4, a malformed one 501 5.5.4.
 */
/* args is what follows "MAIL", e.g. "FROM:<a@b> SIZE=100".  Fills sender,
 * body and size_declared of the envelope. */
int	param_mail(struct arena *, struct str args, unsigned enabled,
	    struct envelope *, struct fault *);
/* "TO:<a@b>" */
int	param_rcpt(struct arena *, struct str args, unsigned enabled,
	    struct address *, struct fault *);

#endif
