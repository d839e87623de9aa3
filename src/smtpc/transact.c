/* SPDX-License-Identifier: ISC */
/*
 * One transaction as a row of steps and two cursors:
 *
 *	[RSET]  MAIL  RCPT  RCPT ... RCPT  DATA  CONTENT
 *	                ^heard         ^written        ^n
 *
 * "written" walks ahead and puts commands into the stream, "heard" follows
 * and reads one reply for each, in the same order (RFC 2920 3.1).  Between
 * them lie at most "window" commands: 1 without PIPELINING, else so few that
 * neither side can fill the other's buffers and wait for ever.  When the
 * window is half empty it is filled again, so that commands travel in groups.
 *
 * A message of BODY=BINARYMIME has one step CHUNK (BDAT, RFC 3030) instead of
 * the last two, and is never converted: a host that does not take it does not
 * get it.  What is sent as text was looked at before: it has no bare CR or LF.
 *
 * CONTENT is written only when nothing is awaited, that is, when the reply to
 * DATA is here.  "n" is taken back to "written" as soon as it is known that
 * the rest is pointless: MAIL was refused, or every recipient, or DATA.  When
 * DATA was pipelined and taken although no recipient was, CONTENT is a single
 * dot.
 *
 *	a recipient:  OPEN -> TAKEN -> SETTLED
 *	                 `---------------^
 *
 * An outcome is written exactly once, when its recipient is SETTLED, and every
 * recipient is when smtpc_transact() returns.  c->stale says that the peer has
 * taken a MAIL and nothing has ended that transaction; the next one begins
 * with RSET.
 */
#include "smtpc/transact.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "os/clock.h"
#include "smtp/dot.h"
#include "smtp/ext.h"
#include "smtpc/asked.h"

#define WINDOW		100	/* commands without a reply */
#define SEND_DIRECT	16384	/* pieces from here on are not copied */
#define BLOCK_SIZE	65536	/* of stuffed content */
#define RATE_MIN	1024	/* bytes a second that a peer must take */

enum step_kind {
	STEP_RSET,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_CONTENT,
	STEP_CHUNK,
};

struct step {
	enum step_kind	kind;
	size_t		rcpt;		/* which one, of STEP_RCPT */
};

enum rcpt_state {
	RCPT_OPEN,
	RCPT_TAKEN,
	RCPT_SETTLED,
};

struct drive {
	struct smtpc			*c;
	const struct smtpc_message	*m;
	struct arena			*arena;
	struct outcome			*outcome;
	struct str			 host, where;	/* in the arena */
	int64_t				 start;
	struct address			 sender;	/* as the peer reads */
	struct address			*rcpt;		/* them */
	bool				 utf8;		/* one needs it */
	struct step			*steps;
	size_t				 n, written, heard;
	size_t				 window;
	enum rcpt_state			*state;
	size_t				 taken;		/* RCPT_TAKEN ones */
	bool				 binary;	/* RFC 3030: by BDAT */
	struct dot_look			 look;		/* at content, else */
	bool				 refused;	/* MAIL was */
	bool				 cut_off;	/* while sending
							 * content */
	struct buf			 line;
};

/* How a step is called: in what was said in reply to it, and in what was
 * going on when the connection broke. */
struct words {
	const char	*command, *doing;
};

static const struct words words[] = {
	[STEP_RSET] = { "RSET command", "sending RSET" },
	[STEP_MAIL] = { "MAIL FROM command", "sending MAIL FROM" },
	[STEP_RCPT] = { "RCPT TO command", "sending RCPT TO" },
	[STEP_DATA] = { "DATA command", "sending DATA command" },
	[STEP_CONTENT] = { "end of DATA command", "sending end of data -- "
	    "message may be sent more than once" },
	[STEP_CHUNK] = { "BDAT command", "sending BDAT -- "
	    "message may be sent more than once" },
};

static void
settle(struct drive *d, size_t i, const struct outcome *outcome)
{
	if (d->state[i] == RCPT_SETTLED)
		return;
	d->state[i] = RCPT_SETTLED;
	d->outcome[i] = *outcome;
}

