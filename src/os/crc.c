/* SPDX-License-Identifier: ISC */
/*
 * CRC-32C (Castagnoli; reflected polynomial 0x82f63b78), the checksum of
 * what the spool holds.
 *
 * Where the processor has the instruction (SSE 4.2), it takes eight bytes a
 * step.  Elsewhere eight tables do the same: the CRC is linear, so the eight
 * bytes of a word are looked up each in its own table and the results are
 * added.  Table k holds the CRC of a byte that k zero bytes follow.  By the
 * same linearity a table follows from the entries of the eight single bits,
 * and so the compiler makes it from those.
 *
 * Both ways give the same value on every machine; callers cannot tell which
 * one ran.  The caller is spool/format, over every byte of content.
 */
#include "os/crc.h"

#include <string.h>

#include "base/bytes.h"

/* An entry from those of the single bits: b0 stands for 1, b7 for 128. */
#define BIT(i, n, b)	(((i) >> (n) & 1) != 0 ? (b) : 0)
#define E1(i, b0, b1, b2, b3, b4, b5, b6, b7)				\
	BIT(i, 0, b0) ^ BIT(i, 1, b1) ^ BIT(i, 2, b2) ^ BIT(i, 3, b3) ^	\
	BIT(i, 4, b4) ^ BIT(i, 5, b5) ^ BIT(i, 6, b6) ^ BIT(i, 7, b7)
#define E4(i, ...)							\
	E1(i, __VA_ARGS__), E1(i + 1, __VA_ARGS__),			\
	E1(i + 2, __VA_ARGS__), E1(i + 3, __VA_ARGS__)
#define E16(i, ...)							\
	E4(i, __VA_ARGS__), E4(i + 4, __VA_ARGS__),			\
	E4(i + 8, __VA_ARGS__), E4(i + 12, __VA_ARGS__)
#define E64(i, ...)							\
	E16(i, __VA_ARGS__), E16(i + 16, __VA_ARGS__),			\
	E16(i + 32, __VA_ARGS__), E16(i + 48, __VA_ARGS__)
#define TABLE(...)							\
	{ E64(0, __VA_ARGS__), E64(64, __VA_ARGS__),			\
	E64(128, __VA_ARGS__), E64(192, __VA_ARGS__) }

static const uint32_t	tables[8][256] = {
	TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf,
	    0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78),
	TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8,
	    0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9),
	TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5,
	    0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743),
	TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6,
	    0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f),
	TABLE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91,
	    0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c),
	TABLE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f,
	    0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6),
	TABLE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53,
	    0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4),
	TABLE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da,
	    0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664),
};

uint32_t
crc32c_by_table(uint32_t crc, const void *bytes, size_t n)
{
	const uint8_t	*p = bytes;
	uint32_t	 low, high;

	crc = ~crc;
	for (; n >= 8; n -= 8, p += 8) {
		low = bytes_get_le32(p) ^ crc;
		high = bytes_get_le32(p + 4);
		crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^
		    tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^
		    tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^
		    tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
	}
	for (; n > 0; n--, p++)
		crc = crc >> 8 ^ tables[0][(crc ^ *p) & 255];
	return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2")))
static uint32_t
by_instruction(uint32_t crc, const void *bytes, size_t n)
{
	const uint8_t	*p = bytes;
	uint64_t	 word, wide = (uint32_t)~crc;

	for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	for (; n > 0; n--, p++)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return ~crc;
}

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
	if (__builtin_cpu_supports("sse4.2"))
		return by_instruction(crc, p, n);
	return crc32c_by_table(crc, p, n);
}

#else

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
	return crc32c_by_table(crc, p, n);
}

#endif
