/* SPDX-License-Identifier: ISC */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Numbers as bytes in memory, whatever the machine's own order and alignment:
 * little-endian on our disk and between our processes, big-endian on the wire
 * of DNS and in what drop writes.  The caller knows that the room is there.
 * The compiler makes one instruction of each.
 */
static inline void
bytes_put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void
bytes_put_le32(uint8_t *p, uint32_t v)
{
	bytes_put_le16(p, (uint16_t)v);
	bytes_put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void
bytes_put_le64(uint8_t *p, uint64_t v)
{
	bytes_put_le32(p, (uint32_t)v);
	bytes_put_le32(p + 4, (uint32_t)(v >> 32));
}

static inline uint16_t
bytes_get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
bytes_get_le32(const uint8_t *p)
{
	return bytes_get_le16(p) | (uint32_t)bytes_get_le16(p + 2) << 16;
}

static inline uint64_t
bytes_get_le64(const uint8_t *p)
{
	return bytes_get_le32(p) | (uint64_t)bytes_get_le32(p + 4) << 32;
}

static inline void
bytes_put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline uint16_t
bytes_get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
bytes_get_be32(const uint8_t *p)
{
	return (uint32_t)bytes_get_be16(p) << 16 | bytes_get_be16(p + 2);
}

#endif
