/* SPDX-License-Identifier: ISC */
/*
 * A message's header under libFuzzer.  The first byte chooses a split: the
 * collector must keep the same in any, and the reader must find in the block
 * the fields that the collector counted, without losing a byte.
 */
#include <stdint.h>
#include <stdlib.h>

#include "mail/header.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static void
collect(struct header_collector *h, struct str in, size_t k)
{
	struct fault why;

	header_collector_init(h);
	require(sink_write(&h->sink, str_slice(in, 0, k), &why) == 0);
	require(sink_write(&h->sink, str_from(in, k), &why) == 0);
	header_collector_finish(h);
}

static void
check_field(const struct header_field *f)
{
	struct buf b;
	size_t i;

	require(f->name.n > 0);
	for (i = 0; i < f->name.n; i++)
		require(f->name.p[i] > 32 && f->name.p[i] < 127 &&
		    f->name.p[i] != ':');
	require(f->value.p >= f->name.p + f->name.n + 1);
	require(f->value.p + f->value.n <= f->raw.p + f->raw.n);
	buf_init(&b);
	header_unfold(&b, f->value);
	require(b.n <= f->value.n);
	require(str_find(buf_str(&b), '\n') == b.n);
	buf_free(&b);
}

static void
check_block(const struct header_collector *h, struct str in)
{
	struct header_field f;
	struct str rest = buf_str(&h->block), raw;
	unsigned fields = 0, received = 0;

	require(str_starts(in, rest));
	for (;;) {
		raw = rest;
		if (!header_next(&rest, &f))
			break;
		require(f.raw.p == raw.p && f.raw.n + rest.n == raw.n);
		check_field(&f);
		fields++;
		received += str_caseeq(f.name, STR("Received"));
	}
	require(str_eq(rest, raw));
	require(fields == h->fields && received == h->received);
	require(rest.n == 0 || str_eq(rest, STR("\n")) ||
	    str_eq(rest, STR("\r\n")));
	require(rest.n == 0 || h->complete);
	require(h->complete || h->too_big || h->block.n == in.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct header_collector whole, split;
	struct str in;

	if (size < 2)
		return 0;
	in = str_span(data + 1, size - 1);
	collect(&whole, in, 0);
	collect(&split, in, data[0] % (in.n + 1));
	require(str_eq(buf_str(&whole.block), buf_str(&split.block)));
	require(whole.complete == split.complete &&
	    whole.fields == split.fields &&
	    whole.received == split.received &&
	    whole.too_big == split.too_big);
	check_block(&whole, in);
	header_collector_free(&whole);
	header_collector_free(&split);
	return 0;
}