static void
settle_rest(struct drive *d, const struct outcome *outcome)
{
	for (size_t i = 0; i < d->m->n; i++)
		settle(d, i, outcome);
}

static struct outcome
make(const struct drive *d, enum outcome_kind kind, int reply,
    struct status status, struct str text)
{
	return (struct outcome){
		.kind = kind, .reply = reply, .status = status,
		.host = d->host, .where = d->where, .text = text,
		.delay_ms = clock_mono_ms() - d->start,
	};
}

/*
 * The outcome that a reply other than the hoped-for one means.  A 2yz or 3yz
 * where it has no business: the two sides have lost each other.
 */
static struct outcome
make_refusal(struct drive *d, enum step_kind kind)
{
	struct str text = smtpc_said(d->c, d->arena, words[kind].command);
	struct status status = smtpc_status(d->c);
	int code = d->c->reply.code;

	if (code / 100 == 5)
		return make(d, OUTCOME_FAILED, code, status, text);
	if (code / 100 != 4) {
		d->c->usable = false;
		status = (struct status){ 4, 5, 0 };
	}
	return make(d, OUTCOME_DEFERRED, code, status, text);
}

static void
refuse_rest(struct drive *d, enum step_kind kind)
{
	struct outcome outcome = make_refusal(d, kind);

	settle_rest(d, &outcome);
}

static void
defer_rest(struct drive *d, const struct fault *why)
{
	struct outcome outcome = make(d, OUTCOME_DEFERRED, 0,
	    status_of_fault(why), arena_str(d->arena, str_of(why->text)));

	settle_rest(d, &outcome);
}

static bool
is_yes(const struct drive *d)
{
	return d->c->reply.code / 100 == 2;
}

static void
take_mail(struct drive *d)
{
	d->c->stale = is_yes(d);
	/* With 421 it says that it would have gone anyway: RFC 5321 3.8. */
	if (d->c->reply.code != 421)
		d->c->transactions++;
	if (is_yes(d))
		return;
	d->refused = true;
	refuse_rest(d, STEP_MAIL);
}

/*
 * "Too many recipients" is 452, but RFC 821 said 552, so servers do: a 552
 * is taken for 452 unless its enhanced status means something else
 * (RFC 5321 4.5.3.1.10, RFC 3463 3.6).
 */
static bool
is_too_many(const struct drive *d)
{
	const struct status *s = &d->c->reply.status;

	return d->c->reply.code == 552 && d->taken > 0 &&
	    (s->class == 0 || (s->subject == 5 && s->detail == 3));
}

static void
take_rcpt(struct drive *d, size_t i)
{
	struct outcome outcome;

	if (d->state[i] == RCPT_SETTLED)
		return;
	if (is_yes(d)) {
		d->state[i] = RCPT_TAKEN;
		d->taken++;
		return;
	}
	outcome = make_refusal(d, STEP_RCPT);
	if (is_too_many(d)) {
		outcome.kind = OUTCOME_DEFERRED;
		outcome.status = (struct status){ 4, 5, 3 };
	}
	settle(d, i, &outcome);
}

static void
take_data(struct drive *d)
{
	if (d->c->reply.code == 354)
		return;
	d->n = d->written;
	refuse_rest(d, STEP_DATA);
}

static void
take_content(struct drive *d, enum step_kind kind)
{
	struct outcome outcome;

	/* What a refused BDAT leaves is not said: RFC 3030 2. */
	d->c->stale = kind == STEP_CHUNK && !is_yes(d);
	if (!is_yes(d)) {
		refuse_rest(d, kind);
		return;
	}
	outcome = make(d, OUTCOME_RELAYED, d->c->reply.code,
	    smtpc_status(d->c), smtpc_text(d->c, d->arena));
	outcome.next_hop = asked_next_hop(d->c);
	settle_rest(d, &outcome);
}

static void
take(struct drive *d, const struct step *step)
{
	switch (step->kind) {
	case STEP_RSET:
		break;
	case STEP_MAIL:
		take_mail(d);
		break;
	case STEP_RCPT:
		take_rcpt(d, step->rcpt);
		break;
	case STEP_DATA:
		take_data(d);
		break;
	case STEP_CONTENT:
	case STEP_CHUNK:
		take_content(d, step->kind);
		break;
	}
}

