/* SPDX-License-Identifier: ISC */
/*
 * spool/drop fed with any bytes, with and without the first line in front of
 * them.  What is accepted has recipients and content, all of it within what
 * went in, and is found again when it is written anew.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "spool/drop.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_inside(struct str in, struct str s)
{
	must(s.n == 0 || (s.p >= in.p && s.n <= in.n &&
	    (size_t)(s.p - in.p) <= in.n - s.n));
}

static void
write_again(struct buf *b, const struct dropped *d)
{
	drop_put_magic(b);
	drop_put(b, DROP_SENDER, d->sender);
	for (size_t i = 0; i < d->recipients.n; i++)
		drop_put(b, DROP_RECIPIENT, d->recipients.p[i]);
	drop_put(b, DROP_BODY, d->body);
	drop_put(b, DROP_CONTENT, d->content);
}

static void
check(struct arena *a, struct str in)
{
	struct dropped d, again;
	struct buf b = { 0 };
	struct fault why;

	if (drop_parse(a, in, &d, &why) < 0)
		return;
	must(d.recipients.n > 0);
	must(d.recipients.n * 5 <= in.n);
	check_inside(in, d.sender);
	check_inside(in, d.body);
	check_inside(in, d.content);
	for (size_t i = 0; i < d.recipients.n; i++)
		check_inside(in, d.recipients.p[i]);
	write_again(&b, &d);
	must(drop_parse(a, buf_str(&b), &again, &why) == 0);
	must(str_eq(d.sender, again.sender));
	must(str_eq(d.content, again.content));
	must(d.recipients.n == again.recipients.n);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const size_t line = sizeof(DROP_MAGIC) - 1;
	struct arena a = { 0 };
	char *copy = malloc(line + n);	/* one byte too far is seen */

	must(copy != NULL);
	memcpy(copy, DROP_MAGIC, line);
	memcpy(copy + line, p, n);
	check(&a, str_span(copy, line + n));
	check(&a, str_span(copy + line, n));
	free(copy);
	arena_free(&a);
	return 0;
}
