/* SPDX-License-Identifier: ISC */
/*
 * The content of a message on its way into the spool, whether it comes by DATA
 * or by BDAT.  It passes once through a row of sinks, in pieces as they come
 * from the network, and is never held whole in memory.  What we add in front
 * (Received, and the fields that rules add) is written behind it, because only
 * then all of it is known; the entry lists its parts in the order in which they
 * are to be sent.
 *
 * Waiting for more of it is done here too, and does not go on for ever: not for
 * a client that is silent, nor for one that sends next to nothing (visit/pace).
 *
 * After the 250 the transaction's descriptor is closed, which unlocks the
 * entry, and the queue runner is told.  Nothing after the 250 can fail in a
 * way that matters.
 */

#include "intake/intake.h"

#include <stddef.h>

#include "intake/purse.h"
#include "mail/received.h"
#include "os/clock.h"
#include "os/log.h"
#include "policy/checks.h"
#include "policy/senders.h"
#include "spool/notify.h"
#include "visit/pace.h"
#include "visit/secure.h"

static int
count(struct sink *sink, struct str bytes, struct fault *why)
{
	struct intake *in = (struct intake *)(void *)((char *)sink -
	    offsetof(struct intake, limit));

	in->size += bytes.n;
	return checks_size(in->session->conf, in->size, why);
}

void
intake_note_nul(struct intake *in)
{
	if (in->failed || in->session->conf->session.nul)
		return;
	fault_permanent(&in->why, 550, 6, 0, "The message has a NUL in it; "
	    "see RFC 5322 4");
	in->failed = true;
}

/* Is there anybody left who is to have it? */
static bool
is_for_nobody(const struct session *s)
{
	return s->transaction->envelope.recipients.n == 0;
}

void
intake_init(struct intake *in, struct session *s, const char *verb)
{
	*in = (struct intake){ .limit.write = count, .session = s,
	    .verb = verb };
	in->first = &in->row.sink;
}

/* May it have a bare CR or LF, which is mended then (normalize for)?  What is
 * binary stays as it is. */
static bool
is_to_mend(const struct session *s)
{
	return !s->peer->local &&
	    s->transaction->envelope.body != BODY_BINARYMIME &&
	    conf_networks_have(&s->conf->session.normalize,
	    &s->peer->addr.ip);
}

static void
mend(struct intake *in)
{
	if (!is_to_mend(in->session))
		return;
	in->mender = arena_alloc(&in->session->transaction->arena,
	    sizeof(*in->mender));
	mend_init(in->mender, &in->row.sink);
	in->first = &in->mender->sink;
}

int
intake_begin(struct intake *in)
{
	struct session *s = in->session;
	struct transaction *t = s->transaction;

	header_collector_reset(&s->header);
	sink_row_init(&in->row);
	sink_row_add(&in->row, &in->limit);
	sink_row_add(&in->row, &s->header.sink);
	mend(in);
	if (is_for_nobody(s))
		return 0;
	if (purse_ask(s, &in->why) < 0) {
		in->failed = true;
		in->row.n = 0;
		return -1;
	}
	if (t->verdict.kind == VERDICT_HOLD)
		submit_hold(&t->submission, t->reason);
	else if (t->over.n > 0)
		submit_hold(&t->submission, t->over);
	else if (s->conf->rules.may_hold &&
	    rule_is_due(&s->conf->rules, STAGE_END))
		submit_expect_hold(&t->submission);
	if (submit_begin(&t->submission, &t->envelope, NULL,
	    t->envelope.size_declared, &in->why) < 0) {
		log_warning("spool: %s", in->why.text);
		in->failed = true;
		in->row.n = 0;
		return -1;
	}
	if (clerk_is_wanted(s)) {
		clerk_init(&in->clerk, &s->header, &t->submission.sink);
		sink_row_add(&in->row, &in->clerk.sink);
	} else {
		sink_row_add(&in->row, &t->submission.sink);
	}
	return 0;
}

void
intake_start(struct intake *in)
{
	struct session *s = in->session;

	in->begun = clock_mono_ms();
	session_set_patience(s, s->conf->timeout.data, SESSION_STRESSED_DATA);
	stream_set_hasty_deadline(&s->stream, 0);
}

void
intake_write(struct intake *in, struct str bytes)
{
	if (!in->failed && sink_write(in->first, bytes, &in->why) < 0)
		in->failed = true;
}

