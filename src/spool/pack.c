/* SPDX-License-Identifier: ISC */
/*
 * Names of entries in twelve bytes.  Pure.
 *
 *	time 50 bits │ chance 40 bits │ -bN 3 bits │ -bN 3 bits
 *
 * The most significant byte comes first, so that packed names have the order of
 * the names.  What is unpacked has passed through a disk: bytes that no name
 * gives are refused, so that a name has one packed form and no other.
 *
 * Used by the queue for what waits, in memory and in its index.
 */

#include "spool/pack.h"

#include <string.h>

#include "base/bytes.h"
#include "base/num.h"
#include "base/text.h"

enum {
	TIME_DIGITS = 10,
	CHANCE_DIGITS = SPOOL_ID_LEN - TIME_DIGITS,
	CHANCE_LOW_BITS = 26,		/* of it, in the last four bytes */
	NUMBER_BITS = 3,
	NUMBER_MAX = (1 << NUMBER_BITS) - 1,
	SHARD_AT = 2 * NUMBER_BITS,
};

/* "-bN" in front of *tail, which is a valid name's; 0: none. */
static bool
take_number(struct str *tail, uint64_t *n)
{
	struct str digits;
	size_t end = 2;

	*n = 0;
	if (tail->n == 0)
		return true;
	while (end < tail->n && str_is_digit(tail->p[end]))
		end++;
	digits = str_slice(*tail, 2, end);
	*tail = str_from(*tail, end);
	return num_parse(digits, NUMBER_MAX, n);
}

bool
pack_name(const char *name, uint8_t out[PACK_SIZE])
{
	struct str s = str_of(name), tail;
	uint64_t when, chance, first, second, high;

	if (!spool_name_is_valid(s))
		return false;
	tail = str_from(s, SPOOL_ID_LEN);
	if (!num_parse_base32(str_slice(s, 0, TIME_DIGITS), &when) ||
	    !num_parse_base32(str_slice(s, TIME_DIGITS, SPOOL_ID_LEN),
	    &chance) || !take_number(&tail, &first) ||
	    !take_number(&tail, &second))
		return false;
	high = when << (5 * CHANCE_DIGITS - CHANCE_LOW_BITS) |
	    chance >> CHANCE_LOW_BITS;
	bytes_put_be32(out, (uint32_t)(high >> 32));
	bytes_put_be32(out + 4, (uint32_t)high);
	bytes_put_be32(out + 8, (uint32_t)(chance << SHARD_AT |
	    first << NUMBER_BITS | second));
	return true;
}

bool
pack_open(const uint8_t in[PACK_SIZE], char name[SPOOL_NAME_MAX])
{
	uint64_t high = (uint64_t)bytes_get_be32(in) << 32 |
	    bytes_get_be32(in + 4);
	uint32_t low = bytes_get_be32(in + 8);
	uint64_t chance = high << CHANCE_LOW_BITS | low >> SHARD_AT;
	unsigned first = low >> NUMBER_BITS & NUMBER_MAX;
	unsigned second = low & NUMBER_MAX;

	if (first == 0 && second != 0)
		return false;
	num_base32(name, TIME_DIGITS,
	    high >> (5 * CHANCE_DIGITS - CHANCE_LOW_BITS));
	num_base32(name + TIME_DIGITS, CHANCE_DIGITS, chance);
	name += SPOOL_ID_LEN;
	*name = '\0';
	if (first != 0)
		name += text_print(name, 4, "-b%u", first);
	if (second != 0)
		text_print(name, 4, "-b%u", second);
	return true;
}

unsigned
pack_shard(const uint8_t in[PACK_SIZE])
{
	return bytes_get_be32(in + 8) >> SHARD_AT & (SPOOL_SHARDS - 1);
}
