/* SPDX-License-Identifier: ISC */
/*
 * BDAT (RFC 3030): content in chunks of which each says how long it is.
 *
 *	BDAT ──size──▶ octets ──▶ 250		a chunk
 *	BDAT ──size LAST──▶ octets ──▶ 250	a message
 *
 * The octets behind the command come whatever we think of it, so they are taken
 * off the wire in every phase, and never looked at as commands: after a failed
 * chunk, those of the same message that were on their way; without MAIL or
 * RCPT, all.  Where that cannot be done the session ends, since nobody could
 * say where the next command begins: the size is not written as a size is, the
 * line is none (smtpd/serve), or the size is beyond what any message may have.
 * Of that much no more than 64 KiB is read, and a session discards no more than
 * one message of the largest size.
 *
 * A chunk that fails ends the transaction, so that nothing is left of it
 * (visit/session.h).  A bare CR or LF fails one, unless BODY=BINARYMIME was
 * said, and then it is kept as it is, but in the header: that is looked at by
 * people and programs who take it for text.  The same goes for a NUL, where text
 * may have none (nul no).
 */

#include "intake/intake.h"

#include <string.h>

#include "policy/checks.h"
#include "smtp/chunk.h"
#include "smtp/dot.h"
#include "smtp/ext.h"

enum {
	CHUNKS_MAX = 10000,		/* of one message; SECURITY R-4 */
	PATIENCE = 64 * 1024,		/* octets of what is far too much */
};

struct chunks {
	struct intake	intake;
	struct dot_look	look;		/* at text */
	unsigned	n;
};

static bool
is_binary(const struct session *s)
{
	return s->transaction->envelope.body == BODY_BINARYMIME;
}

static void
fail_bare(struct intake *in)
{
	fault_permanent(&in->why, 550, 6, 0, "A line of the message ends in a "
	    "bare LF or CR; see RFC 5321 2.3.8");
	in->failed = true;
}

/* Text is looked at before it is written. */
static void
put(struct chunks *c, struct str bytes)
{
	struct intake *in = &c->intake;

	if (!in->failed && !is_binary(in->session)) {
		if (!in->session->conf->session.nul &&
		    memchr(bytes.p, '\0', bytes.n) != NULL)
			intake_note_nul(in);
		dot_look(&c->look, bytes);
		if (c->look.bare && in->mender == NULL)
			fail_bare(in);
	}
	intake_write(in, bytes);
}

/* Takes n octets off the wire; c NULL: they are nobody's.  False: the session
 * cannot go on. */
static bool
take(struct intake *in, struct chunks *c, uint64_t n)
{
	struct stream *stream = &in->session->stream;
	struct str bytes;

	while (n > 0) {
		if (stream_pending(stream) == 0 && !intake_wait(in))
			return false;
		bytes = stream_peek(stream);
		if (bytes.n > n)
			bytes.n = (size_t)n;
		in->bytes += bytes.n;
		if (c == NULL)
			in->session->discarded += bytes.n;
		else
			put(c, bytes);
		stream_skip(stream, bytes.n);
		n -= bytes.n;
	}
	return true;
}

/* How many octets of a chunk that is refused are read. */
static uint64_t
patience(const struct session *s, uint64_t size)
{
	uint64_t most = s->conf->size + PATIENCE, left;

	left = s->discarded < most ? most - s->discarded : 0;
	if (size > s->conf->size && left > PATIENCE)
		left = PATIENCE;
	return size < left ? size : left;
}

/* Takes off a chunk of an intake that has failed.  The reply is for the
 * caller to give, before the session ends if too_much. */
static bool
discard(struct intake *in, uint64_t size, bool *too_much)
{
	uint64_t n = patience(in->session, size);

	*too_much = n < size;
	return take(in, NULL, n);
}

static void
end_of_patience(struct session *s)
{
	session_end(s, (struct status){ 4, 3, 0 },
	    "Too much data; closing connection");
}

/* The rest of the line cannot be told from content. */
static bool
parse(struct session *s, struct str args, struct chunk *chunk)
{
	if (chunk_parse(args, chunk))
		return true;
	session_reply(s, 501, (struct status){ 5, 5, 4 },
	    "Syntax: BDAT size [LAST]");
	session_end(s, (struct status){ 4, 5, 0 },
	    "It cannot be told what follows; closing connection");
	return false;
}

