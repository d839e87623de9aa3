/* SPDX-License-Identifier: ISC */
/*
 * DATA (RFC 5321 4.1.1.4): content up to CRLF.CRLF.
 *
 * Whatever goes wrong once 354 was said, the content is read to its end, so
 * that client and server agree on where it ends; only then comes the refusal.
 * There is a bound to this patience.  A bare LF or CR in the content, by which
 * one server might see an end where another sees none, refuses the message and
 * ends the session (RFC 5321 2.3.8; "SMTP smuggling"), unless its sender is one
 * of those for whom it is mended behind the end that was found (smtp/mend).
 *
 * Where the content goes, and how long it is waited for, intake/intake knows.
 */

#include "intake/intake.h"

#include "os/log.h"
#include "smtp/dot.h"

struct reading {
	struct intake		intake;
	struct dot_decoder	dot;
};

/* Decodes what is in the buffer. */
static void
decode(struct session *s, struct reading *r)
{
	struct intake *in = &r->intake;
	struct str bytes = stream_peek(&s->stream);
	size_t taken = 0;

	if (dot_decode(&r->dot, bytes, &taken,
	    in->failed ? NULL : in->first, &in->why) < 0)
		in->failed = true;
	in->bytes += taken;
	stream_skip(&s->stream, taken);
}

/* False: the session cannot go on. */
static bool
read_content(struct session *s, struct reading *r)
{
	uint64_t patience = 2 * s->conf->size + 64 * 1024;

	for (;;) {
		if (stream_pending(&s->stream) > 0)
			decode(s, r);
		if (r->dot.done)
			return true;
		if (r->intake.bytes > patience) {
			session_reply_fault(s, &r->intake.why);
			session_end(s, (struct status){ 4, 3, 0 },
			    "Too much data; closing connection");
			return false;
		}
		if (!intake_wait(&r->intake))
			return false;
	}
}

static void
finish(struct session *s, struct reading *r)
{
	if (!r->dot.bare || r->intake.mender != NULL) {
		if (r->dot.nul)
			intake_note_nul(&r->intake);
		intake_finish(&r->intake);
		return;
	}
	fault_permanent(&r->intake.why, 550, 6, 0,
	    "A line of the message ends in a bare LF or CR; see "
	    "RFC 5321 2.3.8");
	intake_refuse(&r->intake);
	session_end(s, (struct status){ 4, 7, 0 }, "Closing connection");
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

/* Is this the way in which this message may come? */
static bool
is_proper(struct session *s, struct str args)
{
	if (args.n > 0) {
		session_reply(s, 501, (struct status){ 5, 5, 4 },
		    "Syntax: DATA");
		return false;
	}
	/* RFC 3030 3 */
	if (s->transaction->envelope.body == BODY_BINARYMIME) {
		session_reply(s, 503, (struct status){ 5, 5, 1 },
		    "BODY=BINARYMIME needs BDAT");
		return false;
	}
	return !is_premature(s);
}

void
smtpd_data(struct session *s, struct str args)
{
	struct reading r;

	if (!is_proper(s, args))
		return;
	intake_init(&r.intake, s, "DATA");
	if (intake_begin(&r.intake) < 0) {
		intake_refuse(&r.intake);
		transaction_end(s);
		return;
	}
	session_reply(s, 354, (struct status){ 0 },
	    "End data with <CR><LF>.<CR><LF>");
	dot_decoder_init(&r.dot);
	if (session_flush(s) != STREAM_OK) {
		s->ended = true;
	} else {
		intake_start(&r.intake);
		if (read_content(s, &r))
			finish(s, &r);
	}
	transaction_end(s);
}
