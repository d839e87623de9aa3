/* SPDX-License-Identifier: ISC */
#ifndef OS_SIGNAL_H
#define OS_SIGNAL_H

#include <signal.h>
#include <stdbool.h>

/*
 * Signals as flags: a handler sets one and does nothing else; the main loop
 * asks.  To wait without a race, block the signals and give the mask of
 * signal_wait_mask() to ppoll().
 */

/* From now on this signal sets its flag; no SA_RESTART, so that a blocking
 * call ends with EINTR. */
void	signal_catch(int sig);
void	signal_ignore(int sig);
void	signal_default(int sig);
/* True once for one or more arrivals since the last call. */
bool	signal_take(int sig);
/* True when it has arrived; does not clear the flag. */
bool	signal_is_pending(int sig);
/* Blocks all caught signals, to be let in only inside ppoll(). */
void	signal_block_caught(void);
/* Undoes that, in a child that has no such loop. */
void	signal_unblock_caught(void);
/* The mask for ppoll(): nothing caught is blocked. */
const sigset_t *signal_wait_mask(void);
/* Sets the flags of those that have come.  ppoll() lets none in when it finds
 * something ready at once, so who always does has to ask for them. */
void	signal_let_in(void);
/* The same for a loop, behind each wait; n is what it returned.  They are let in
 * when many waits one after the other have found something, as in a flood; who
 * is not in one pays next to nothing. */
void	signal_waited(int n);
/* In a new child: all caught signals back to their default, unblocked, and
 * no flag set. */
void	signal_reset(void);

#endif
