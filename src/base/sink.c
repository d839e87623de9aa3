/* SPDX-License-Identifier: ISC */
/*
 * Where bytes go, and a row of such places.
 *
 * A sink sees its bytes in any split and must not care where they are cut.
 * A row hands the same bytes to each of its members in order, without a
 * copy; the first failure ends the call, the members behind it do not see
 * these bytes, and the whole row is not written to again.
 *
 * Callers are the intake of a message and whoever copies content: a size
 * limit, hashers and the spool writer stand in one row.  Members belong to
 * the caller; a row owns nothing.  A sink is never called without bytes.
 */
#include "base/sink.h"

#include "base/die.h"

int
sink_write(struct sink *s, struct str bytes, struct fault *why)
{
	if (bytes.n == 0)
		return 0;
	return s->write(s, bytes, why);
}

static int
write_row(struct sink *s, struct str bytes, struct fault *why)
{
	struct sink_row	*row = (struct sink_row *)(void *)s;
	unsigned	 i;

	for (i = 0; i < row->n; i++)
		if (row->member[i]->write(row->member[i], bytes, why) == -1)
			return -1;
	return 0;
}

void
sink_row_init(struct sink_row *row)
{
	*row = (struct sink_row){ .sink = { .write = write_row } };
}

void
sink_row_add(struct sink_row *row, struct sink *member)
{
	must(row->n < SINK_ROW_MAX);
	row->member[row->n++] = member;
}
