/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_SLOTS_H
#define SPOOL_SLOTS_H

#include <stdbool.h>
#include "base/fault.h"
#include "mail/outcome.h"
#include "spool/message.h"

/*
 * The marks of an entry, overwritten in place.  Changes are collected in the
 * message's slots and written by slots_write(); of several workers on one
 * entry each writes only the slots that it was given.
 */

/*
 * Enters the outcome of an attempt: state, status, attempts + 1.  next: wall
 * seconds of the next attempt, for a deferral.  What the sender wants to hear
 * of (RFC 3461, RFC 2852) becomes a state that owes a report; a failure of which
 * he does not want to hear is discarded at once.
 */
void	slots_enter(struct message *, uint32_t index, const struct outcome *,
	    int64_t next);
/*
 * Writes the slots of these indices.  sync: they are on stable storage when 0
 * is returned (a final state must be; a deferral need not).  A mark that could
 * not be written leaves the recipient to be tried again.
 */
int	slots_write(const struct message *, const uint32_t *index, size_t n,
	    bool sync, struct fault *);
/* The last words about a recipient, for mailq and the bounce; unsynced, and
 * carried to the disk by the next sync of the entry. */
int	slots_write_note(const struct message *, uint32_t index,
	    const struct note *, struct fault *);
/* False when there are none.  Strings into the message's arena. */
bool	slots_read_note(struct message *, uint32_t index, struct note *);
/* "new", "deferred", "delivered", "failed", "bounced", "discarded". */
const char *slots_word(const struct slot *);
/* Some slot says so; see slot_owes_report(). */
bool	slots_owe_report(const struct message *);
/* Every slot is final: nothing is left to do but remove the entry. */
bool	slots_are_final(const struct message *);

#endif
