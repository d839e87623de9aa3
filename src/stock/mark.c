/* SPDX-License-Identifier: ISC */
/*
 * What an attempt means for an entry: the rules by which an outcome becomes a
 * slot.  Used by the worker that made the attempt, and by the runner for what
 * came of no attempt.  Nothing is written here but notes; whoever enters writes
 * and syncs the slots himself, for all recipients of the attempt together, and
 * then has the line logged that everybody reads: to=, relay=, status=.
 */

#include "stock/mark.h"

#include "os/clock.h"
#include "os/log.h"
#include "spool/slots.h"
#include "stock/schedule.h"

int64_t
mark_enter(const struct conf *conf, struct message *m, uint32_t index,
    struct outcome *o)
{
	const struct envelope_wishes *w = &m->envelope.wishes;
	int64_t arrival = m->super.arrival_wall_ms / 1000;
	struct retry r = {
		.now = clock_wall(),
		.arrival = arrival > w->hold_until ? arrival : w->hold_until,
		.attempts = (uint16_t)(m->slots[index].attempts + 1),
		.is_bounce = address_is_null(&m->envelope.sender),
		.chance = m->super.content_crc + index,
	};
	int64_t next = 0;

	if (o->kind == OUTCOME_DEFERRED && mark_is_too_late(m)) {
		o->kind = OUTCOME_FAILED;
		o->status = (struct status){ 5, 4, 7 };
		o->text = arena_printf(&m->arena, "not delivered in the time "
		    "that the sender gave; last: %.*s", STR_ARG(o->text));
	} else if (o->kind == OUTCOME_DEFERRED &&
	    schedule_is_expired(conf, &r)) {
		o->kind = OUTCOME_FAILED;
		o->status.class = 5;
		o->text = arena_printf(&m->arena,
		    "delivery time expired; last: %.*s", STR_ARG(o->text));
	}
	if (o->kind == OUTCOME_DEFERRED)
		next = schedule_next(conf, &r);
	/* Somebody waits for a word when that time has come. */
	if (w->by != BY_NONE && w->by_time > r.now && w->by_time < next)
		next = w->by_time;
	slots_enter(m, index, o, next);
	return next;
}

bool
mark_is_too_late(const struct message *m)
{
	return m->envelope.wishes.by == BY_RETURN &&
	    envelope_is_late(&m->envelope, clock_wall());
}

int64_t
mark_held_until(const struct message *m)
{
	int64_t until = m->envelope.wishes.hold_until;

	return until > clock_wall() ? until : 0;
}

int
mark_note(const struct message *m, uint32_t index, const struct outcome *o,
    struct fault *why)
{
	struct note note = { clock_wall(), o->host, o->text };

	if (o->kind != OUTCOME_DEFERRED && o->kind != OUTCOME_FAILED &&
	    !slot_owes_report(&m->slots[index]))
		return 0;
	return slots_write_note(m, index, &note, why);
}

/* "1.25" of 1250. */
static void
put_seconds(struct buf *b, int64_t ms)
{
	int64_t hundredths = ms > 0 ? (ms + 5) / 10 : 0;

	buf_printf(b, "%lld.%02lld", (long long)(hundredths / 100),
	    (long long)(hundredths % 100));
}

void
mark_log(const struct message *m, uint32_t index, const struct outcome *o)
{
	const struct recipient *r = &m->envelope.recipients.p[index];
	struct buf b = { 0 };
	int64_t age = clock_wall_ms() - m->super.arrival_wall_ms;

	buf_printf(&b, "%s: to=<", m->super.name);
	address_put(&b, &r->address);
	if (!address_eq(&r->address, &r->original)) {
		buf_putz(&b, ">, orig_to=<");
		address_put(&b, &r->original);
	}
	buf_printf(&b, ">, relay=%.*s, delay=", STR_ARG(o->where));
	put_seconds(&b, age);
	buf_putz(&b, ", delays=");
	put_seconds(&b, age - o->delay_ms);
	buf_putz(&b, "/0/0/");
	put_seconds(&b, o->delay_ms);
	buf_putz(&b, ", dsn=");
	status_put(&b, o->status);
	buf_printf(&b, ", status=%s (%.*s)", outcome_word(o->kind),
	    STR_ARG(o->text));
	log_info("%s", buf_cstr(&b));
	buf_free(&b);
}
