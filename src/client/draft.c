/* SPDX-License-Identifier: ISC */
/*
 * Reading a message from a program.
 *
 * Local programs write lines as this system has them; mail has CRLF.  A LF
 * and a CRLF both end a line here.  Any other CR is no line end, and may not
 * go on the wire (RFC 5321 2.3.8): progress bars leave them in the output of
 * cron jobs.  It becomes a space, as Postfix does it since 3.9, so that the
 * words around it stay apart.  A line that is a single dot ends the message
 * unless the caller said -i; that is seen at once, so that a message can be
 * typed at a terminal.
 *
 * Always true: the text holds whole lines, and what has come of the current
 * one from "line" on; a CR that may be half of a line end is not in it but
 * noted in "cr".  The header is not looked at (client/heading).
 */
#include "client/draft.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define CHUNK	65536

void
draft_init(struct draft *d, bool dot_ends)
{
	*d = (struct draft){ .dot_ends = dot_ends };
	buf_init(&d->text);
}

void
draft_free(struct draft *d)
{
	buf_free(&d->text);
}

static void
end_line(struct draft *d)
{
	struct str line = str_from(buf_str(&d->text), d->line);

	d->cr = false;
	if (d->dot_ends && str_eq(line, STR("."))) {
		buf_truncate(&d->text, d->line);
		d->done = true;
		return;
	}
	buf_puts(&d->text, STR("\r\n"));
	d->line = d->text.n;
}

/* A piece of a line, without LF. */
static void
add(struct draft *d, struct str s)
{
	size_t from = d->text.n;
	char *cr;

	if (s.n == 0)
		return;
	if (d->cr)
		buf_putc(&d->text, ' ');
	d->cr = s.p[s.n - 1] == '\r';
	s.n -= d->cr;
	buf_puts(&d->text, s);
	while ((cr = from == d->text.n ? NULL : memchr(d->text.p + from, '\r',
	    d->text.n - from)) != NULL)
		*cr = ' ';
}

void
draft_feed(struct draft *d, struct str in)
{
	size_t lf;

	while (in.n > 0 && !d->done) {
		lf = str_find(in, '\n');
		add(d, str_slice(in, 0, lf));
		if (lf == in.n)
			return;
		end_line(d);
		in = str_from(in, lf + 1);
	}
}

void
draft_finish(struct draft *d)
{
	if (!d->done && (d->text.n > d->line || d->cr))
		end_line(d);
}

int
draft_read(struct draft *d, int fd, size_t max, struct fault *why)
{
	struct buf in;
	ssize_t n = 1;
	int result = 0;

	buf_init(&in);
	while (result == 0 && n != 0 && !d->done) {
		n = read(fd, buf_room(&in, CHUNK), CHUNK);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			result = fault_system(why, errno,
			    "read standard input");
			break;
		}
		draft_feed(d, str_span(in.p, (size_t)n));
		if (d->text.n > max)
			result = fault_permanent(why, 552, 3, 4,
			    "message too large");
	}
	draft_finish(d);
	buf_free(&in);
	return result;
}

bool
draft_is_eight_bit(struct str s)
{
	uint64_t word, any = 0;
	size_t i;

	for (i = 0; i + sizeof(word) <= s.n; i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		any |= word;
	}
	for (; i < s.n; i++)
		any |= (unsigned char)s.p[i];
	return (any & UINT64_C(0x8080808080808080)) != 0;
}
