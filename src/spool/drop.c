/* SPDX-License-Identifier: ISC */
/*
 * The form of a message in spool/drop: written by sendmail(1), read by the
 * queue runner, which hands it to the same door as everybody's mail.  The
 * setgid writer between them knows nothing of it but its first line and its
 * size.  Records are counted, never searched for an end, so that nothing in a
 * message can pass for a record.
 */

#include "spool/drop.h"

#include <stdint.h>

#include "base/bytes.h"
#include "base/die.h"

void
drop_put_magic(struct buf *b)
{
	buf_putz(b, DROP_MAGIC);
}

void
drop_put(struct buf *b, enum drop_type type, struct str v)
{
	uint8_t length[4];

	must(v.n <= UINT32_MAX);
	bytes_put_be32(length, (uint32_t)v.n);
	buf_putc(b, (char)type);
	buf_put(b, length, sizeof(length));
	buf_puts(b, v);
}

static bool
cut_record(struct str *in, char *type, struct str *v)
{
	size_t n;

	if (in->n < 5)
		return false;
	*type = in->p[0];
	n = bytes_get_be32((const uint8_t *)in->p + 1);
	if (n > in->n - 5)
		return false;
	*v = str_slice(*in, 5, 5 + n);
	*in = str_from(*in, 5 + n);
	return true;
}

static int
malformed(struct fault *why, const char *what)
{
	return fault_permanent(why, 554, 6, 0, "dropped message: %s", what);
}

int
drop_parse(struct arena *a, struct str in, struct dropped *d,
    struct fault *why)
{
	bool has_content = false;
	struct str v;
	char type;

	*d = (struct dropped){ 0 };
	if (!str_starts(in, STR(DROP_MAGIC)))
		return malformed(why, "its first line is not ours");
	in = str_from(in, sizeof(DROP_MAGIC) - 1);
	while (in.n > 0) {
		if (has_content || !cut_record(&in, &type, &v))
			return malformed(why, "it is not whole");
		switch (type) {
		case DROP_SENDER:
			d->sender = v;
			break;
		case DROP_RECIPIENT:
			vec_push(a, &d->recipients, v);
			break;
		case DROP_BODY:
			d->body = v;
			break;
		case DROP_CONTENT:
			d->content = v;
			has_content = true;
			break;
		default:
			return malformed(why, "unknown record");
		}
	}
	if (!has_content || d->recipients.n == 0)
		return malformed(why, "it is not whole");
	return 0;
}
