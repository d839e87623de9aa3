/* SPDX-License-Identifier: ISC */
#ifndef SMTPC_TRANSACT_H
#define SMTPC_TRANSACT_H

#include "mail/outcome.h"
#include "smtpc/chat.h"
#include "smtpc/message.h"

/*
 * One transaction; fills outcome[0..n-1], strings in the arena.  Uses
 * PIPELINING, SIZE and 8BITMIME as offered: all of MAIL, RCPT.., DATA in one
 * write.  452 for a recipient after others were taken is deferral of that
 * recipient only, and so is a 552 that means "too many" (RFC 5321
 * 4.5.3.1.10).  8-bit content to a server without
 * 8BITMIME is sent as it is (as every peer does).  Wishes are passed on as they
 * are offered; those that must not get lost fail here, and so does an address
 * that cannot be said without SMTPUTF8, for its recipient alone.  Too big for its
 * SIZE: failed 552 5.3.4 without a transaction; so are binary content to a host without
 * CHUNKING and BINARYMIME (5.6.1) and text with a bare CR or LF (5.6.0).  After a
 * broken connection,
 * recipients without a final reply are deferred 4.4.2; after a 421, with what
 * it said.
 */
void	smtpc_transact(struct smtpc *, const struct smtpc_message *,
	    struct arena *, struct outcome *outcome);

#endif
