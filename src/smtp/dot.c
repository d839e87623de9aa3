/* SPDX-License-Identifier: ISC */
/*
 * The content of DATA, both ways (RFC 5321 4.5.2): the decoder finds the end
 * and takes the stuffed dots away, the encoder puts them in.  Sessions call
 * the first, the client the second.  Neither knows of sizes, replies or files.
 *
 * The decoder is where two mail servers must not disagree.  Its states:
 *
 *	START	at the start of a line: nothing read yet, or after CRLF
 *	DOT	'.' read at START; it is not content
 *	DOT_CR	CR read at DOT; held back, for it may be the end
 *	TEXT	inside a line
 *	CR	CR read inside a line
 *
 *	START  '.' -> DOT	else -> as TEXT
 *	DOT    CR  -> DOT_CR	else -> as TEXT
 *	DOT_CR LF  -> done	else -> as CR, the CR becomes content
 *	TEXT   CR  -> CR	LF: bare, stays		else stays
 *	CR     LF  -> START	else: bare, as TEXT
 *
 * Always true: START is entered by the first byte and by CRLF alone, and done
 * is reached from START by ".CRLF" alone (RFC 5321 4.1.1.4).  A bare LF never
 * begins a line.  The result does not depend on how the input was split.
 *
 * Who sends looks at the content first (dot_look), and so does the session at
 * content that came without dots (BDAT).
 */
#include "smtp/dot.h"

#include <stdint.h>
#include <string.h>

#include "base/die.h"

enum {
	START,
	DOT,
	DOT_CR,
	TEXT,
	CR,
};

struct walk {
	struct dot_decoder	*d;
	const char		*p;	/* the next byte to look at */
	const char		*end;
	const char		*run;	/* content not yet written */
	struct sink		*sink;	/* NULL: none, or it has failed */
	struct fault		*why;
	int			 result;
};

void
dot_decoder_init(struct dot_decoder *d)
{
	*d = (struct dot_decoder){ .state = START };
}

static void
put(struct walk *w, const char *p, size_t n)
{
	if (n == 0 || w->sink == NULL)
		return;
	if (sink_write(w->sink, str_span(p, n), w->why) != 0) {
		w->sink = NULL;
		w->result = -1;
	}
}

static void
flush(struct walk *w)
{
	put(w, w->run, (size_t)(w->p - w->run));
	w->run = w->p;
}

static void
note_length(struct dot_decoder *d, size_t n)
{
	if (n > d->longest)
		d->longest = n;
}

static void
step_start(struct walk *w)
{
	if (*w->p != '.') {
		w->d->state = TEXT;
		return;
	}
	flush(w);
	w->run = ++w->p;
	w->d->state = DOT;
}

static void
step_dot(struct walk *w)
{
	if (*w->p != '\r') {
		w->d->state = TEXT;
		return;
	}
	w->p++;
	w->d->state = DOT_CR;
}

static void
step_dot_cr(struct walk *w)
{
	if (*w->p == '\n') {
		w->run = ++w->p;
		w->d->done = true;
		return;
	}
	/* The CR is content after all; if it came with an earlier call it is
	 * not in this run. */
	if (w->run == w->p)
		put(w, "\r", 1);
	w->d->line = 1;
	w->d->state = CR;
}

static void
step_cr(struct walk *w)
{
	struct dot_decoder *d = w->d;

	if (*w->p != '\n') {
		d->bare = true;
		d->state = TEXT;
		return;
	}
	w->p++;
	note_length(d, d->line - 1);
	d->line = 0;
	d->state = START;
}

/* Takes the rest of the line at once, as far as it is here. */
static void
step_text(struct walk *w)
{
	struct dot_decoder *d = w->d;
	const char *lf, *stop, *cr;
	size_t n;

	lf = memchr(w->p, '\n', (size_t)(w->end - w->p));
	stop = lf != NULL ? lf : w->end;
	n = (size_t)(stop - w->p);
	cr = memchr(w->p, '\r', n);
	if (cr != NULL && cr != stop - 1)
		d->bare = true;
	w->p = stop;
	d->line += n;
	if (lf == NULL) {
		d->state = stop[-1] == '\r' ? CR : TEXT;
		return;
	}
	w->p++;
	if (cr == NULL || stop[-1] != '\r') {
		d->bare = true;
		d->line++;
		return;
	}
	note_length(d, d->line - 1);
	d->line = 0;
	d->state = START;
}