/* A program of this machine keeps nobody waiting but us. */
static bool
is_too_slow(const struct intake *in)
{
	const struct session *s = in->session;

	if (session_is_near(s))
		return false;
	return pace_is_too_slow(s->conf->session.minimum_rate,
	    clock_mono_ms() - in->begun, in->bytes);
}

/* The session ends in the middle of a content; said NULL: nobody listens. */
static void
break_off(const struct intake *in, const char *what, const char *said)
{
	struct session *s = in->session;

	if (said != NULL)
		session_end(s, (struct status){ 4, 4, 2 }, said);
	s->ended = true;
	log_info("%s after %s (%llu bytes) from %s", what, in->verb,
	    (unsigned long long)in->bytes, s->client);
}

bool
intake_wait(struct intake *in)
{
	struct session *s = in->session;
	enum stream_result got = STREAM_OK;

	if (is_too_slow(in)) {
		break_off(in, "too slow a client",
		    "Error: your message comes too slowly");
		return false;
	}
	do
		if (s->stream.out.n > 0)
			got = stream_flush(&s->stream);
		else
			got = stream_fill(&s->stream);
	while ((got == STREAM_SIGNAL && !session_is_spent(s)) ||
	    (got == STREAM_OK && stream_pending(&s->stream) == 0));
	/* What is to be said then, the session's loop says. */
	if (session_is_spent(s))
		return false;
	if (got == STREAM_OK)
		return true;
	if (got == STREAM_TIMEOUT)
		break_off(in, "timeout", "Error: timeout exceeded");
	else
		break_off(in, "lost connection", NULL);
	return false;
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

static void
log_client(const struct session *s, const char *id)
{
	if (s->login.n > 0)
		log_info("%s: client=%s, sasl_method=%.*s, sasl_username=%.*s",
		    id, s->client, STR_ARG(s->login_method),
		    STR_ARG(s->login));
	else
		log_info("%s: client=%s", id, s->client);
}

/* What the log says of a message that was taken. */
static void
log_message(const struct session *s)
{
	const struct transaction *t = s->transaction;
	const char *id = t->submission.name;

	if (s->peer->local)
		log_info("%s: uid=%u from=<%.*s%s%.*s>", id,
		    (unsigned)s->peer->uid, STR_ARG(t->envelope.sender.local),
		    t->envelope.sender.domain.n > 0 ? "@" : "",
		    STR_ARG(t->envelope.sender.domain));
	else
		log_client(s, id);
	/* RFC 6710 4.1 */
	if (t->envelope.wishes.priority != 0)
		log_info("%s: priority=%d", id, t->envelope.wishes.priority);
	log_info("%s: message-id=%.*s", id, STR_ARG(clerk_id(s, str_of(id))));
	if (t->verdict.kind == VERDICT_HOLD)
		session_log_action(s, id, "hold", t->held_at, t->reason,
		    t->held_for);
	else if (t->over.n > 0)
		session_log_action(s, id, "hold", "DATA", t->over,
		    address_text(&s->transaction->arena,
		    &t->taken.p[0]));
}

/* What was found at RCPT stands unless the rules were asked again; and that it
 * is held stands unless it is refused or thrown away. */
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
	if (t->verdict.kind == VERDICT_HOLD && v->kind != VERDICT_DISCARD &&
	    v->kind != VERDICT_REFUSE) {
		v->kind = VERDICT_HOLD;
		v->rule = t->verdict.rule;
	} else if (v->kind == VERDICT_HOLD || v->kind == VERDICT_DISCARD) {
		facts.recipient = v->about;
		t->reason = rule_reason(v->rule, &facts, &t->arena);
		t->held_for = address_text(&t->arena, v->about);
		t->held_at = "END-OF-MESSAGE";
	}
	if (v->kind == VERDICT_HOLD)
		submit_hold(&t->submission, t->reason);
	t->verdict = *v;
}

/* Only who has logged in is asked, and only where it is wanted. */
static int
check_from(const struct session *s, struct fault *why)
{
	struct facts facts;

	if (s->login.n == 0 || !s->conf->login.checks_from)
		return 0;
	facts = session_facts(s);
	return senders_check_from(s->conf, s->smtpd->lists, &facts,
	    buf_str(&s->header.block), &s->transaction->arena, why);
}

