/* SPDX-License-Identifier: ISC */
#ifndef AUTH_DESK_H
#define AUTH_DESK_H

#include "auth/attempt.h"
#include "auth/spending.h"
#include "os/sock.h"

/* What came of it; also the exit status of the process that did it. */
enum desk_result {
	DESK_YES,
	DESK_NO,		/* a wrong secret, or nobody of that name */
	DESK_LATER,		/* nobody's fault, or broken off */
	DESK_TALKING,		/* none yet: it is the client's turn, and what
				 * was dear is done */
};

/*
 * Hears one attempt from a session (behind its KNOCK, see priv/door) and
 * answers it.  Blocks; whoever is on the other end sees YES, NO or LATER last.
 * Before that a byte is written to `tell`, the result: so who keeps count knows
 * of a failure before the client does.  Nothing is written when it was broken
 * off.  DESK_TALKING is told before each challenge; a client that does not answer
 * it in time has failed.  The key is that of the pass which goes along with a yes.
 */
enum desk_result desk_serve(struct backend *, int sock, int tell,
	    const struct ip *client, const struct ip *server,
	    const struct spending_key *key);

#endif
