/* SPDX-License-Identifier: ISC */
/*
 * Line ends, mended: for old programs that send a bare LF, and are let do so.
 *
 * It stands behind what finds the end of the content (smtp/dot, the count of a
 * chunk) and in front of all that keeps it.  So it cannot change where a message
 * ends, which stays CRLF.CRLF and nothing else; and what is measured, stored,
 * signed and sent on is what it made, in which no reader can see another end.
 *
 * A dot behind a bare LF is passed on as it is: only behind CRLF is one stuffed,
 * and who has stuffed it nevertheless has one more, which is better than one
 * less.  Whoever sends the message on stuffs it again.
 *
 * Called by intake/intake, where the configuration says so.
 */
#include "smtp/mend.h"

#include <string.h>

static int
flush(struct mender *m, struct fault *why)
{
	size_t n = m->n;

	m->n = 0;
	return n == 0 ? 0 : sink_write(m->next, str_span(m->room, n), why);
}

static int
put(struct mender *m, const char *p, size_t n, struct fault *why)
{
	if (n == 0)
		return 0;
	if (n > sizeof(m->room) - m->n && flush(m, why) < 0)
		return -1;
	if (n > sizeof(m->room))
		return sink_write(m->next, str_span(p, n), why);
	memcpy(m->room + m->n, p, n);
	m->n += n;
	return 0;
}

/* The CR that is held back: half of a line end, or a blank. */
static int
settle(struct mender *m, bool whole, struct fault *why)
{
	m->cr = false;
	m->line_start = whole;
	m->changed |= !whole;
	return whole ? put(m, "\r\n", 2, why) : put(m, " ", 1, why);
}

/* Text up to the next CR or LF, at once; looked at once, however many of them
 * there are. */
static int
pass_text(struct mender *m, struct str in, size_t *i, struct fault *why)
{
	size_t from = *i;

	while (*i < in.n && in.p[*i] != '\n' && in.p[*i] != '\r')
		++*i;
	if (*i > from)
		m->line_start = false;
	return put(m, in.p + from, *i - from, why);
}

/* One CR or LF. */
static int
pass_end(struct mender *m, char c, struct fault *why)
{
	if (c == '\r') {
		m->cr = true;
		return 0;
	}
	m->changed = true;
	m->line_start = true;
	return put(m, "\r\n", 2, why);
}

static int
write_all(struct sink *sink, struct str in, struct fault *why)
{
	struct mender *m = (struct mender *)sink;
	bool whole;

	for (size_t i = 0; i < in.n;) {
		if (m->cr) {
			whole = in.p[i] == '\n';
			i += whole;
			if (settle(m, whole, why) < 0)
				return -1;
			continue;
		}
		if (pass_text(m, in, &i, why) < 0 ||
		    (i < in.n && pass_end(m, in.p[i++], why) < 0))
			return -1;
	}
	return flush(m, why);
}

void
mend_init(struct mender *m, struct sink *next)
{
	m->sink.write = write_all;
	m->next = next;
	m->cr = m->changed = false;
	m->line_start = true;
	m->n = 0;
}

int
mend_finish(struct mender *m, struct fault *why)
{
	if (m->cr && settle(m, false, why) < 0)
		return -1;
	return flush(m, why);
}