static void
put_mail(struct drive *d)
{
	struct buf *b = &d->line;

	buf_puts(b, STR("MAIL FROM:<"));
	address_put(b, &d->sender);
	buf_putc(b, '>');
	if ((d->c->extensions & EXT_SIZE) != 0)
		buf_printf(b, " SIZE=%" PRIu64, d->m->size);
	if ((d->c->extensions & EXT_8BITMIME) != 0 &&
	    d->m->body == BODY_8BITMIME)
		buf_puts(b, STR(" BODY=8BITMIME"));
	asked_put_mail(b, d->c, d->m, d->utf8);
	if (d->binary)
		buf_puts(b, STR(" BODY=BINARYMIME"));
	buf_puts(b, STR("\r\n"));
}

static void
put_rcpt(struct drive *d, size_t i)
{
	buf_puts(&d->line, STR("RCPT TO:<"));
	address_put(&d->line, &d->rcpt[i]);
	buf_putc(&d->line, '>');
	asked_put_rcpt(&d->line, d->c, d->m, d->m->recipients[i]);
	buf_puts(&d->line, STR("\r\n"));
}

static enum stream_result
send_parts(struct drive *d)
{
	enum stream_result result = STREAM_OK;

	for (size_t i = 0; i < d->m->nparts && result == STREAM_OK; i++) {
		struct str part = d->m->parts[i];

		if (part.n < SEND_DIRECT)
			stream_put(&d->c->stream, part);
		else
			result = stream_send(&d->c->stream, part);
	}
	return result;
}

/* As it lies: no line begins with a dot. */
static enum stream_result
send_plain(struct drive *d)
{
	enum stream_result result = send_parts(d);
	struct dot_encoder encoder = { .line_start = d->look.line_start };

	if (result != STREAM_OK)
		return result;
	dot_encode_end(&encoder, &d->line);
	return stream_send(&d->c->stream, buf_str(&d->line));
}

/* RFC 3030 2: the whole of it is one chunk, as it lies. */
static enum stream_result
send_chunk(struct drive *d)
{
	enum stream_result result;
	uint64_t size = 0;

	for (size_t i = 0; i < d->m->nparts; i++)
		size += d->m->parts[i].n;
	stream_printf(&d->c->stream, "BDAT %" PRIu64 " LAST\r\n", size);
	result = send_parts(d);
	return result == STREAM_OK ? stream_flush(&d->c->stream) : result;
}

static enum stream_result
send_stuffed(struct drive *d)
{
	enum stream_result result = STREAM_OK;
	struct dot_encoder encoder;

	dot_encoder_init(&encoder);
	for (size_t i = 0; i < d->m->nparts; i++) {
		struct str rest = d->m->parts[i];

		while (rest.n > 0 && result == STREAM_OK) {
			dot_encode(&encoder, str_slice(rest, 0, BLOCK_SIZE),
			    &d->line);
			rest = str_from(rest, BLOCK_SIZE);
			if (d->line.n < BLOCK_SIZE)
				continue;
			result = stream_send(&d->c->stream, buf_str(&d->line));
			buf_reset(&d->line);
		}
	}
	if (result != STREAM_OK)
		return result;
	dot_encode_end(&encoder, &d->line);
	return stream_send(&d->c->stream, buf_str(&d->line));
}

static enum stream_result
send_content(struct drive *d)
{
	uint64_t patience = d->m->size / RATE_MIN;

	if (patience > INT32_MAX / 2)
		patience = INT32_MAX / 2;
	stream_set_timeout(&d->c->stream, d->c->timeouts->block);
	stream_set_deadline(&d->c->stream,
	    d->c->timeouts->final + (int)patience);
	if (d->binary)
		return send_chunk(d);
	/* RFC 2920 3.1 */
	if (d->taken == 0)
		return stream_send(&d->c->stream, STR(".\r\n"));
	return d->look.dots ? send_stuffed(d) : send_plain(d);
}

/* A peer that hangs up in the middle may have said why: whoever reads the
 * next reply finds out. */
