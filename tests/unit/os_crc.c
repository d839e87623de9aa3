/* SPDX-License-Identifier: ISC */
/*
 * os/crc: the check values of RFC 3720 B.4, and both ways to compute the
 * same against a bit-by-bit one, in all lengths, alignments and splits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "os/crc.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

typedef uint32_t crc_function(uint32_t, const void *, size_t);

static crc_function *const	ways[] = { crc32c, crc32c_by_table };

static uint32_t
bit_by_bit(const unsigned char *p, size_t n)
{
	uint32_t	crc = UINT32_MAX;
	size_t		i;
	int		bit;

	for (i = 0; i < n; i++) {
		crc ^= p[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void
known_values(void **state)
{
	unsigned char	up[32], down[32], zero[32] = { 0 }, ones[32];
	size_t		i;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (i = 0; i < 32; i++) {
		up[i] = (unsigned char)i;
		down[i] = (unsigned char)(31 - i);
	}
	for (i = 0; i < COUNT(ways); i++) {
		assert_int_equal(ways[i](0, NULL, 0), 0);
		assert_int_equal(ways[i](0, "123456789", 9), 0xe3069283);
		assert_int_equal(ways[i](0, zero, 32), 0x8a9136aa);
		assert_int_equal(ways[i](0, ones, 32), 0x62a8ab43);
		assert_int_equal(ways[i](0, up, 32), 0x46dd794e);
		assert_int_equal(ways[i](0, down, 32), 0x113fdb5c);
	}
}

static void
all_lengths_and_splits(void **state)
{
	unsigned char	p[96];
	uint32_t	want, x = 1;
	size_t		i, way, from, n, cut;

	(void)state;
	for (i = 0; i < sizeof(p); i++) {
		x = x * 1103515245 + 12345;
		p[i] = (unsigned char)(x >> 16);
	}
	for (way = 0; way < COUNT(ways); way++)
		for (from = 0; from < 9; from++)
			for (n = 0; n < 80; n++) {
				want = bit_by_bit(p + from, n);
				for (cut = 0; cut <= n; cut++)
					assert_int_equal(ways[way](ways[way](0,
					    p + from, cut), p + from + cut,
					    n - cut), want);
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(all_lengths_and_splits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
