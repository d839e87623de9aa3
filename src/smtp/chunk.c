/* SPDX-License-Identifier: ISC */
/*
 * The arguments of BDAT (RFC 3030 2): how many octets follow, and whether they
 * are the last ones.  The server calls it (intake/bdat).
 *
 * Two readers who take different numbers from one line disagree about what is
 * a command and what is content, so there is one way to write a number: 1 to
 * 20 decimal digits, as in SIZE (RFC 1870 6).  No sign, no other base, nothing
 * else on the line.  What 64 bits cannot hold is the largest that they can: a
 * chunk that nobody takes, but not one of another size.
 */
#include "smtp/chunk.h"

#include "base/num.h"

#define DIGITS_MAX	20

static bool
parse_size(struct str word, uint64_t *size)
{
	if (word.n == 0 || word.n > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < word.n; i++)
		if (!str_is_digit(word.p[i]))
			return false;
	if (!num_parse(word, UINT64_MAX, size))
		*size = UINT64_MAX;
	return true;
}

bool
chunk_parse(struct str args, struct chunk *c)
{
	struct str size, last;

	*c = (struct chunk){ 0 };
	if (!str_word(&args, &size) || !parse_size(size, &c->size))
		return false;
	if (!str_word(&args, &last))
		return true;
	c->last = str_caseeq(last, STR("LAST"));
	return c->last && str_trim(args).n == 0;
}
