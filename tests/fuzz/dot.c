/* SPDX-License-Identifier: ISC */
/*
 * The content of DATA under libFuzzer.  The first two bytes choose where the
 * rest is split; the decoder must give what a slow search for CRLF.CRLF gives,
 * and what it accepted must come back from the encoder unchanged.  What mends line
 * ends must leave none that is not CRLF, wherever its input was split, and good
 * ones as they are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "smtp/dot.h"
#include "smtp/mend.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct recorder {
	struct sink	sink;
	struct buf	got;
};

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static int
record(struct sink *sink, struct str s, struct fault *why)
{
	struct recorder *r = (struct recorder *)(void *)sink;

	(void)why;
	require(s.n > 0);
	buf_puts(&r->got, s);
	return 0;
}

/* Splits at the given places; returns how much was taken in all. */
static size_t
decode(struct dot_decoder *d, struct str in, size_t a, size_t b,
    struct recorder *r)
{
	size_t at[4] = { 0, a < b ? a : b, a < b ? b : a, in.n };
	struct fault why;
	size_t i, used, taken = 0;

	dot_decoder_init(d);
	buf_reset(&r->got);
	for (i = 0; i < 3 && !d->done; i++) {
		require(dot_decode(d, str_slice(in, at[i], at[i + 1]), &used,
		    &r->sink, &why) == 0);
		taken += used;
	}
	return taken;
}

/* Where the content ends, by search. */
static size_t
search_end(struct str in, bool *found)
{
	size_t at;

	*found = true;
	if (str_starts(in, STR(".\r\n")))
		return 3;
	at = str_search(in, STR("\r\n.\r\n"));
	*found = at < in.n;
	return *found ? at + 5 : in.n;
}

static void
round_trip(struct dot_decoder *d, struct str content, size_t a,
    struct recorder *r)
{
	struct dot_encoder e;
	struct dot_look look;
	struct buf wire, copy;
	bool needed;

	buf_init(&wire);
	buf_init(&copy);
	buf_puts(&copy, content);
	content = buf_str(&copy);
	if (a > content.n)
		a = content.n;
	dot_look_init(&look);
	dot_look(&look, str_slice(content, 0, a));
	dot_look(&look, str_from(content, a));
	require(!look.bare && !look.cr);
	needed = look.dots;
	dot_encoder_init(&e);
	dot_encode(&e, str_slice(content, 0, a), &wire);
	dot_encode(&e, str_from(content, a), &wire);
	require(needed == (wire.n != content.n));
	dot_encode_end(&e, &wire);
	require(decode(d, buf_str(&wire), 0, 0, r) == wire.n);
	require(d->done && !d->bare);
	require(str_eq(buf_str(&r->got), content));
	buf_free(&wire);
	buf_free(&copy);
}

static bool
mend(struct str in, size_t a, size_t b, struct recorder *r)
{
	size_t at[4] = { 0, a < b ? a : b, a < b ? b : a, in.n };
	struct mender m;
	struct fault why;

	buf_reset(&r->got);
	mend_init(&m, &r->sink);
	for (size_t i = 0; i < 3; i++)
		if (at[i] < at[i + 1])
			require(m.sink.write(&m.sink,
			    str_slice(in, at[i], at[i + 1]), &why) == 0);
	require(mend_finish(&m, &why) == 0);
	return m.changed;
}

static void
check_mender(struct str in, size_t a, size_t b, struct recorder *r)
{
	struct dot_look before, after;
	struct buf first = { 0 };
	bool changed = mend(in, 0, 0, r);

	buf_puts(&first, buf_str(&r->got));
	require(mend(in, a, b, r) == changed);
	require(str_eq(buf_str(&first), buf_str(&r->got)));
	dot_look_init(&before);
	dot_look(&before, in);
	dot_look_init(&after);
	dot_look(&after, buf_str(&first));
	require(!after.bare && !after.cr);
	require(changed == (before.bare || before.cr));
	require(changed || str_eq(buf_str(&first), in));
	buf_free(&first);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recorder r = { .sink = { record } };
	struct dot_decoder whole, split;
	struct buf first;
	struct str in;
	size_t a, b, end;
	bool found;

	if (size < 2)
		return 0;
	in = str_span(data + 2, size - 2);
	a = in.n > 0 ? data[0] % (in.n + 1) : 0;
	b = in.n > 0 ? data[1] % (in.n + 1) : 0;
	buf_init(&r.got);
	buf_init(&first);
	end = search_end(in, &found);
	require(decode(&whole, in, 0, 0, &r) == end);
	require(whole.done == found);
	buf_puts(&first, buf_str(&r.got));
	require(decode(&split, in, a, b, &r) == end);
	require(str_eq(buf_str(&first), buf_str(&r.got)));
	require(split.done == whole.done && split.bare == whole.bare &&
	    split.nul == whole.nul && split.eight_bit == whole.eight_bit &&
	    split.longest == whole.longest && split.line == whole.line &&
	    split.state == whole.state);
	if (whole.done && !whole.bare)
		round_trip(&split, buf_str(&first), a, &r);
	check_mender(in, a, b, &r);
	buf_free(&first);
	buf_free(&r.got);
	return 0;
}
