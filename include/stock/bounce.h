/* SPDX-License-Identifier: ISC */
#ifndef STOCK_BOUNCE_H
#define STOCK_BOUNCE_H

#include "base/fault.h"
#include "conf/conf.h"
#include "route/alias.h"
#include "spool/message.h"

/*
 * Telling the sender what could not be delivered, for all recipients of an
 * entry whose slot is FAILED.
 */
enum bounce_result {
	BOUNCE_MADE,		/* name of the new entry is set */
	BOUNCE_DISCARDED,	/* there was nobody to tell; it was logged */
	BOUNCE_NONE,		/* no recipient has failed */
	BOUNCE_FAULT,		/* not now: try again later */
};

/*
 * m is open and locked.  The bounce is a normal entry under the name ID-bN, so
 * that it is made once; when it is durable (or was there already) the slots
 * are marked BOUNCED and synced.  The sender is expanded as any recipient.
 * From <>, it goes to postmaster; a bounce of that kind that fails is given
 * up.  Logs "ID: sender non-delivery notification: ID-b1".
 */
enum bounce_result bounce_send(struct message *, const struct spool *,
	    const struct conf *, struct alias_book *,
	    char name[SPOOL_NAME_MAX], struct fault *);

#endif