static void
step(struct walk *w)
{
	switch (w->d->state) {
	case START:
		step_start(w);
		break;
	case DOT:
		step_dot(w);
		break;
	case DOT_CR:
		step_dot_cr(w);
		break;
	case TEXT:
		step_text(w);
		break;
	case CR:
		step_cr(w);
		break;
	default:
		bug("dot decoder in state %d", w->d->state);
	}
}

static bool
has_eight_bit(struct str in)
{
	uint64_t all = 0, word[4];
	size_t i;

	for (i = 0; in.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(word, in.p + i, sizeof(word));
		all |= word[0] | word[1] | word[2] | word[3];
	}
	for (; i < in.n; i++)
		all |= (unsigned char)in.p[i];
	return (all & UINT64_C(0x8080808080808080)) != 0;
}

/* What must not be judged by bytes behind the end: those are commands. */
static void
note_octets(struct dot_decoder *d, struct str used)
{
	if (used.n == 0)
		return;
	if (!d->nul)
		d->nul = memchr(used.p, '\0', used.n) != NULL;
	if (!d->eight_bit)
		d->eight_bit = has_eight_bit(used);
}

int
dot_decode(struct dot_decoder *d, struct str in, size_t *taken,
    struct sink *sink, struct fault *why)
{
	struct walk w = { .d = d, .sink = sink, .why = why };

	*taken = 0;
	if (in.n == 0)
		return 0;
	w.p = w.run = in.p;
	w.end = in.p + in.n;
	while (w.p < w.end && !d->done)
		step(&w);
	if (d->state != DOT_CR)
		flush(&w);
	/* A line may never end: count what is known not to be its CRLF. */
	note_length(d, d->line - (d->state == CR));
	*taken = (size_t)(w.p - in.p);
	note_octets(d, str_slice(in, 0, *taken));
	return w.result;
}

void
dot_encoder_init(struct dot_encoder *e)
{
	*e = (struct dot_encoder){ .line_start = true };
}

/*
 * One line, or the part of it that is here, at *p.  A bare CR or LF must never
 * leave this machine, whatever let it in: hence the asserts here and not in a
 * reader.
 */
static const char *
pass_line(struct dot_encoder *e, const char *p, const char *end)
{
	const char *lf, *stop, *cr;
	size_t n;

	lf = memchr(p, '\n', (size_t)(end - p));
	stop = lf != NULL ? lf : end;
	n = (size_t)(stop - p);
	must(!e->cr || (n == 0 && lf != NULL));
	cr = memchr(p, '\r', n);
	must(cr == NULL || cr == stop - 1);
	if (lf == NULL) {
		e->cr = cr != NULL;
		e->line_start = false;
		return end;
	}
	must(e->cr || cr != NULL);
	e->cr = false;
	e->line_start = true;
	return lf + 1;
}

void
dot_encode(struct dot_encoder *e, struct str in, struct buf *out)
{
	const char *p = in.p, *run = in.p, *end;

	if (in.n == 0)
		return;
	end = in.p + in.n;
	while (p < end) {
		if (e->line_start && *p == '.') {
			buf_put(out, run, (size_t)(p - run));
			buf_putc(out, '.');
			run = p;
		}
		p = pass_line(e, p, end);
	}
	buf_put(out, run, (size_t)(end - run));
}

void
dot_encode_end(struct dot_encoder *e, struct buf *out)
{
	must(!e->cr);
	if (!e->line_start)
		buf_puts(out, STR("\r\n"));
	buf_puts(out, STR(".\r\n"));
	e->line_start = true;
}

void
dot_look_init(struct dot_look *l)
{
	*l = (struct dot_look){ .line_start = true };
}

/* One line, or the part of it that is here, at *p. */
static const char *
look_line(struct dot_look *l, const char *p, const char *end)
{
	const char *lf, *stop, *cr;
	size_t n;

	lf = memchr(p, '\n', (size_t)(end - p));
	stop = lf != NULL ? lf : end;
	n = (size_t)(stop - p);
	cr = memchr(p, '\r', n);
	if ((l->cr && n > 0) || (cr != NULL && cr != stop - 1))
		l->bare = true;
	if (l->line_start && *p == '.')
		l->dots = true;
	/* Of several CRs the last one counts. */
	if (n > 0)
		l->cr = stop[-1] == '\r';
	l->line_start = false;
	if (lf == NULL)
		return end;
	l->line_start = l->cr;
	l->bare |= !l->cr;
	l->cr = false;
	return lf + 1;
}

void
dot_look(struct dot_look *l, struct str in)
{
	const char *p = in.p;

	while (in.n > 0 && p < in.p + in.n)
		p = look_line(l, p, in.p + in.n);
}
