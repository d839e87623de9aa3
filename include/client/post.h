/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_POST_H
#define CLIENT_POST_H

#include <stdbool.h>
#include "base/arena.h"
#include "conf/conf.h"
#include "mail/outcome.h"
#include "smtpc/transact.h"

/*
 * Handing a message to the mail system.  What becomes of it is told by one
 * outcome a recipient: RELAYED, the mail system has it; FAILED, it will never
 * take it; DEFERRED, it has not got it.
 */

/* By SMTP over the local socket, in as many transactions as the server's
 * limit of recipients asks for. */
void	post_by_socket(const struct conf *, const struct smtpc_message *,
	    struct arena *, struct outcome *);
/*
 * Should what is deferred be left in the drop directory?  Yes when nobody
 * answered, or the answer was 421, or the connection broke; and when others
 * of the same message were taken, as the caller could only send to all again.
 */
bool	post_wants_drop(const struct outcome *, size_t n);
/* By drop(8): the deferred ones become RELAYED, or stay deferred with what
 * drop(8) could not do. */
void	post_by_drop(const struct conf *, const struct smtpc_message *,
	    struct arena *, struct outcome *);

#endif