void
smtpd_bdat_out_of_place(struct session *s, struct str args)
{
	struct chunk chunk;
	struct intake in;
	bool too_much;

	if (!parse(s, args, &chunk))
		return;
	intake_init(&in, s, "BDAT");
	intake_start(&in);
	in.failed = true;
	if (!discard(&in, chunk.size, &too_much))
		return;
	if ((s->extensions & EXT_CHUNKING) == 0)
		session_reply(s, 503, (struct status){ 5, 5, 1 },
		    "BDAT was not offered");
	/* As for DATA: RFC 5321 3.3. */
	else if (session_phase(s) == PHASE_MAIL)
		session_reply(s, 554, (struct status){ 5, 5, 1 },
		    "No valid recipients");
	else
		session_reply(s, 503, (struct status){ 5, 5, 1 },
		    "Need MAIL and an accepted RCPT before BDAT");
	if (too_much)
		end_of_patience(s);
}

/* The chunks of this message, with the first of them. */
static struct chunks *
get_chunks(struct session *s)
{
	struct transaction *t = s->transaction;

	if (t->chunks != NULL)
		return t->chunks;
	t->chunks = arena_alloc(&t->arena, sizeof(*t->chunks));
	intake_init(&t->chunks->intake, s, "BDAT");
	dot_look_init(&t->chunks->look);
	(void)intake_begin(&t->chunks->intake);
	intake_start(&t->chunks->intake);
	return t->chunks;
}

/* What can be said of a chunk before it is read. */
static void
check(struct chunks *c, const struct chunk *chunk)
{
	struct intake *in = &c->intake;
	const struct session *s = in->session;

	if (in->failed)
		return;
	if (chunk->size > s->conf->size - in->size) {
		(void)checks_size(s->conf, UINT64_MAX, &in->why);
		in->failed = true;
	} else if (++c->n > CHUNKS_MAX) {
		fault_permanent(&in->why, 552, 3, 4,
		    "The message comes in more than %d chunks", CHUNKS_MAX);
		in->failed = true;
	}
}

/* What can be said of the content only when it is whole. */
static void
complete(struct chunks *c)
{
	struct intake *in = &c->intake;
	const struct session *s = in->session;
	struct dot_look head;

	if (in->failed)
		return;
	if (is_binary(s)) {
		dot_look_init(&head);
		dot_look(&head, buf_str(&s->header.block));
		if (head.bare || head.cr)
			fail_bare(in);
		if (str_find(buf_str(&s->header.block), '\0') <
		    s->header.block.n)
			intake_note_nul(in);
	} else if (in->mender != NULL) {
		/* The CR that is held back becomes part of this line. */
		if (in->mender->cr || !in->mender->line_start)
			intake_write(in, in->mender->cr ? STR("\n") :
			    STR("\r\n"));
	} else if (c->look.cr) {
		fail_bare(in);
	} else if (!c->look.line_start) {
		/* Text is lines, and so it is sent on. */
		intake_write(in, STR("\r\n"));
	}
}

static void
refuse(struct chunks *c, bool too_much)
{
	struct session *s = c->intake.session;

	intake_refuse(&c->intake);
	if (too_much)
		end_of_patience(s);
	transaction_end(s);
}

void
smtpd_bdat(struct session *s, struct str args)
{
	bool too_much = false, whole;
	struct chunk chunk;
	struct chunks *c;

	if ((s->extensions & EXT_CHUNKING) == 0) {
		smtpd_bdat_out_of_place(s, args);
		return;
	}
	if (!parse(s, args, &chunk))
		return;
	if (chunk.size == 0 && !chunk.last)
		session_count_idle(s);
	c = get_chunks(s);
	session_set_patience(s, s->conf->timeout.data, SESSION_STRESSED_DATA);
	check(c, &chunk);
	if (c->intake.failed)
		whole = discard(&c->intake, chunk.size, &too_much);
	else
		whole = take(&c->intake, c, chunk.size);
	if (!whole) {
		transaction_end(s);
		return;
	}
	if (chunk.last)
		complete(c);
	if (c->intake.failed) {
		refuse(c, too_much);
	} else if (chunk.last) {
		intake_finish(&c->intake);
		transaction_end(s);
	} else {
		session_reply(s, 250, (struct status){ 2, 0, 0 },
		    "Ok: %llu octets", (unsigned long long)chunk.size);
	}
}
