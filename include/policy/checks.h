/* SPDX-License-Identifier: ISC */
#ifndef POLICY_CHECKS_H
#define POLICY_CHECKS_H

#include <stdbool.h>
#include "base/fault.h"
#include "conf/conf.h"
#include "policy/facts.h"

/* Why somebody may send to any domain. */
enum checks_ground {
	GROUND_NONE,		/* he may not */
	GROUND_LOCAL,		/* a program on the local socket */
	GROUND_LOOPBACK,
	GROUND_NETWORK,		/* relay for NETWORK */
	GROUND_LOGIN,		/* he has logged in */
};

/* The one decision about relaying; f->recipient is not read. */
enum checks_ground checks_ground(const struct conf *, const struct facts *f);
/* Is it one of ours, who may send to any domain? */
bool	checks_may_relay(const struct conf *, const struct facts *f);
/* Is it too large, as far as was declared?  Fault: 552 5.3.4. */
int	checks_size(const struct conf *, uint64_t size, struct fault *);

/* May this client begin a message at all?  Where users can log in, whoever is
 * not one of ours has to do so on `submission` (RFC 6409 4.3).  Fault: 530
 * 5.7.0.  f->recipient is not read. */
int	checks_submitter(const struct conf *, const struct facts *,
	    struct fault *);
/* On `submission' every domain is whole, or one of ours (RFC 6409 4.2): that of
 * the recipient, or else of the sender.  Fault: 554 5.1.2, 5.1.8. */
int	checks_qualified(const struct conf *, const struct facts *,
	    bool recipient, struct fault *);
/*
 * May this client send to this recipient at all?  A domain of ours: anyone on
 * `smtp`.  Any other: loopback (seen, not reported), the local socket,
 * `relay for NETWORK`, and who has logged in.
 * On `submission` those alone may send, whatever the recipient.  Nothing else
 * opens relaying.  Fault: 554 5.7.1 Relay access denied.
 */
int	checks_recipient(const struct conf *, const struct facts *,
	    struct fault *);

#endif
