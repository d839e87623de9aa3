/* SPDX-License-Identifier: ISC */
/*
 * Base 64, as SASL speaks it (RFC 4954 4) and as salts and keys are kept.
 *
 * Decoding is strict: every text stands for one run of bytes and every run of
 * bytes has one text.  RFC 4954 forbids to skip what is not of the alphabet,
 * and a reader that takes two spellings for the same secret is of no use to
 * anybody.  There are no line ends and no other alphabets here.
 */
#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_put(struct buf *b, struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		const unsigned char *p = (const unsigned char *)bytes.p + i;
		uint32_t v = (uint32_t)p[0] << 16;

		if (left > 1)
			v |= (uint32_t)p[1] << 8;
		if (left > 2)
			v |= p[2];
		buf_putc(b, alphabet[v >> 18]);
		buf_putc(b, alphabet[v >> 12 & 63]);
		buf_putc(b, left > 1 ? alphabet[v >> 6 & 63] : '=');
		buf_putc(b, left > 2 ? alphabet[v & 63] : '=');
	}
}

/* 0 to 63, or -1. */
static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool
decode_four(const char *p, bool last, struct buf *out)
{
	unsigned pad = 0;
	uint32_t v = 0;

	if (last && p[3] == '=')
		pad = p[2] == '=' ? 2 : 1;
	for (unsigned i = 0; i < 4; i++) {
		int digit = i >= 4 - pad ? 0 : value_of(p[i]);

		if (digit < 0)
			return false;
		v = v << 6 | (uint32_t)digit;
	}
	if ((v & ((1U << (8 * pad)) - 1)) != 0)
		return false;
	for (unsigned i = 0; i < 3 - pad; i++)
		buf_putc(out, (char)(v >> (16 - 8 * i)));
	return true;
}

bool
base64_decode(struct str text, struct buf *out)
{
	size_t before = out->n;

	if (text.n % 4 != 0)
		return false;
	for (size_t i = 0; i < text.n; i += 4)
		if (!decode_four(text.p + i, i + 4 == text.n, out)) {
			buf_truncate(out, before);
			return false;
		}
	return true;
}
