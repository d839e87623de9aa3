/* SPDX-License-Identifier: ISC */
/*
 * The outcome of one attempt for one recipient, made from a fault, and the
 * words that the log has for it.
 *
 * An outcome of success is filled in by whoever delivered; only failure has a
 * second form, the struct fault, and only here the one becomes the other.
 * What was decided where the knowledge was - kind, reply, status, text - is
 * carried over unchanged; nothing is guessed from the text.
 *
 * Called by the deliverers and by queue/worker.  The strings of an outcome
 * belong to the arena that was given; times are left at 0 for the caller.
 */
#include "mail/outcome.h"

#include "base/die.h"

struct outcome
outcome_of_fault(struct arena *a, const struct fault *why, struct str host,
    struct str where)
{
	struct outcome out = {
		.reply = why->reply,
		.status = status_of_fault(why),
		.host = arena_str(a, host),
		.where = arena_str(a, where),
		.text = arena_str(a, str_of(why->text)),
	};

	switch (why->kind) {
	case FAULT_NONE:
		bug("an outcome was made of no fault");
	case FAULT_TEMPORARY:
		out.kind = OUTCOME_DEFERRED;
		break;
	case FAULT_PERMANENT:
		out.kind = OUTCOME_FAILED;
		break;
	}
	return out;
}

const char *
outcome_word(enum outcome_kind kind)
{
	switch (kind) {
	case OUTCOME_DEFERRED:
		return "deferred";
	case OUTCOME_DELIVERED:
	case OUTCOME_RELAYED:
		return "sent";
	case OUTCOME_FAILED:
		return "bounced";
	}
	bug("outcome kind %d", (int)kind);
}
