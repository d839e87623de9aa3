/* SPDX-License-Identifier: ISC */
/*
 * Marking what has become of each recipient.
 *
 *	             4yz, no answer
 *	           ┌───────────────┐
 *	           ▼               │        5yz, too old
 *	        PENDING ───────────┴──▶ FAILED ──▶ BOUNCED    (bounce durable)
 *	           │                       └─────▶ DISCARDED  (nobody to tell)
 *	           ▼
 *	         DONE        2yz, in the mailbox
 *
 * A transition is one pwrite of 32 bytes inside a sector; those to DONE and
 * FAILED are synced before anybody is told, by the worker that made them.
 * Workers sync side by side, so that the file system groups their syncs.  A
 * deferral is not synced: losing it means only that the next attempt comes
 * earlier.
 */

#include "spool/slots.h"

#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "os/clock.h"
#include "os/file.h"

/* RFC 3461 5.2.2, 5.2.3; RFC 2852 4.1.4. */
static enum slot_state
judge_sent(const struct message *m, uint32_t index, const struct outcome *o)
{
	const struct envelope *e = &m->envelope;
	const struct recipient *r = &e->recipients.p[index];
	bool relayed = o->kind == OUTCOME_RELAYED;
	bool wants;

	wants = envelope_wants(e, r, WANT_EXPANDED) ||
	    (envelope_wants(e, r, WANT_SUCCESS) && !(relayed &&
	    (o->next_hop & OUTCOME_DSN) != 0));
	if (relayed && e->wishes.by != BY_NONE &&
	    (e->wishes.by_trace || (o->next_hop & OUTCOME_BY) == 0))
		wants = wants || (!address_is_null(&e->sender) &&
		    (r->notify & WANT_NEVER) == 0);
	if (!wants)
		return SLOT_DONE;
	return relayed ? SLOT_TELL_RELAYED : SLOT_TELL_DELIVERED;
}

/* RFC 2852 4.1.3, mode N: told once. */
static enum slot_state
judge_deferred(const struct message *m, uint32_t index)
{
	const struct envelope *e = &m->envelope;

	if (e->wishes.by == BY_NOTIFY && m->slots[index].bounce == 0 &&
	    envelope_is_late(e, clock_wall()) &&
	    envelope_wants(e, &e->recipients.p[index], WANT_DELAY))
		return SLOT_TELL_DELAYED;
	return SLOT_PENDING;
}

/* The postmaster hears of what has no sender. */
static enum slot_state
judge_failed(const struct message *m, uint32_t index)
{
	return envelope_wants(&m->envelope, &m->envelope.recipients.p[index],
	    WANT_FAILURE) ? SLOT_FAILED : SLOT_DISCARDED;
}

void
slots_enter(struct message *m, uint32_t index, const struct outcome *o,
    int64_t next)
{
	struct slot *s;

	must(index < m->super.recipients);
	s = &m->slots[index];
	switch (o->kind) {
	case OUTCOME_DELIVERED:
	case OUTCOME_RELAYED:
		s->state = judge_sent(m, index, o);
		break;
	case OUTCOME_DEFERRED:
		s->state = judge_deferred(m, index);
		break;
	case OUTCOME_FAILED:
		s->state = judge_failed(m, index);
		break;
	}
	if (s->attempts < UINT16_MAX)
		s->attempts++;
	s->sequence++;
	s->reply = (uint16_t)o->reply;
	s->status = o->status;
	s->next = o->kind == OUTCOME_DEFERRED ? next : 0;
}

int
slots_write(const struct message *m, const uint32_t *index, size_t n,
    bool sync, struct fault *why)
{
	uint8_t bytes[FORMAT_SLOT_SIZE];

	for (size_t i = 0; i < n; i++) {
		must(index[i] < m->super.recipients);
		format_slot_encode(&m->slots[index[i]], bytes);
		if (file_pwrite(m->fd, bytes, sizeof(bytes),
		    format_slot_offset(index[i]), why) < 0)
			return -1;
	}
	return sync ? file_sync(m->fd, why) : 0;
}

int
slots_write_note(const struct message *m, uint32_t index,
    const struct note *note, struct fault *why)
{
	uint8_t bytes[FORMAT_NOTE_SIZE];

	format_note_encode(note, bytes);
	return file_pwrite(m->fd, bytes, sizeof(bytes),
	    format_note_offset(&m->super, index), why);
}

bool
slots_read_note(struct message *m, uint32_t index, struct note *note)
{
	int64_t at = format_note_offset(&m->super, index);
	uint8_t bytes[FORMAT_NOTE_SIZE];

	if ((uint64_t)at + FORMAT_NOTE_SIZE <= m->front.n)
		return format_note_decode(&m->arena,
		    (const uint8_t *)m->front.p + at, note);
	if (pread(m->fd, bytes, sizeof(bytes), at) != (ssize_t)sizeof(bytes))
		return false;
	return format_note_decode(&m->arena, bytes, note);
}

const char *
slots_word(const struct slot *s)
{
	switch (s->state) {
	case SLOT_PENDING:
		return s->attempts == 0 ? "new" : "deferred";
	case SLOT_TELL_DELAYED:
		return "deferred";
	case SLOT_DONE:
	case SLOT_TELL_DELIVERED:
	case SLOT_TELL_RELAYED:
		return "delivered";
	case SLOT_FAILED:
		return "failed";
	case SLOT_BOUNCED:
		return "bounced";
	case SLOT_DISCARDED:
		return "discarded";
	}
	bug("slot state %d", (int)s->state);
}

bool
slots_are_final(const struct message *m)
{
	for (uint32_t i = 0; i < m->super.recipients; i++)
		if (!slot_is_final(&m->slots[i]))
			return false;
	return true;
}

bool
slots_owe_report(const struct message *m)
{
	for (uint32_t i = 0; i < m->super.recipients; i++)
		if (slot_owes_report(&m->slots[i]))
			return true;
	return false;
}
