/* SPDX-License-Identifier: ISC */
#ifndef POLICY_SENDERS_H
#define POLICY_SENDERS_H

#include "base/arena.h"
#include "conf/conf.h"
#include "mail/address.h"
#include "policy/facts.h"
#include "policy/lists.h"

/* As whom may somebody send who has logged in?  (RFC 6409 6.1) */
enum senders_ground {
	SENDERS_GROUND_NULL,	/* <> is everybody's: RFC 6409 3.2 */
	SENDERS_GROUND_ANY,	/* login senders any */
	SENDERS_GROUND_OWN,	/* his own address, and he is in no list */
	SENDERS_GROUND_LIST,	/* the list has it under key, or has not */
};

struct senders_answer {
	bool			may;
	enum senders_ground	ground;		/* of the yes or the no */
	struct str		key;		/* LIST: as the list has it */
	struct str		pattern;	/* LIST, yes: what fits */
	unsigned		line;		/* LIST: of a file, or 0 */
};

/* May this login use the address?  0 with *answer (its strings in the arena or
 * the list), -1 with a temporary fault: the list cannot be asked.  lists may be
 * NULL where there are none. */
int	senders_ask(const struct conf *, struct lists *, struct str login,
	    const struct address *, struct arena *, struct senders_answer *,
	    struct fault *);
/*
 * MAIL: the sender of the envelope.  Without a login there is nothing to check.
 * Fault: 550 5.7.1 <ADDRESS>: Sender address rejected: not owned by user LOGIN.
 */
int	senders_check(const struct conf *, struct lists *,
	    const struct facts *, struct arena *, struct fault *);
/*
 * The From fields of a header block, where login-checks-from wants it: each
 * address of them, and what cannot be understood is none of his.  Fault: 550
 * 5.7.1, naming login and address.
 */
int	senders_check_from(const struct conf *, struct lists *,
	    const struct facts *, struct str block, struct arena *,
	    struct fault *);

#endif
