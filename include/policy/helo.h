/* SPDX-License-Identifier: ISC */
#ifndef POLICY_HELO_H
#define POLICY_HELO_H

#include <stdbool.h>
#include "base/arena.h"
#include "conf/conf.h"
#include "dns/ask.h"
#include "policy/facts.h"

/*
 * What is to be thought of the name by which a client greets (RFC 5321
 * 4.1.1.1), without a question to anybody.
 */

/* Neither a name of a host, in which underscores are let pass, nor an address
 * literal: friend!, 192.0.2.1, [192.0.2.300]. */
bool	helo_is_malformed(struct str helo);
/* It is ours, and the client is not: our hostname or a local domain, an address
 * of this machine (conf->own, the listener's), or one of loopback. */
bool	helo_is_forged(const struct conf *, const struct facts *);

#define HELO_QUESTIONS	3		/* A, AAAA, MX */

/* What the DNS has for a name. */
struct helo_lookup {
	struct str	name;		/* n == 0: nothing was asked */
	struct asker	*asker;
	bool		asked[HELO_QUESTIONS];
	int		question[HELO_QUESTIONS];
};

/* Asks nothing yet; the name is copied to the arena. */
void	helo_begin(struct helo_lookup *, struct asker *, struct arena *,
	    struct str name);
/* Ask what was not asked, and wait as long as it is not decided: 1, 0, or -1
 * when it cannot be told.  Has it an address or an MX at all, which is not the
 * null MX (RFC 7505 3)?  Has it the client's address? */
int	helo_is_known(struct helo_lookup *);
int	helo_has_address(struct helo_lookup *, const struct ip *);

#endif
