/* SPDX-License-Identifier: ISC */
/*
 * The content of a message on its way into the spool.  It passes once through
 * a row of sinks, in pieces as they come from the network, and is never held
 * whole in memory.  What we add in front (Received, and the fields that rules
 * add) is written behind it, because only then all of it is known; the entry lists its parts in the order
 * in which they are to be sent.
 */

#include "smtpd/intake.h"

#include <stddef.h>

#include "mail/received.h"
#include "os/clock.h"
#include "os/log.h"
#include "policy/checks.h"
#include "smtpd/secure.h"

static int
count(struct sink *sink, struct str bytes, struct fault *why)
{
	struct intake *in = (struct intake *)(void *)((char *)sink -
	    offsetof(struct intake, limit));

	in->size += bytes.n;
	return checks_size(in->session->conf, in->size, why);
}

bool
intake_is_for_nobody(const struct session *s)
{
	return s->transaction->envelope.recipients.n == 0;
}

int
intake_begin(struct intake *in, struct session *s, struct fault *why)
{
	struct transaction *t = s->transaction;

	in->session = s;
	in->size = 0;
	in->limit.write = count;
	header_collector_reset(&s->header);
	sink_row_init(&in->row);
	sink_row_add(&in->row, &in->limit);
	sink_row_add(&in->row, &s->header.sink);
	if (intake_is_for_nobody(s))
		return 0;
	if (t->verdict.kind == VERDICT_HOLD)
		submit_hold(&t->submission, t->reason);
	if (submit_begin(&t->submission, &t->envelope, NULL,
	    t->envelope.size_declared, why) < 0)
		return -1;
	sink_row_add(&in->row, &t->submission.sink);
	return 0;
}

static int
check_header(const struct session *s, struct fault *why)
{
	const struct header_collector *h = &s->header;

	if (h->too_big)
		return fault_permanent(why, 552, 3, 4,
		    "Message header is too big: more than %d fields or %d "
		    "bytes", HEADER_FIELDS_MAX, HEADER_SIZE_MAX);
	if (h->received > s->conf->hops)
		return fault_permanent(why, 554, 4, 6,
		    "Too many hops: a mail loop? (%u Received fields)",
		    h->received);
	return 0;
}

void
intake_log(const struct session *s)
{
	const struct transaction *t = s->transaction;
	const char *id = t->submission.name;
	struct header_field f;
	struct str text = STR_NONE;

	if (s->peer->local)
		log_info("%s: uid=%u from=<%.*s%s%.*s>", id,
		    (unsigned)s->peer->uid, STR_ARG(t->envelope.sender.local),
		    t->envelope.sender.domain.n > 0 ? "@" : "",
		    STR_ARG(t->envelope.sender.domain));
	else
		log_info("%s: client=%s", id, s->client);
	/* RFC 6710 4.1 */
	if (t->envelope.wishes.priority != 0)
		log_info("%s: priority=%d", id, t->envelope.wishes.priority);
	if (header_find(buf_str(&s->header.block), STR("Message-ID"), &f))
		text = str_trim(f.value);
	log_info("%s: message-id=%.*s", id, STR_ARG(text));
	if (t->verdict.kind == VERDICT_HOLD)
		session_log_action(s, id, "hold", "RCPT", t->reason,
		    address_text(&s->transaction->arena,
		    &t->taken.p[0]));
}

/* What was found at RCPT stands unless the rules were asked again. */
static void
ask_again(struct intake *in, struct verdict *v)
{
	struct session *s = in->session;
	struct transaction *t = s->transaction;
	const struct panel panel = session_panel(s);
	struct facts facts = session_facts(s);
	const struct panel_case c = { &panel, &facts, &t->arena, NULL };

	facts.size = in->size;
	if (!panel_end(&c, &t->taken, v)) {
		*v = t->verdict;
		return;
	}
	if (v->kind == VERDICT_HOLD || v->kind == VERDICT_DISCARD)
		t->reason = rule_reason(v->rule, &facts, &t->arena);
	if (v->kind == VERDICT_HOLD)
		submit_hold(&t->submission, t->reason);
	t->verdict = *v;
}

bool
intake_judge(struct intake *in, struct verdict *v)
{
	struct fault why;

	*v = (struct verdict){ .kind = VERDICT_NONE };
	header_collector_finish(&in->session->header);
	if (check_header(in->session, &why) < 0)
		verdict_refuse(v, &why);
	else
		ask_again(in, v);
	return v->kind != VERDICT_REFUSE;
}

static void
put_fields(struct buf *head, const struct transaction *t)
{
	for (size_t i = 0; i < t->verdict.headers.n; i++) {
		buf_puts(head, t->verdict.headers.p[i]->text);
		buf_putz(head, "\r\n");
	}
}

int
intake_finish(struct intake *in, struct fault *why)
{
	struct session *s = in->session;
	struct transaction *t = s->transaction;
	const struct received_tls tls = { secure_comment(s),
	    secure_clause(s) };
	struct buf head = { 0 };
	int r;

	received_put(&head, &t->envelope, &tls, s->conf->hostname,
	    str_of(t->submission.name), clock_wall());
	put_fields(&head, t);
	r = submit_commit(&t->submission, buf_str(&head), NULL, why);
	buf_free(&head);
	return r;
}
