/* SPDX-License-Identifier: ISC */
/*
 * What the ways of local delivery have in common: the text of a message as a
 * mailbox or a command wants it.  In the entry it lies in wire form, with CRLF
 * line ends, in several parts; outside it has LF line ends, the fields of this
 * delivery in front, and perhaps quoted lines.
 *
 * The text is pulled out of the parts piece by piece into a buffer of about
 * 64 KiB, line by line with memchr and memcpy, so that a small message is
 * written in one call and a large one in few.  A line end or a "From " that
 * the border of two parts divides is seen by looking ahead; nothing is held
 * back.  A CR that no LF follows stays what it is.  What came with
 * BODY=BINARYMIME is handed on as it lies.
 *
 * Called by maildir and mbox (place_write), which write to a file, and by pipe
 * (place_text_next), which must not block on a command that does not read.
 */
#include "deliver/place.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "os/file.h"

#define PIECE_MAX	(16 * 1024)	/* of one line, taken at once */

int
place_fault(struct fault *why, int err, const char *fmt, ...)
{
	char what[FAULT_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)text_vprint(what, sizeof(what), fmt, ap);
	va_end(ap);
	fault_system(why, err, "%s", what);
	/* RFC 3463 3.3: x.2.2, mailbox full. */
	if (err == EDQUOT)
		why->subject = why->detail = 2;
	return -1;
}

bool
place_name_is_safe(struct str name)
{
	return name.n > 0 && name.p[0] != '.' &&
	    str_find(name, '/') == name.n && str_find(name, '\0') == name.n;
}

bool
place_name_is_synced(const struct place *p, int fd)
{
	if (!p->kept->asked)
		p->kept->name_synced = file_name_is_synced(fd);
	p->kept->asked = true;
	return p->kept->name_synced;
}

void
place_text_init(struct place_text *t, const struct place *p,
    struct str from_line)
{
	*t = (struct place_text){ .place = p, .from_line = from_line,
	    .quote = from_line.n > 0, .line_start = true,
	    .verbatim = p->message->envelope.body == BODY_BINARYMIME };
}

/* The byte that lies i behind the cursor, maybe in a later part; -1: none. */
static int
peek(const struct place_text *t, size_t i)
{
	const struct message *m = t->place->message;
	struct str s = t->rest;
	uint32_t part = t->part;

	while (i >= s.n) {
		if (part == m->super.nparts)
			return -1;
		i -= s.n;
		s = m->parts[part++];
	}
	return (unsigned char)s.p[i];
}

static bool
is_from(const struct place_text *t)
{
	static const char from[] = "From ";
	size_t i;

	for (i = 0; from[i] != '\0'; i++)
		if (peek(t, i) != from[i])
			return false;
	return true;
}

/* A part as it is, for nothing in it need be a line. */
static void
put_octets(struct place_text *t, struct buf *out)
{
	struct str piece = str_slice(t->rest, 0, PIECE_MAX);

	buf_puts(out, piece);
	t->rest = str_from(t->rest, piece.n);
}

static void
put_head(const struct place_text *t, struct buf *out)
{
	struct str rest = t->place->head, line;

	if (!t->verbatim) {
		buf_puts(out, rest);
		return;
	}
	while (str_cut(&rest, '\n', &line)) {
		buf_puts(out, line);
		buf_putz(out, "\r\n");
	}
}

/* One line, or as much of it as is here. */
static void
put_line(struct place_text *t, struct buf *out)
{
	size_t n = t->rest.n < PIECE_MAX ? t->rest.n : PIECE_MAX, text;
	const char *lf = memchr(t->rest.p, '\n', n);

	if (t->quote && t->line_start && is_from(t))
		buf_putc(out, '>');
	if (lf != NULL)
		n = (size_t)(lf - t->rest.p);
	text = n;
	if (n > 0 && t->rest.p[n - 1] == '\r' && peek(t, n) == '\n')
		text--;
	buf_put(out, t->rest.p, text);
	if (lf != NULL) {
		buf_putc(out, '\n');
		n++;
	}
	t->rest = str_from(t->rest, n);
	t->line_start = lf != NULL;
}

/* Something of the content is at the cursor. */
static bool
has_more(struct place_text *t)
{
	const struct message *m = t->place->message;

	while (t->rest.n == 0 && t->part < m->super.nparts)
		t->rest = m->parts[t->part++];
	return t->rest.n > 0;
}

bool
place_text_next(struct place_text *t, struct buf *out)
{
	size_t from = out->n;

	if (t->ended)
		return false;
	(void)buf_room(out, PLACE_STEP + PIECE_MAX + 2);
	if (!t->begun) {
		t->begun = true;
		buf_puts(out, t->from_line);
		if (t->from_line.n > 0)
			buf_putc(out, '\n');
		put_head(t, out);
	}
	while (out->n - from < PLACE_STEP && has_more(t))
		if (t->verbatim)
			put_octets(t, out);
		else
			put_line(t, out);
	if (has_more(t))
		return true;
	t->ended = true;
	if (!t->line_start)
		buf_putc(out, '\n');
	if (t->quote)
		buf_putc(out, '\n');
	return true;
}

static int
write_all(int fd, struct str s, struct fault *why)
{
	ssize_t n;

	while (s.n > 0) {
		n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return place_fault(why, errno, "write");
		s = str_from(s, (size_t)n);
	}
	return 0;
}

int
place_write(const struct place *p, int fd, struct str from_line,
    struct fault *why)
{
	struct buf *out = &p->kept->out;
	struct place_text t;

	place_text_init(&t, p, from_line);
	for (;;) {
		buf_reset(out);
		if (!place_text_next(&t, out))
			return 0;
		if (write_all(fd, buf_str(out), why) < 0)
			return -1;
	}
}