static int
write_content(struct drive *d, struct fault *why)
{
	enum stream_result result = send_content(d);

	if (result == STREAM_OK)
		return 0;
	d->cut_off = true;
	if (result == STREAM_BROKEN)
		return 0;
	return smtpc_lost(d->c, result, "sending message body", why);
}

static int
write_step(struct drive *d, const struct step *step, struct fault *why)
{
	buf_reset(&d->line);
	switch (step->kind) {
	case STEP_RSET:
		buf_puts(&d->line, STR("RSET\r\n"));
		break;
	case STEP_MAIL:
		put_mail(d);
		break;
	case STEP_RCPT:
		put_rcpt(d, step->rcpt);
		break;
	case STEP_DATA:
		buf_puts(&d->line, STR("DATA\r\n"));
		break;
	case STEP_CONTENT:
	case STEP_CHUNK:
		return write_content(d, why);
	}
	stream_put(&d->c->stream, buf_str(&d->line));
	return 0;
}

static bool
may_write(const struct drive *d, const struct step *step)
{
	size_t awaited = d->written - d->heard;

	return step->kind >= STEP_CONTENT ? awaited == 0 : awaited < d->window;
}

/* Nothing that is still to be written could do any good. */
static bool
is_pointless(const struct drive *d, const struct step *step)
{
	return d->refused || (step->kind >= STEP_DATA &&
	    d->heard == d->written && d->taken == 0);
}

static int
write_ahead(struct drive *d, struct fault *why)
{
	if (d->written - d->heard > d->window / 2)
		return 0;
	while (d->written < d->n) {
		const struct step *step = &d->steps[d->written];

		if (step->kind != STEP_CONTENT && is_pointless(d, step)) {
			d->n = d->written;
			return 0;
		}
		if (!may_write(d, step))
			return 0;
		d->written++;
		if (write_step(d, step, why) != 0)
			return -1;
	}
	return 0;
}

static int
hear(struct drive *d, const struct step *step, struct fault *why)
{
	const struct smtpc_timeouts *t = d->c->timeouts;
	const char *doing = words[step->kind].doing;
	int seconds = t->command;

	if (d->cut_off)
		doing = "sending message body";
	if (step->kind == STEP_DATA)
		seconds = t->data;
	else if (step->kind >= STEP_CONTENT)
		seconds = t->final;
	if (smtpc_read(d->c, seconds, doing, why) != 0)
		return -1;
	if (!d->cut_off)
		return 0;
	d->c->usable = false;
	/* Taken over?  It has not got all of it. */
	if (d->c->reply.code / 100 < 4)
		return smtpc_lost(d->c, STREAM_BROKEN, doing, why);
	return 0;
}

static void
run(struct drive *d)
{
	struct fault why;

	while (d->heard < d->n) {
		const struct step *step = &d->steps[d->heard];

		if (write_ahead(d, &why) != 0) {
			defer_rest(d, &why);
			return;
		}
		if (d->heard == d->n)
			return;
		if (hear(d, step, &why) != 0) {
			defer_rest(d, &why);
			return;
		}
		d->heard++;
		take(d, step);
		if (!d->c->usable) {
			refuse_rest(d, step->kind);
			return;
		}
	}
}

static void
add_step(struct drive *d, enum step_kind kind, size_t rcpt)
{
	d->steps[d->n++] = (struct step){ kind, rcpt };
}

static void
plan(struct drive *d)
{
	size_t n = d->m->n;

	d->steps = arena_alloc(d->arena, (n + 4) * sizeof(d->steps[0]));
	if (d->c->stale)
		add_step(d, STEP_RSET, 0);
	add_step(d, STEP_MAIL, 0);
	for (size_t i = 0; i < n; i++)
		if (d->state[i] == RCPT_OPEN)
			add_step(d, STEP_RCPT, i);
	if (d->binary) {
		add_step(d, STEP_CHUNK, 0);
	} else {
		add_step(d, STEP_DATA, 0);
		add_step(d, STEP_CONTENT, 0);
	}
	d->window = (d->c->extensions & EXT_PIPELINING) != 0 ? WINDOW : 1;
}

