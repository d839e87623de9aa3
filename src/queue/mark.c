/* SPDX-License-Identifier: ISC */
/*
 * What an attempt means for an entry: the rules by which an outcome becomes a
 * slot.  Used by the worker that made the attempt, and by the runner for an
 * attempt of which nobody is left to tell.  Nothing is written here but notes;
 * whoever enters writes and syncs the slots himself, for all recipients of the
 * attempt together.
 */

#include "queue/mark.h"

#include "os/clock.h"
#include "queue/schedule.h"
#include "spool/slots.h"

int64_t
mark_enter(const struct conf *conf, struct message *m, uint32_t index,
    struct outcome *o)
{
	struct retry r = {
		.now = clock_wall(),
		.arrival = m->super.arrival_wall_ms / 1000,
		.attempts = (uint16_t)(m->slots[index].attempts + 1),
		.is_bounce = address_is_null(&m->envelope.sender),
		.chance = m->super.content_crc + index,
	};
	int64_t next = 0;

	if (o->kind == OUTCOME_DEFERRED && schedule_is_expired(conf, &r)) {
		o->kind = OUTCOME_FAILED;
		o->status.class = 5;
		o->text = arena_printf(&m->arena,
		    "delivery time expired; last: %.*s", STR_ARG(o->text));
	}
	if (o->kind == OUTCOME_DEFERRED)
		next = schedule_next(conf, &r);
	slots_enter(m, index, o, next);
	return next;
}

int
mark_note(const struct message *m, uint32_t index, const struct outcome *o,
    struct fault *why)
{
	struct note note = { clock_wall(), o->host, o->text };

	if (o->kind != OUTCOME_DEFERRED && o->kind != OUTCOME_FAILED)
		return 0;
	return slots_write_note(m, index, &note, why);
}
