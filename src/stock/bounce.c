/* SPDX-License-Identifier: ISC */
/*
 * Bounces.  A bounce is just another submission: it gets a name that follows
 * from the name of what it is about, so a crash between making it and marking
 * its cause ends with the same one bounce, found to exist already.
 *
 *	FAILED slots ──▶ entry ID-bN durable ──▶ slots BOUNCED, synced
 *
 * So are reports of what has not failed, where the sender has asked for them (RFC
 * 3461, RFC 2852): TELL_DELIVERED and TELL_RELAYED become DONE, TELL_DELAYED goes
 * back to PENDING.  Each of the three kinds is a report of its own.
 *
 * N is one more than the greatest number in the slots, so it is the same after
 * a crash.  A message from <> is never answered to <>; it is reported to
 * postmaster, and when even that fails it is given up, with a line in the log.
 */

#include "stock/bounce.h"

#include <string.h>

#include "base/die.h"
#include "base/text.h"
#include "base/utf8.h"
#include "mail/received.h"
#include "mail/report.h"
#include "os/clock.h"
#include "os/log.h"
#include "smtp/xtext.h"
#include "spool/slots.h"
#include "spool/submit.h"

enum {
	HEADER_RETURNED_MAX = 64 * 1024,
	WHOLE_RETURNED_MAX = 256 * 1024,
};

struct work {
	struct message		*m;
	const struct conf	*conf;
	struct alias_book	*book;
	uint32_t		*told;		/* indices */
	size_t			 n;
	unsigned		 number;
	char			*name;
	struct envelope		 envelope;	/* of the bounce */
	struct report		 report;
};

/* What kind of report a slot owes; false: none. */
static bool
find_kind(const struct slot *s, enum report_action *kind)
{
	switch (s->state) {
	case SLOT_FAILED:
		*kind = REPORT_FAILED;
		return true;
	case SLOT_TELL_DELIVERED:
	case SLOT_TELL_RELAYED:
		*kind = REPORT_SENT;
		return true;
	case SLOT_TELL_DELAYED:
		*kind = REPORT_DELAYED;
		return true;
	case SLOT_PENDING:
	case SLOT_DONE:
	case SLOT_BOUNCED:
	case SLOT_DISCARDED:
		break;
	}
	return false;
}

/* Those of one kind: that of the first that owes anything. */
static void
collect(struct work *w)
{
	struct message *m = w->m;
	enum report_action kind;

	w->told = arena_alloc(&m->arena,
	    m->super.recipients * sizeof(*w->told));
	w->number = 1;
	for (uint32_t i = 0; i < m->super.recipients; i++) {
		if (m->slots[i].bounce >= w->number)
			w->number = m->slots[i].bounce + 1u;
		if (!find_kind(&m->slots[i], &kind))
			continue;
		if (w->n == 0)
			w->report.action = kind;
		if (kind == w->report.action)
			w->told[w->n++] = i;
	}
}

static int
make_name(struct work *w)
{
	size_t n = text_print(w->name, SPOOL_NAME_MAX, "%s-b%u",
	    w->m->super.name, w->number);

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
		if (fault_is_temporary(why) || w->report.is_double ||
		    w->report.action != REPORT_FAILED)
			return -1;
		/* The sender is a user of ours who does not exist. */
		w->report.is_double = true;
		to = (struct address){ STR("postmaster"), w->conf->hostname };
		if (alias_expand(w->book, a, &to, &finals, why) < 0)
			return -1;
	}
	w->report.to = to;
	for (size_t i = 0; i < finals.n; i++) {
		struct recipient r = { .address = finals.p[i], .original = to };

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
	/* RFC 2852 4.1.3 */
	if (s->state == SLOT_TELL_DELAYED)
		o.status = (struct status){ 4, 4, 7 };
	return o;
}

static enum report_fate
find_fate(const struct slot *s, const struct recipient *r)
{
	if ((r->notify & WANT_EXPANDED) != 0)
		return REPORT_EXPANDED;
	return s->state == SLOT_TELL_RELAYED ? REPORT_RELAYED :
	    REPORT_DELIVERED;
}

/* RFC 3464 2.3.2, 2.3.1: in ASCII, as a field of a report must be. */
static struct str
spell_final(struct arena *a, const struct address *to)
{
	struct str text = address_text(a, to), field;
	struct buf b = { 0 };

	if (utf8_is_ascii(text))
		return STR_NONE;
	buf_putz(&b, "utf-8;");
	unitext_put(&b, text);
	field = arena_str(a, buf_str(&b));
	buf_free(&b);
	return field;
}

/* Decoded, but for what stays unitext: RFC 3461 6.3 d, RFC 6533 3. */
static struct str
spell_orcpt(struct arena *a, struct str orcpt)
{
	size_t at = str_find(orcpt, ';');
	struct str type = str_slice(orcpt, 0, at), text = str_from(orcpt, at + 1);
	struct str plain, field;
	struct buf b = { 0 };

	if (orcpt.n == 0)
		return STR_NONE;
	if (!str_caseeq(type, STR("utf-8")))
		return !xtext_decode(a, text, &plain) ? orcpt :
		    arena_printf(a, "%.*s;%.*s", STR_ARG(type),
		    STR_ARG(plain));
	if (!unitext_decode(a, text, &plain))
		return orcpt;
	buf_printf(&b, "%.*s;", STR_ARG(type));
	unitext_put(&b, plain);
	field = arena_str(a, buf_str(&b));
	buf_free(&b);
	return field;
}

