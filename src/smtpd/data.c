/* SPDX-License-Identifier: ISC */
/*
 * DATA (RFC 5321 4.1.1.4): content up to CRLF.CRLF.
 *
 * Whatever goes wrong once 354 was said, the content is read to its end, so
 * that client and server agree on where it ends; only then comes the refusal.
 * There is a bound to this patience.  A bare LF or CR in the content, by which
 * one server might see an end where another sees none, refuses the message and
 * ends the session (RFC 5321 2.3.8; "SMTP smuggling").  Nor does it wait for a
 * client that sends next to nothing (smtpd/pace).
 *
 * After the 250 the transaction's descriptor is closed, which unlocks the
 * entry, and the queue runner is told.  Nothing after the 250 can fail in a
 * way that matters.
 */

#include "smtpd/intake.h"

#include "os/clock.h"
#include "os/log.h"
#include "smtp/dot.h"
#include "smtpd/pace.h"
#include "spool/notify.h"

struct reading {
	struct intake		intake;
	struct dot_decoder	dot;
	bool			failed;		/* why is set */
	struct fault		why;
	uint64_t		bytes;		/* of the wire */
	int64_t			begun;		/* clock_mono_ms */
};

/* Decodes what is in the buffer. */
static void
decode(struct session *s, struct reading *r)
{
	struct str in = stream_peek(&s->stream);
	size_t taken = 0;

	if (dot_decode(&r->dot, in, &taken,
	    r->failed ? NULL : &r->intake.row.sink, &r->why) < 0)
		r->failed = true;
	r->bytes += taken;
	stream_skip(&s->stream, taken);
}

/* Sends what was said; a signal does not end it. */
static enum stream_result
send_all(struct session *s)
{
	enum stream_result r;

	do
		r = stream_flush(&s->stream);
	while (r == STREAM_SIGNAL);
	return r;
}

/* A program of this machine keeps nobody waiting but us. */
static bool
is_too_slow(const struct session *s, const struct reading *r)
{
	if (s->peer->local || ip_is_loopback(&s->peer->addr.ip))
		return false;
	return pace_is_too_slow(s->conf->session.minimum_rate,
	    clock_mono_ms() - r->begun, r->bytes);
}

/* The session ends in the middle of a content; said NULL: nobody listens. */
static void
break_off(struct session *s, const struct reading *r, const char *what,
    const char *said)
{
	if (said != NULL)
		session_end(s, (struct status){ 4, 4, 2 }, said);
	s->ended = true;
	log_info("%s after DATA (%llu bytes) from %s", what,
	    (unsigned long long)r->bytes, s->client);
}

/* False: the session cannot go on. */
static bool
read_content(struct session *s, struct reading *r)
{
	uint64_t patience = 2 * s->conf->size + 64 * 1024;
	enum stream_result got;

	for (;;) {
		if (stream_pending(&s->stream) > 0)
			decode(s, r);
		if (r->dot.done)
			return true;
		if (r->bytes > patience) {
			session_reply_fault(s, &r->why);
			session_end(s, (struct status){ 4, 3, 0 },
			    "Too much data; closing connection");
			return false;
		}
		if (is_too_slow(s, r)) {
			break_off(s, r, "too slow a client",
			    "Error: your message comes too slowly");
			return false;
		}
		do
			got = stream_fill(&s->stream);
		while (got == STREAM_SIGNAL && !session_is_spent());
		/* What is to be said then, the session's loop says. */
		if (session_is_spent())
			return false;
		if (got != STREAM_OK)
			break;
	}
	if (got == STREAM_TIMEOUT)
		break_off(s, r, "timeout", "Error: timeout exceeded");
	else
		break_off(s, r, "lost connection", NULL);
	return false;
}

/* What the client did, or a rule wanted. */
static void
refuse(struct session *s, const struct fault *why)
{
	const struct verdict v = { .kind = VERDICT_REFUSE, .why = *why };

	session_refuse(s, "END-OF-MESSAGE", &v);
}

/* What the spool could not do. */
static void
fail(struct session *s, const struct fault *why)
{
	bool is_void = s->transaction->submission.is_void;

	refuse(s, why);
	if (is_void)
		notify_send(s->smtpd->notify, NOTIFY_VOID,
		    s->transaction->submission.name);
	if (is_void || why->reply == 451) {
		log_error("spool: %s", why->text);
		health_failed(s->smtpd->health);
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
	s->messages++;
	s->idle = 0;
}

static void
accept_message(struct session *s)
{
	const struct verdict_reply *r = verdict_welcome(STAGE_END);
	struct submission *sub = &s->transaction->submission;

	session_reply(s, r->code, r->status, "%s: queued as %s", r->text,
	    sub->name);
	s->messages++;
	s->idle = 0;
	/* Unless more commands are waiting, the reply leaves now, while the
	 * entry is still locked. */
	if (stream_pending(&s->stream) == 0 && send_all(s) != STREAM_OK)
		log_warning("%s: the client has gone before our 250; it may "
		    "send the message again", sub->name);
	/* Only now: nobody waits for it. */
	intake_log(s);
	/* While it is locked, or a quick runner might be done with it first. */
	transaction_tidy(s);
	submit_release(sub);
	if (s->conf->workers > 0 && !sub->held)
		notify_send(s->smtpd->notify, NOTIFY_NEW, sub->name);
}

static void
finish(struct session *s, struct reading *r)
{
	struct verdict v;

	if (r->dot.bare) {
		fault_permanent(&r->why, 550, 6, 0,
		    "A line of the message ends in a bare LF or CR; see "
		    "RFC 5321 2.3.8");
		refuse(s, &r->why);
		session_end(s, (struct status){ 4, 7, 0 },
		    "Closing connection");
		return;
	}
	if (r->failed)
		fail(s, &r->why);
	else if (!intake_judge(&r->intake, &v))
		refuse(s, &v.why);
	else if (intake_is_for_nobody(s) || v.kind == VERDICT_DISCARD)
		discard_message(s, &v);
	else if (intake_finish(&r->intake, &r->why) < 0)
		fail(s, &r->why);
	else
		accept_message(s);
}

/* Content that was sent before our 354 could be commands to another reader:
 * RFC 2920 3.1 has DATA last in its group.  A script piped into sendmail -bs
 * has no other reader. */
static bool
is_premature(struct session *s)
{
	if (stream_pending(&s->stream) == 0 || s->peer->local)
		return false;
	log_info("improper command pipelining after DATA from %s", s->client);
	session_end(s, (struct status){ 4, 5, 0 },
	    "Improper command pipelining: wait for 354");
	return true;
}

void
smtpd_data(struct session *s, struct str args)
{
	struct reading r = { 0 };

	if (args.n > 0) {
		session_reply(s, 501, (struct status){ 5, 5, 4 },
		    "Syntax: DATA");
		return;
	}
	if (is_premature(s))
		return;
	if (intake_begin(&r.intake, s, &r.why) < 0) {
		session_reply_fault(s, &r.why);
		log_warning("spool: %s", r.why.text);
		transaction_end(s);
		return;
	}
	session_reply(s, 354, (struct status){ 0 },
	    "End data with <CR><LF>.<CR><LF>");
	dot_decoder_init(&r.dot);
	if (send_all(s) != STREAM_OK) {
		s->ended = true;
	} else {
		r.begun = clock_mono_ms();
		stream_set_timeout(&s->stream, (int)s->conf->timeout.data);
		if (read_content(s, &r))
			finish(s, &r);
	}
	transaction_end(s);
}
