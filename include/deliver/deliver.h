/* SPDX-License-Identifier: ISC */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include "conf/conf.h"
#include "deliver/job.h"
#include "mail/outcome.h"
#include "route/next.h"
#include "spool/message.h"

/*
 * A worker's hands: one destination, any number of messages one after the
 * other.  Opens its connection (or asks for its agent) with the first message
 * and keeps it.
 */
struct delivery;

/* channel: to the warden, for local mail.  next must stay. */
struct delivery *delivery_new(const struct conf *, const struct next *,
	    int channel);
/*
 * One attempt for these recipients of a loaded message: outcome[i] for
 * index[i], strings in the message's arena.  *dead: the destination could not
 * be reached at all.
 */
void	delivery_try(struct delivery *, struct message *, const struct job *,
	    struct outcome *outcome, bool *dead);
void	delivery_free(struct delivery *);

#endif