/* RFC 3461 6.2: the whole message if that was asked for and it is short; RFC
 * 8689 5: never of one that had to have TLS.  Nor a binary one: the report would
 * be binary as well, and could go nowhere but where that is taken. */
static void
fill_returned(struct work *w)
{
	const struct envelope_wishes *wishes = &w->m->envelope.wishes;
	struct message *m = w->m;
	struct fault why;
	struct buf all = { 0 };
	uint64_t size = 0;

	w->report.header = message_header(m, HEADER_RETURNED_MAX);
	for (uint32_t i = 0; i < m->super.nparts; i++)
		size += m->super.parts[i].length;
	if (wishes->ret != RET_FULL || wishes->requiretls ||
	    m->envelope.body == BODY_BINARYMIME ||
	    w->report.action != REPORT_FAILED || w->report.is_double ||
	    size > WHOLE_RETURNED_MAX || message_load(m, &why) != MESSAGE_OK)
		return;
	for (uint32_t i = 0; i < m->super.nparts; i++)
		buf_puts(&all, m->parts[i]);
	w->report.whole = arena_str(&m->arena, buf_str(&all));
	buf_free(&all);
}

static void
fill_wishes(struct work *w)
{
	const struct envelope_wishes *wishes = &w->m->envelope.wishes;
	struct report *r = &w->report;

	if (!xtext_decode(&w->m->arena, wishes->envid, &r->envid))
		r->envid = wishes->envid;
	r->hold = wishes->hold;
	if (wishes->by != BY_NONE)
		r->deliver_by = wishes->by_time;
	r->is_global = wishes->smtputf8;
	/* RFC 8689 5, RFC 6710 4.6 */
	w->envelope.wishes.requiretls = wishes->requiretls;
	w->envelope.wishes.priority = wishes->priority;
	w->envelope.wishes.smtputf8 = !envelope_is_ascii(&w->envelope);
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
		    &m->envelope.recipients.p[w->told[i]];

		to[i].final = was->address;
		to[i].original = was->original;
		to[i].orcpt = spell_orcpt(&m->arena, was->orcpt);
		to[i].final_field = spell_final(&m->arena, &was->address);
		to[i].fate = find_fate(&m->slots[w->told[i]], was);
		to[i].outcome = last_outcome(m, w->told[i],
		    &to[i].last_attempt);
	}
	r->hostname = w->conf->hostname;
	r->id = str_of(w->name);
	r->about_id = str_of(m->super.name);
	r->about_sender = m->envelope.sender;
	r->now = clock_wall();
	r->arrival = m->super.arrival_wall_ms / 1000;
	r->recipients = to;
	r->n = w->n;
	if (r->action == REPORT_DELAYED)
		r->expires = (r->arrival > m->envelope.wishes.hold_until ?
		    r->arrival : m->envelope.wishes.hold_until) +
		    (int64_t)w->conf->retry.lifetime;
	fill_wishes(w);
	fill_returned(w);
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

/* told: the report is durable; else nobody could be told. */
static int
mark(struct work *w, bool told, struct fault *why)
{
	for (size_t i = 0; i < w->n; i++) {
		struct slot *s = &w->m->slots[w->told[i]];

		switch (w->report.action) {
		case REPORT_FAILED:
			s->state = told ? SLOT_BOUNCED : SLOT_DISCARDED;
			break;
		case REPORT_SENT:
			s->state = SLOT_DONE;
			break;
		case REPORT_DELAYED:
			s->state = SLOT_PENDING;
			break;
		}
		s->sequence++;
		/* Of what waits on, this says that it need not be told again. */
		if (told || w->report.action == REPORT_DELAYED)
			s->bounce = (uint16_t)w->number;
	}
	return slots_write(w->m, w->told, w->n, true, why);
}

static enum bounce_result
discard(struct work *w, const char *reason, struct fault *why)
{
	log_error("%s: %s, and nobody can be told: %s", w->m->super.name,
	    w->report.action == REPORT_FAILED ? "undeliverable" :
	    "a report is owed", reason);
	return mark(w, false, why) == 0 ? BOUNCE_DISCARDED :
	    BOUNCE_FAULT;
}

/* Postfix' words. */
static const char *
name_report(const struct report *r)
{
	if (r->is_double)
		return "postmaster non-delivery notification";
	switch (r->action) {
	case REPORT_FAILED:
		return "sender non-delivery notification";
	case REPORT_SENT:
		return "sender delivery status notification";
	case REPORT_DELAYED:
		return "sender delay notification";
	}
	bug("report action %d", (int)r->action);
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
	    mark(&w, true, why) < 0)
		return BOUNCE_FAULT;
	log_info("%s: %s: %s", m->super.name, name_report(&w.report), name);
	return BOUNCE_MADE;
}
