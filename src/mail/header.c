/* SPDX-License-Identifier: ISC */
/*
 * The header of a message (RFC 5322 2.2).  Two users of one idea of what a
 * field is: the reader, which steps through a block that is in memory, and the
 * collector, a sink that keeps the block while the content passes through a
 * session on its way to the spool.
 *
 * A field is a name of printable characters, blanks perhaps (RFC 5322 4.5),
 * a colon, and text to the end of the last folded line.  What a field means is
 * not known here, but that "Received" counts hops.
 *
 * Always true of the collector: the block holds whole lines of the header and
 * the line that is still coming, and nothing of the body; it never grows
 * beyond HEADER_SIZE_MAX.  When it is complete, the content is the block, what
 * had been taken for more of it (over), and all that comes behind.  A collector
 * does not fail: a message with a header that is too big passes, and who reads
 * too_big refuses it.
 */
#include "mail/header.h"

#include <string.h>

/* Length of the name of the field that begins this line, blanks before the
 * colon not counted, and where the colon is; 0: no field begins here. */
static size_t
measure_name(struct str line, size_t *colon)
{
	size_t n = 0, i;

	while (n < line.n && line.p[n] > 32 && line.p[n] < 127 &&
	    line.p[n] != ':')
		n++;
	for (i = n; i < line.n && str_is_blank(line.p[i]); i++)
		;
	if (i == line.n || line.p[i] != ':')
		return 0;
	*colon = i;
	return n;
}

/* Offset behind the last line of the field that begins s. */
static size_t
measure_field(struct str s)
{
	const char *lf;
	size_t n = 0;

	do {
		lf = memchr(s.p + n, '\n', s.n - n);
		if (lf == NULL)
			return s.n;
		n = (size_t)(lf - s.p) + 1;
	} while (n < s.n && str_is_blank(s.p[n]));
	return n;
}

/* Without the line end. */
static struct str
chomp(struct str s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n') {
		s.n--;
		if (s.n > 0 && s.p[s.n - 1] == '\r')
			s.n--;
	}
	return s;
}

bool
header_next(struct str *rest, struct header_field *f)
{
	size_t n, colon;

	n = measure_name(*rest, &colon);
	if (n == 0)
		return false;
	f->name = str_slice(*rest, 0, n);
	f->raw = str_slice(*rest, 0, measure_field(*rest));
	f->value = str_from(chomp(f->raw), colon + 1);
	*rest = str_from(*rest, f->raw.n);
	return true;
}

bool
header_find(struct str block, struct str name, struct header_field *f)
{
	while (header_next(&block, f))
		if (str_caseeq(f->name, name))
			return true;
	return false;
}

static bool
is_space(char c)
{
	return str_is_blank(c) || c == '\r' || c == '\n';
}

/* RFC 5322 2.2.3 */
void
header_unfold(struct buf *b, struct str value)
{
	struct str line;

	while (value.n > 0 && is_space(value.p[0]))
		value = str_from(value, 1);
	while (value.n > 0 && is_space(value.p[value.n - 1]))
		value.n--;
	while (str_cut(&value, '\n', &line)) {
		if (value.n > 0 && str_ends(line, STR("\r")))
			line.n--;
		buf_puts(b, line);
	}
}

/* The line that is still coming. */
static struct str
current_line(const struct header_collector *h)
{
	return str_from(buf_str(&h->block), h->line);
}

/* The rest is not ours: the body has begun. */
static void
end_before_line(struct header_collector *h)
{
	buf_puts(&h->over, current_line(h));
	buf_truncate(&h->block, h->line);
	h->complete = true;
}

static void
give_up(struct header_collector *h)
{
	buf_truncate(&h->block, h->line);
	h->too_big = true;
}

/* Judges the current line, which has come whole (or never will). */
static void
take_line(struct header_collector *h)
{
	struct str line = current_line(h);
	size_t n, colon;

	if (chomp(line).n == 0 && line.n > 0) {
		h->line = h->block.n;
		h->complete = true;
		return;
	}
	if (h->fields > 0 && line.n > 0 && str_is_blank(line.p[0])) {
		h->line = h->block.n;
		return;
	}
	n = measure_name(line, &colon);
	if (n == 0) {
		end_before_line(h);
		return;
	}
	if (h->fields == HEADER_FIELDS_MAX) {
		give_up(h);
		return;
	}
	h->fields++;
	if (str_caseeq(str_slice(line, 0, n), STR("Received")))
		h->received++;
	h->line = h->block.n;
}

/* Can this beginning of a line still become one of the header's? */
static bool
may_be_header(const struct header_collector *h, struct str line)
{
	size_t i = 0;

	if (line.n == 0 || str_is_blank(line.p[0]))
		return line.n == 0 || h->fields > 0;
	while (i < line.n && line.p[i] > 32 && line.p[i] < 127 &&
	    line.p[i] != ':')
		i++;
	while (i < line.n && str_is_blank(line.p[i]))
		i++;
	return i == line.n || line.p[i] == ':';
}

/* The limit is reached within the current line.  A long first line of a body
 * that follows no empty line is no fault of the header. */
static void
overflow(struct header_collector *h, struct str piece)
{
	buf_puts(&h->block, str_slice(piece, 0, HEADER_SIZE_MAX - h->block.n));
	if (may_be_header(h, current_line(h)))
		give_up(h);
	else
		end_before_line(h);
}

static int
collect(struct sink *sink, struct str in, struct fault *why)
{
	struct header_collector *h = (struct header_collector *)(void *)sink;
	struct str piece;
	size_t lf;

	(void)why;
	while (in.n > 0 && !h->complete && !h->too_big) {
		lf = str_find(in, '\n');
		piece = str_slice(in, 0, lf < in.n ? lf + 1 : in.n);
		if (piece.n > HEADER_SIZE_MAX - h->block.n) {
			overflow(h, piece);
			break;
		}
		buf_puts(&h->block, piece);
		if (lf < in.n)
			take_line(h);
		in = str_from(in, piece.n);
	}
	return 0;
}

void
header_collector_init(struct header_collector *h)
{
	*h = (struct header_collector){ .sink = { collect } };
	buf_init(&h->block);
	buf_init(&h->over);
}

void
header_collector_reset(struct header_collector *h)
{
	struct buf block = h->block, over = h->over;

	buf_reset(&block);
	buf_reset(&over);
	*h = (struct header_collector){ .sink = { collect }, .block = block,
	    .over = over };
}

void
header_collector_free(struct header_collector *h)
{
	buf_free(&h->block);
	buf_free(&h->over);
	header_collector_init(h);
}

void
header_collector_finish(struct header_collector *h)
{
	if (!h->complete && !h->too_big && h->block.n > h->line)
		take_line(h);
}
