/* SPDX-License-Identifier: ISC */
/*
 * Bounces.  A bounce is just another submission: it gets a name that follows
 * from the name of what it is about, so a crash between making it and marking
 * its cause ends with the same one bounce, found to exist already.
 *
 *	FAILED slots ──▶ entry ID-bN durable ──▶ slots BOUNCED, synced
 *
 * N is one more than the greatest number in the slots, so it is the same after
 * a crash.  A message from <> is never answered to <>; it is reported to
 * postmaster, and when even that fails it is given up, with a line in the log.
 */

#include "queue/bounce.h"

#include <stdio.h>
#include <string.h>

#include "mail/received.h"
#include "mail/report.h"
#include "os/clock.h"
#include "os/log.h"
#include "spool/slots.h"
#include "spool/submit.h"

enum {
	HEADER_RETURNED_MAX = 64 * 1024,
};

struct work {
	struct message		*m;
	const struct conf	*conf;
	struct alias_book	*book;
	uint32_t		*failed;	/* indices */
	size_t			 n;
	unsigned		 number;
	char			*name;
	struct envelope		 envelope;	/* of the bounce */
	struct report		 report;
};

static void
collect(struct work *w)
{
	struct message *m = w->m;

	w->failed = arena_alloc(&m->arena,
	    m->super.recipients * sizeof(*w->failed));
	w->number = 1;
	for (uint32_t i = 0; i < m->super.recipients; i++) {
		if (m->slots[i].state == SLOT_FAILED)
			w->failed[w->n++] = i;
		if (m->slots[i].bounce >= w->number)
			w->number = m->slots[i].bounce + 1u;
	}
}

static int
make_name(struct work *w)
{
	int n = snprintf(w->name, SPOOL_NAME_MAX, "%s-b%u", w->m->super.name,
	    w->number);

	return n < SPOOL_NAME_MAX && w->number <= UINT16_MAX &&
	    spool_name_is_valid(str_of(w->name)) ? 0 : -1;
}

/* Where it goes; -1: nowhere. */
static int
address_bounce(struct work *w, struct fault *why)
{
	struct arena *a = &w->m->arena;
	struct address to = w->m->envelope.sender;
	address_vec finals = { 0 };

	w->report.is_double = address_is_null(&to);
	if (w->report.is_double)
		to = (struct address){ STR("postmaster"), w->conf->hostname };
	if (alias_expand(w->book, a, &to, &finals, why) < 0) {
		if (fault_is_temporary(why) || w->report.is_double)
			return -1;
		/* The sender is a user of ours who does not exist. */
		w->report.is_double = true;
		to = (struct address){ STR("postmaster"), w->conf->hostname };
		if (alias_expand(w->book, a, &to, &finals, why) < 0)
			return -1;
	}
	w->report.to = to;
	for (size_t i = 0; i < finals.n; i++) {
		struct recipient r = { finals.p[i], to };

		vec_push(a, &w->envelope.recipients, r);
	}
	return 0;
}

static struct outcome
last_outcome(struct message *m, uint32_t index, int64_t *when)
{
	const struct slot *s = &m->slots[index];
	struct note note = { 0 };
	struct outcome o = {
		.kind = OUTCOME_FAILED,
		.reply = s->reply,
		.status = s->status,
		.text = STR("no details were kept"),
	};

	if (slots_read_note(m, index, &note)) {
		o.host = note.host;
		o.text = note.text;
		*when = note.when;
	}
	return o;
}

static void
fill_report(struct work *w)
{
	struct message *m = w->m;
	struct report *r = &w->report;
	struct report_recipient *to = arena_alloc(&m->arena,
	    w->n * sizeof(*to));

	for (size_t i = 0; i < w->n; i++) {
		const struct recipient *was =
		    &m->envelope.recipients.p[w->failed[i]];

		to[i].final = was->address;
		to[i].original = was->original;
		to[i].outcome = last_outcome(m, w->failed[i],
		    &to[i].last_attempt);
	}
	r->action = REPORT_FAILED;
	r->hostname = w->conf->hostname;
	r->id = str_of(w->name);
	r->about_id = str_of(m->super.name);
	r->about_sender = m->envelope.sender;
	r->now = clock_wall();
	r->arrival = m->super.arrival_wall_ms / 1000;
	r->recipients = to;
	r->n = w->n;
	r->header = message_header(m, HEADER_RETURNED_MAX);
}

/* 0 durable (now or before), -1 fault. */
static int
submit(struct work *w, const struct spool *spool, struct fault *why)
{
	struct submission s;
	struct buf text = { 0 }, head = { 0 };
	bool exists = false;
	int r;

	w->envelope.origin = ORIGIN_BOUNCE;
	w->envelope.body = BODY_8BITMIME;
	w->envelope.protocol = STR("bounce");
	fill_report(w);
	report_put(&text, &w->report);
	received_put(&head, &w->envelope, NULL, w->conf->hostname,
	    str_of(w->name), w->report.now);
	submit_init(&s, spool);
	r = submit_begin(&s, &w->envelope, w->name, text.n, why);
	if (r == 0)
		r = sink_write(&s.sink, buf_str(&text), why);
	if (r == 0)
		r = submit_commit(&s, buf_str(&head), &exists, why);
	submit_free(&s);
	buf_free(&text);
	buf_free(&head);
	return exists ? message_confirm(spool, w->name, why) : r;
}

static int
mark(struct work *w, enum slot_state state, struct fault *why)
{
	for (size_t i = 0; i < w->n; i++) {
		struct slot *s = &w->m->slots[w->failed[i]];

		s->state = state;
		s->sequence++;
		if (state == SLOT_BOUNCED)
			s->bounce = (uint16_t)w->number;
	}
	return slots_write(w->m, w->failed, w->n, true, why);
}

static enum bounce_result
discard(struct work *w, const char *reason, struct fault *why)
{
	log_error("%s: undeliverable, and nobody can be told: %s",
	    w->m->super.name, reason);
	return mark(w, SLOT_DISCARDED, why) == 0 ? BOUNCE_DISCARDED :
	    BOUNCE_FAULT;
}

enum bounce_result
bounce_send(struct message *m, const struct spool *spool,
    const struct conf *conf, struct alias_book *book,
    char name[SPOOL_NAME_MAX], struct fault *why)
{
	struct work w = { .m = m, .conf = conf, .book = book, .name = name };

	collect(&w);
	if (w.n == 0)
		return BOUNCE_NONE;
	if (make_name(&w) < 0)
		return discard(&w, "it is a bounce of a bounce", why);
	if (address_bounce(&w, why) < 0)
		return fault_is_temporary(why) ? BOUNCE_FAULT :
		    discard(&w, why->text, why);
	/* A content that cannot be read keeps nobody from being told; one that
	 * is damaged is kept for somebody to look at. */
	if (message_check(m, why) == MESSAGE_DAMAGED ||
	    submit(&w, spool, why) < 0 ||
	    mark(&w, SLOT_BOUNCED, why) < 0)
		return BOUNCE_FAULT;
	log_info("%s: %s: %s", m->super.name, w.report.is_double ?
	    "postmaster non-delivery notification" :
	    "sender non-delivery notification", name);
	return BOUNCE_MADE;
}
