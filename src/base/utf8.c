/* SPDX-License-Identifier: ISC */
/*
 * UTF-8 as of RFC 3629 4: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 *
 * This says what is valid; it repairs nothing and normalises nothing.  The
 * second byte alone decides about overlong forms, surrogates and the upper
 * end, so its bounds follow from the first byte and every later byte is a
 * plain 80..BF.  Long runs of ASCII, which is nearly all of mail, are passed
 * eight bytes at a time.
 *
 * Callers are the validators of addresses and headers, and base/fault.
 */
#include "base/utf8.h"

#include <string.h>

/* How many bytes at the front are ASCII for sure: a multiple of eight. */
static size_t
skip_ascii(const char *p, size_t n)
{
	size_t		i;
	uint64_t	w;

	for (i = 0; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		if ((w & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	return i;
}

/* The length that the first byte promises and the bounds of the second. */
static unsigned
promise(uint8_t first, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (first < 0xc2)
		return 0;
	if (first < 0xe0)
		return 2;
	if (first < 0xf0) {
		if (first == 0xe0)
			*low = 0xa0;
		else if (first == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (first > 0xf4)
		return 0;
	if (first == 0xf0)
		*low = 0x90;
	else if (first == 0xf4)
		*high = 0x8f;
	return 4;
}

unsigned
utf8_char(struct str s, uint32_t *cp)
{
	const uint8_t	*b = (const uint8_t *)s.p;
	uint8_t		 low, high;
	uint32_t	 value;
	unsigned	 i, n;

	if (s.n == 0)
		return 0;
	if (b[0] < 0x80) {
		if (cp != NULL)
			*cp = b[0];
		return 1;
	}
	n = promise(b[0], &low, &high);
	if (n == 0 || s.n < n || b[1] < low || b[1] > high)
		return 0;
	value = b[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (b[i] & 0x3f);
	}
	if (cp != NULL)
		*cp = value;
	return n;
}

bool
utf8_is_valid(struct str s)
{
	size_t		i = 0;
	unsigned	n;

	while (i < s.n) {
		if ((s.p[i] & 0x80) == 0) {
			i += skip_ascii(s.p + i, s.n - i);
			if (i == s.n)
				break;
		}
		n = utf8_char(str_from(s, i), NULL);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

bool
utf8_is_ascii(struct str s)
{
	size_t	i = skip_ascii(s.p, s.n);

	for (; i < s.n; i++)
		if ((s.p[i] & 0x80) != 0)
			return false;
	return true;
}
