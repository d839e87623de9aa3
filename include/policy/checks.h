/* SPDX-License-Identifier: ISC */
#ifndef POLICY_CHECKS_H
#define POLICY_CHECKS_H

#include <stdbool.h>
#include "base/fault.h"
#include "conf/conf.h"
#include "policy/facts.h"

/* Is it one of ours, who may send to any domain?  f->recipient is not read. */
bool	checks_may_relay(const struct conf *, const struct facts *f);

/*
 * May this client send to this recipient at all?  A domain of ours: anyone on
 * `smtp`.  Any other: loopback, the local socket, and `relay for NETWORK`.
 * On `submission` those alone may send, whatever the recipient.  Nothing else
 * opens relaying.  Fault: 554 5.7.1 Relay access denied.
 */
int	checks_recipient(const struct conf *, const struct facts *,
	    struct fault *);

#endif
