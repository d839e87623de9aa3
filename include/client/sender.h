/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_SENDER_H
#define CLIENT_SENDER_H

#include "base/arena.h"
#include "base/fault.h"
#include "client/options.h"
#include "conf/conf.h"
#include "mail/address.h"

/* Who sends: of the envelope, and for a From field that is missing. */
struct sender {
	struct address	envelope;	/* may be null */
	struct address	from;		/* never null, with a domain */
	struct str	full_name;	/* as found; may be empty */
	struct str	home;		/* a directory, or empty */
};

/*
 * The user of this process at our hostname, unless -f names another.  Fails
 * permanently when -f makes no sense, temporarily when the user database does
 * not answer.  Strings are in the arena.
 */
int	sender_find(struct arena *, const struct conf *,
	    const struct options *, struct sender *, struct fault *);

#endif