/* What the header and the rules say.  False: a refusal. */
static bool
judge(struct intake *in, struct verdict *v)
{
	struct session *s = in->session;
	struct fault why;

	*v = (struct verdict){ .kind = VERDICT_NONE };
	if (check_header(s, &why) < 0 || check_from(s, &why) < 0)
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

static int
commit(struct intake *in)
{
	struct session *s = in->session;
	struct transaction *t = s->transaction;
	const struct received_tls tls = { secure_comment(s),
	    secure_clause(s), s->conf->login.hides_client && s->login.n > 0 };
	struct buf head = { 0 };
	int r;

	received_put(&head, &t->envelope, &tls, s->conf->hostname,
	    str_of(t->submission.name), clock_wall());
	put_fields(&head, t);
	if (clerk_is_wanted(s))
		clerk_put_missing(&head, s, str_of(t->submission.name));
	r = submit_commit(&t->submission, buf_str(&head), NULL, &in->why);
	buf_free(&head);
	return r;
}

/* Says so. */
static void
refuse(struct session *s, const struct fault *why)
{
	const struct verdict v = { .kind = VERDICT_REFUSE, .why = *why };

	session_refuse(s, "END-OF-MESSAGE", &v);
}

/* What the client did, or the spool could not do. */
void
intake_refuse(struct intake *in)
{
	struct session *s = in->session;
	bool is_void;

	if (in->row.n == 0) {	/* never begun */
		session_reply_fault(s, &in->why);
		return;
	}
	refuse(s, &in->why);
	is_void = s->transaction->submission.is_void;
	if (is_void)
		notify_send(s->smtpd->notify, NOTIFY_VOID,
		    s->transaction->submission.name);
	if (is_void || in->why.reply == 451) {
		log_error("spool: %s", in->why.text);
		s->tally.disk = true;
	}
}

/* All its recipients were discarded, or it was itself. */
static void
discard_message(struct session *s, const struct verdict *v)
{
	const struct verdict_reply *r = verdict_welcome(STAGE_END);

	if (v->kind == VERDICT_DISCARD)
		session_log_action(s, "NOQUEUE", "discard", "END-OF-MESSAGE",
		    s->transaction->reason, STR_NONE);
	session_reply(s, r->code, r->status, "%s", r->text);
	s->tally.messages++;
	s->idle = 0;
}

static void
accept_message(const struct intake *in)
{
	struct session *s = in->session;
	const struct verdict_reply *r = verdict_welcome(STAGE_END);
	struct submission *sub = &s->transaction->submission;

	session_reply(s, r->code, r->status, "%s: queued as %s", r->text,
	    sub->name);
	s->tally.messages++;
	s->idle = 0;
	/* Unless more commands are waiting, and nothing else is to be done
	 * before, the reply leaves now, while the entry is still locked. */
	if ((stream_pending(&s->stream) == 0 || s->transaction->tell) &&
	    session_flush(s) != STREAM_OK)
		log_warning("%s: the client has gone before our 250; it may "
		    "send the message again", sub->name);
	/* Only now: nobody waits for it. */
	log_message(s);
	if (in->mender != NULL && in->mender->changed)
		log_info("%s: normalized: a bare LF or CR from %s", sub->name,
		    s->client);
	/* While it is locked, or a quick runner might be done with it first. */
	transaction_tidy(s);
	purse_tell(s);
	submit_release(sub);
	if (s->conf->workers > 0 && !sub->held)
		notify_send(s->smtpd->notify, NOTIFY_NEW, sub->name);
}

/* No more will come: what was held back of it passes. */
static void
end_content(struct intake *in)
{
	if (!in->failed && in->mender != NULL &&
	    mend_finish(in->mender, &in->why) < 0)
		in->failed = true;
	header_collector_finish(&in->session->header);
	if (!in->failed && clerk_finish(&in->clerk, &in->why) < 0)
		in->failed = true;
}

void
intake_finish(struct intake *in)
{
	struct session *s = in->session;
	struct verdict v;

	end_content(in);
	if (in->failed)
		intake_refuse(in);
	else if (!judge(in, &v))
		refuse(s, &v.why);
	else if (is_for_nobody(s) || v.kind == VERDICT_DISCARD)
		discard_message(s, &v);
	else if (commit(in) < 0)
		intake_refuse(in);
	else
		accept_message(in);
}
