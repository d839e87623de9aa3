/* SPDX-License-Identifier: ISC */
#ifndef DOORKEEPER_PROVER_H
#define DOORKEEPER_PROVER_H

#include <sys/types.h>
#include "conf/conf.h"
#include "master/cage.h"

/*
 * By the doorkeeper while it is root, where PAM proves who somebody is: forks
 * the process that asks PAM, and ends with the doorkeeper.  *hold is the way to
 * it (priv/prove).  Dies.
 */
void	prover_start(const struct conf *, const struct cage *, int *hold,
	    pid_t *prover);

#endif
