/* SPDX-License-Identifier: ISC */
#ifndef WARDEN_PROOF_H
#define WARDEN_PROOF_H

#include "conf/conf.h"
#include "master/cage.h"
#include "spool/trial.h"
#include "visit/keys.h"

/* Looks at the place of the spool, before it is made there: one that may lose
 * mail is a fault, unless the configuration accepts that. */
int	proof_look(const struct conf *, struct trial *, struct fault *);
/*
 * Then proves it (spool/trial) in a child that becomes the user of the queue,
 * before anything depends on it.  One that cannot be used is a fault; a disk
 * that has no room for it is not: what waits there must be delivered.  To be
 * called before the warden catches signals.
 */
int	proof_take(const struct conf *, const struct cage *, struct trial *,
	    struct fault *);
/*
 * Reads the certificates and keys of a configuration in a child, which ends
 * with them: so the warden knows that a master can, and holds none itself.
 * oom_score is the child's (os/proc).
 */
int	proof_keys(const struct conf *, const struct cage *, int oom_score,
	    struct fault *);
/* The line about it in the log. */
void	proof_say(const struct conf *, const struct trial *);

#endif
