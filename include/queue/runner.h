/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_RUNNER_H
#define QUEUE_RUNNER_H

#include "queue/setup.h"

/*
 * The queue runner: knows what is due, forks workers, reads their outcomes.
 * It never talks to the network itself.
 */
/* Runs until SIGTERM (which must be caught), then lets the workers finish
 * what they have in hand.  Returns when the last has gone. */
void	runner_run(const struct runner_setup *);

#endif
