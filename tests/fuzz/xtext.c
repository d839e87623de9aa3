/* SPDX-License-Identifier: ISC */
/*
 * xtext and unitext under libFuzzer: what can be decoded gives the same again
 * when it is encoded and decoded once more, and whatever bytes there are can be
 * encoded.  Every reader gets a copy with a border, so that one byte too far is
 * seen.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "smtp/xtext.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static void
try_xtext(struct arena *a, struct str in)
{
	struct buf b = { 0 };
	struct str once, twice;

	xtext_put(&b, in);
	require(utf8_is_ascii(buf_str(&b)));
	require(xtext_decode(a, buf_str(&b), &once) && str_eq(once, in));
	if (xtext_decode(a, in, &once)) {
		buf_reset(&b);
		xtext_put(&b, once);
		require(xtext_decode(a, buf_str(&b), &twice));
		require(str_eq(once, twice));
	}
	buf_free(&b);
}

static void
try_unitext(struct arena *a, struct str in)
{
	struct buf b = { 0 };
	struct str once, twice;

	unitext_put(&b, in);
	require(utf8_is_ascii(buf_str(&b)));
	require(unitext_decode(a, buf_str(&b), &once));
	require(!utf8_is_valid(in) || str_eq(once, in));
	if (unitext_decode(a, in, &once)) {
		require(utf8_is_valid(once));
		buf_reset(&b);
		unitext_put(&b, once);
		require(unitext_decode(a, buf_str(&b), &twice));
		require(str_eq(once, twice));
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	char *copy = malloc(size + 1);

	if (size > 0)
		memcpy(copy, data, size);
	try_xtext(&a, str_span(copy, size));
	try_unitext(&a, str_span(copy, size));
	free(copy);
	arena_free(&a);
	return 0;
}
