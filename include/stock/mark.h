/* SPDX-License-Identifier: ISC */
#ifndef STOCK_MARK_H
#define STOCK_MARK_H

#include "conf/conf.h"
#include "mail/outcome.h"
#include "spool/message.h"

/*
 * Enters what an attempt has brought into the recipient's slot, in memory.  A
 * deferral of something too old is turned into a failure first.  Returns the
 * wall seconds of the next attempt, 0 when there will be none.
 */
int64_t	mark_enter(const struct conf *, struct message *, uint32_t index,
	    struct outcome *);
/* The sender wants it back (RFC 2852 4.1.3): it is not to be tried again. */
bool	mark_is_too_late(const struct message *);
/* Wall seconds until which the sender wants it to be held (RFC 4865 4.2, 5); 0:
 * it is to go. */
int64_t	mark_held_until(const struct message *);
/* The last words about a deferred or failed recipient; -1 loses only words. */
int	mark_note(const struct message *, uint32_t index,
	    const struct outcome *, struct fault *);

/* "ID: to=<...>, relay=..., delay=..., dsn=..., status=sent (...)" */
void	mark_log(const struct message *, uint32_t index,
	    const struct outcome *);

#endif
