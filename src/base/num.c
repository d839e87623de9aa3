/* SPDX-License-Identifier: ISC */
/*
 * The only place where text becomes a number, and back.
 *
 * Every parser takes the whole text or nothing: no sign, no blanks, no
 * trailing bytes, and nothing above the caller's bound, which is checked
 * before each step, so that nothing can wrap.  A malformed text leaves the
 * result untouched.
 *
 * Base 32 is Crockford's alphabet in upper case only: names in the spool are
 * compared as bytes, so there is one spelling of each number.
 *
 * Callers are the configuration, the SMTP parameters and the spool.
 */
#include "base/num.h"

#include <string.h>

struct unit {
	char		letter;
	uint64_t	size;
};

static const struct unit sizes[] = {
	{ 'G', UINT64_C(1) << 30 },
	{ 'M', UINT64_C(1) << 20 },
	{ 'K', UINT64_C(1) << 10 },
};

static const struct unit times[] = {
	{ 'w', 7 * 86400 },
	{ 'd', 86400 },
	{ 'h', 3600 },
	{ 'm', 60 },
	{ 's', 1 },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const char	alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

bool
num_parse(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t	value = 0;
	unsigned	digit;
	size_t		i;

	for (i = 0; i < s.n; i++) {
		if (!str_is_digit(s.p[i]))
			return false;
		digit = (unsigned)(s.p[i] - '0');
		if (value > max / 10 || digit > max - value * 10)
			return false;
		value = value * 10 + digit;
	}
	if (s.n == 0)
		return false;
	*out = value;
	return true;
}

/* Digits that count units of a size. */
static bool
parse_units(struct str digits, uint64_t size, uint64_t max, uint64_t *out)
{
	uint64_t	count;

	if (!num_parse(digits, max / size, &count))
		return false;
	*out = count * size;
	return true;
}

bool
num_parse_size(struct str s, uint64_t max, uint64_t *out)
{
	size_t	i;
	char	last;

	if (s.n == 0)
		return false;
	last = str_lower_char(s.p[s.n - 1]);
	for (i = 0; i < COUNT(sizes); i++)
		if (last == str_lower_char(sizes[i].letter))
			return parse_units(str_slice(s, 0, s.n - 1),
			    sizes[i].size, max, out);
	return num_parse(s, max, out);
}

static size_t
count_digits(struct str s)
{
	size_t	n = 0;

	while (n < s.n && str_is_digit(s.p[n]))
		n++;
	return n;
}

bool
num_parse_duration(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t	part, sum = 0;
	size_t		n, i = 0;

	n = count_digits(s);
	if (n == s.n)
		return num_parse(s, max, out);
	while (s.n != 0) {
		n = count_digits(s);
		if (n == s.n)
			return false;
		while (i < COUNT(times) && times[i].letter != s.p[n])
			i++;
		if (i == COUNT(times) || !parse_units(str_slice(s, 0, n),
		    times[i].size, max - sum, &part))
			return false;
		sum += part;
		i++;
		s = str_from(s, n + 1);
	}
	*out = sum;
	return true;
}

static void
put_number(struct buf *b, uint64_t value)
{
	char	text[20], *p = text + sizeof(text);

	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	buf_put(b, p, (size_t)(text + sizeof(text) - p));
}

void
num_format_size(struct buf *b, uint64_t bytes)
{
	size_t	i;

	for (i = 0; i < COUNT(sizes) && bytes != 0; i++)
		if (bytes % sizes[i].size == 0) {
			put_number(b, bytes / sizes[i].size);
			buf_putc(b, sizes[i].letter);
			return;
		}
	put_number(b, bytes);
}

static void
put_single(struct buf *b, uint64_t seconds)
{
	size_t	i;

	for (i = 0; i < COUNT(times) && seconds != 0; i++)
		if (times[i].size != 1 && seconds % times[i].size == 0) {
			put_number(b, seconds / times[i].size);
			buf_putc(b, times[i].letter);
			return;
		}
	put_number(b, seconds);
}

static void
put_sum(struct buf *b, uint64_t seconds)
{
	size_t	i;

	for (i = 0; i < COUNT(times); i++)
		if (seconds >= times[i].size) {
			put_number(b, seconds / times[i].size);
			buf_putc(b, times[i].letter);
			seconds %= times[i].size;
		}
}

/* Both forms are written one behind the other; the shorter one stays. */
void
num_format_duration(struct buf *b, uint64_t seconds)
{
	size_t	start = b->n, middle, single, sum;

	put_single(b, seconds);
	middle = b->n;
	put_sum(b, seconds);
	single = middle - start;
	sum = b->n - middle;
	if (seconds == 0 || single <= sum) {
		buf_truncate(b, middle);
		return;
	}
	memmove(b->p + start, b->p + middle, sum);
	buf_truncate(b, start + sum);
}

void
num_base32(char *out, unsigned digits, uint64_t value)
{
	while (digits-- > 0) {
		out[digits] = alphabet[value & 31];
		value >>= 5;
	}
}

bool
num_parse_base32(struct str s, uint64_t *out)
{
	const char	*hit;
	uint64_t	 value = 0;
	size_t		 i;

	for (i = 0; i < s.n; i++) {
		hit = memchr(alphabet, s.p[i], sizeof(alphabet) - 1);
		if (hit == NULL || value >> 59 != 0)
			return false;
		value = value << 5 | (uint64_t)(hit - alphabet);
	}
	if (s.n == 0)
		return false;
	*out = value;
	return true;
}