static void
fail(struct drive *d, struct outcome *outcome, const struct fault *why)
{
	*outcome = make(d, fault_is_temporary(why) ? OUTCOME_DEFERRED :
	    OUTCOME_FAILED, why->reply, status_of_fault(why),
	    arena_str(d->arena, str_of(why->text)));
}

static bool
is_ascii(const struct address *a)
{
	return utf8_is_ascii(a->local) && utf8_is_ascii(a->domain);
}

/* The addresses as the peer can read them; those that it cannot are settled.
 * False: nobody is left. */
static bool
translate(struct drive *d)
{
	struct outcome outcome;
	struct fault why;
	size_t open = 0;

	if (asked_check(d->c, d->m, &why) != 0 || asked_address(d->c, d->arena,
	    d->m->sender, &d->sender, &why) != 0) {
		fail(d, &outcome, &why);
		settle_rest(d, &outcome);
		return false;
	}
	d->utf8 = !is_ascii(&d->sender);
	for (size_t i = 0; i < d->m->n; i++) {
		if (asked_address(d->c, d->arena,
		    &d->m->recipients[i]->address, &d->rcpt[i], &why) != 0) {
			fail(d, &outcome, &why);
			settle(d, i, &outcome);
			continue;
		}
		d->utf8 = d->utf8 || !is_ascii(&d->rcpt[i]);
		open++;
	}
	return open > 0;
}

static void
fail_size(struct drive *d)
{
	struct outcome outcome = make(d, OUTCOME_FAILED, 552,
	    (struct status){ 5, 3, 4 }, arena_printf(d->arena,
	    "message size %" PRIu64 " exceeds size limit %" PRIu64
	    " of server %.*s", d->m->size, d->c->size_max,
	    STR_ARG(d->c->peer)));

	settle_rest(d, &outcome);
}

static void
fail_content(struct drive *d, struct status status, const char *what)
{
	struct outcome outcome = make(d, OUTCOME_FAILED, 554, status,
	    arena_printf(d->arena, "%s", what));

	settle_rest(d, &outcome);
}

/* May it be sent to this host at all?  What has no line ends of our own is
 * sent by count, or nowhere: the other end of a bare LF might be another
 * message there. */
static bool
is_sendable(struct drive *d)
{
	const unsigned wanted = EXT_CHUNKING | EXT_BINARYMIME;
	const struct smtpc_message *m = d->m;

	if (d->c->size_max > 0 && m->size > d->c->size_max) {
		fail_size(d);
		return false;
	}
	d->binary = m->body == BODY_BINARYMIME;
	/* RFC 3030 3: the third of the three ways. */
	if (d->binary && (d->c->extensions & wanted) != wanted) {
		fail_content(d, (struct status){ 5, 6, 1 }, "the message is "
		    "binary, which this host does not take (no BINARYMIME)");
		return false;
	}
	dot_look_init(&d->look);
	for (size_t i = 0; i < m->nparts && !d->binary; i++)
		dot_look(&d->look, m->parts[i]);
	if (d->look.bare || d->look.cr) {
		fail_content(d, (struct status){ 5, 6, 0 }, "a line of the "
		    "message ends in a bare LF or CR, which cannot be sent");
		return false;
	}
	return true;
}

void
smtpc_transact(struct smtpc *c, const struct smtpc_message *m,
    struct arena *arena, struct outcome *outcome)
{
	struct drive d = {
		.c = c, .m = m, .arena = arena, .outcome = outcome,
		.start = clock_mono_ms(),
	};
	struct fault why;

	if (m->n == 0)
		return;
	d.host = arena_str(arena, c->host);
	d.where = arena_str(arena, c->where);
	d.state = arena_alloc(arena, m->n * sizeof(d.state[0]));
	buf_init(&d.line);
	d.rcpt = arena_alloc(arena, m->n * sizeof(d.rcpt[0]));
	if (!c->usable) {
		(void)smtpc_lost(c, STREAM_END, "sending MAIL FROM", &why);
		defer_rest(&d, &why);
	} else if (is_sendable(&d) && translate(&d)) {
		plan(&d);
		run(&d);
	}
	buf_free(&d.line);
}
