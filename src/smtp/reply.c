/* SPDX-License-Identifier: ISC */
/*
 * Replies (RFC 5321 4.2): written by the server, read by the client.
 *
 * Written: every line has the code, the enhanced status and a piece of the
 * text; a text longer than a reply line may be is continued on the next one.
 * Control characters become "?", so that no text, wherever it came from, can
 * forge a reply line.
 *
 * Read: one line at a time, without its line end.  What is kept is bounded by
 * REPLY_TEXT_MAX however many lines come.  A line that is no reply line, or
 * whose code differs from that of the first line (RFC 5321 4.2.1), is garbage:
 * the two sides no longer understand each other and the caller should hang up.
 * Nothing here judges what a code means.
 */
#include "smtp/reply.h"

#include "base/die.h"

#define LINE_MAX_OCTETS	512	/* with CRLF; RFC 5321 4.5.3.1.5 */

static void
put_clean(struct buf *b, struct str text)
{
	size_t i, from = 0;

	for (i = 0; i < text.n; i++) {
		if (!str_is_control(text.p[i]))
			continue;
		buf_puts(b, str_slice(text, from, i));
		buf_putc(b, '?');
		from = i + 1;
	}
	buf_puts(b, str_from(text, from));
}

/* How much of text fits in room octets, cut behind a blank if there is one. */
static size_t
fit(struct str text, size_t room)
{
	size_t n = room;

	if (text.n <= room)
		return text.n;
	while (n > 0 && text.p[n - 1] != ' ')
		n--;
	return n > 0 ? n : room;
}

static void
put_line(struct buf *b, int code, bool more, struct str status, struct str text)
{
	buf_printf(b, "%d%c", code, more ? '-' : ' ');
	buf_puts(b, status);
	put_clean(b, text);
	buf_puts(b, STR("\r\n"));
}

void
reply_put(struct buf *b, int code, struct status status, struct str text)
{
	struct buf mark;
	struct str line, head;
	size_t room, n;
	bool more;

	must(code >= 200 && code <= 599);
	buf_init(&mark);
	if (status.class != 0) {
		/* The class is that of the code: RFC 2034 4. */
		status.class = code / 100;
		status_put(&mark, status);
		buf_putc(&mark, ' ');
	}
	head = buf_str(&mark);
	room = LINE_MAX_OCTETS - 6 - head.n;
	do {
		n = str_find(text, '\n');
		line = str_slice(text, 0, fit(str_slice(text, 0, n), room));
		text = str_from(text, line.n);
		if (line.n == n && text.n > 0)
			text = str_from(text, 1);
		more = text.n > 0;
		put_line(b, code, more, head, line);
	} while (more);
	buf_free(&mark);
}

void
reply_put_fault(struct buf *b, const struct fault *why)
{
	reply_put(b, why->reply, status_of_fault(why), str_of(why->text));
}

void
reply_init(struct reply *r)
{
	*r = (struct reply){ .code = 0 };
	buf_init(&r->text);
}

void
reply_reset(struct reply *r)
{
	r->code = 0;
	r->status = (struct status){ 0, 0, 0 };
	r->lines = 0;
	buf_reset(&r->text);
}

void
reply_free(struct reply *r)
{
	buf_free(&r->text);
	reply_init(r);
}

/* The code at the front, 0 when there is none. */
static int
code_of(struct str line)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' ||
	    !str_is_digit(line.p[1]) || !str_is_digit(line.p[2]))
		return 0;
	return (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 +
	    (line.p[2] - '0');
}

enum reply_state
reply_feed(struct reply *r, struct str line)
{
	struct str text;
	struct status status;
	int code = code_of(line);

	if (code == 0 || (r->lines > 0 && code != r->code))
		return REPLY_GARBAGE;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return REPLY_GARBAGE;
	text = str_from(line, 4);
	if (r->text.n + text.n + 1 > REPLY_TEXT_MAX)
		return REPLY_GARBAGE;
	if (r->lines++ > 0)
		buf_putc(&r->text, '\n');
	buf_puts(&r->text, text);
	if (r->lines == 1) {
		r->code = code;
		if (status_cut(&text, &status) && status.class == code / 100)
			r->status = status;
	}
	return line.n > 3 && line.p[3] == '-' ? REPLY_MORE : REPLY_COMPLETE;
}

void
reply_describe(struct buf *b, const struct reply *r)
{
	struct str rest = buf_str(&r->text), line, text;
	struct status s;
	bool first = true;

	buf_printf(b, "%d", r->code);
	while (str_cut(&rest, '\n', &line)) {
		/* Say the status once, though it is on every line. */
		text = line;
		if (!first && r->status.class != 0 && status_cut(&text, &s) &&
		    s.class == r->status.class &&
		    s.subject == r->status.subject &&
		    s.detail == r->status.detail)
			line = text;
		first = false;
		line = str_trim(line);
		if (line.n == 0)
			continue;
		buf_putc(b, ' ');
		put_clean(b, line);
	}
}
