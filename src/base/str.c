/* SPDX-License-Identifier: ISC */
/*
 * Views of bytes that somebody else owns.
 *
 * Everything here is pure and free of the locale: letters are the ASCII
 * letters, blanks are space and tab.  A view may hold any byte, NUL too, and
 * an empty view may have no address at all; so nothing here hands a possible
 * NULL to the functions of <string.h>, which forbid it even for no bytes.
 *
 * What comes from outside stays a struct str until a validator has made an
 * address, a domain or a text of it.  Everybody is a caller.
 */
#include "base/str.h"

#include <limits.h>
#include <string.h>

/* Longer words are not compared by str_distance(). */
#define DISTANCE_MAX	64

struct str
str_of(const char *z)
{
	return z != NULL ? str_span(z, strlen(z)) : STR_NONE;
}

struct str
str_span(const void *p, size_t n)
{
	return (struct str){ p, n };
}

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_caseeq(struct str a, struct str b)
{
	size_t	i;

	if (a.n != b.n)
		return false;
	for (i = 0; i < a.n; i++)
		if (a.p[i] != b.p[i] &&
		    str_lower_char(a.p[i]) != str_lower_char(b.p[i]))
			return false;
	return true;
}

int
str_cmp(struct str a, struct str b)
{
	size_t	n = a.n < b.n ? a.n : b.n;
	int	d = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (d != 0)
		return d;
	return (a.n > b.n) - (a.n < b.n);
}

bool
str_starts(struct str s, struct str head)
{
	return s.n >= head.n && str_eq(str_slice(s, 0, head.n), head);
}

bool
str_casestarts(struct str s, struct str head)
{
	return s.n >= head.n && str_caseeq(str_slice(s, 0, head.n), head);
}

bool
str_ends(struct str s, struct str tail)
{
	return s.n >= tail.n && str_eq(str_from(s, s.n - tail.n), tail);
}

bool
str_caseends(struct str s, struct str tail)
{
	return s.n >= tail.n && str_caseeq(str_from(s, s.n - tail.n), tail);
}

size_t
str_find(struct str s, char c)
{
	const char	*hit;

	if (s.n == 0)
		return 0;
	hit = memchr(s.p, c, s.n);
	return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

size_t
str_rfind(struct str s, char c)
{
	const char	*hit;

	if (s.n == 0)
		return 0;
	hit = memrchr(s.p, c, s.n);
	return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

size_t
str_search(struct str s, struct str needle)
{
	const char	*hit;

	if (needle.n == 0 || s.n < needle.n)
		return needle.n == 0 ? 0 : s.n;
	hit = memmem(s.p, s.n, needle.p, needle.n);
	return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

struct str
str_slice(struct str s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	if (from != 0)
		s.p += from;
	s.n = to - from;
	return s;
}

struct str
str_from(struct str s, size_t from)
{
	return str_slice(s, from, s.n);
}

struct str
str_trim(struct str s)
{
	size_t	from = 0;

	while (from < s.n && str_is_blank(s.p[from]))
		from++;
	while (s.n > from && str_is_blank(s.p[s.n - 1]))
		s.n--;
	return str_from(s, from);
}

bool
str_cut(struct str *rest, char sep, struct str *piece)
{
	size_t	n;

	if (rest->n == 0)
		return false;
	n = str_find(*rest, sep);
	*piece = str_slice(*rest, 0, n);
	*rest = str_from(*rest, n + 1);
	return true;
}

bool
str_word(struct str *rest, struct str *word)
{
	size_t	from = 0, to;

	while (from < rest->n && str_is_blank(rest->p[from]))
		from++;
	for (to = from; to < rest->n && !str_is_blank(rest->p[to]); )
		to++;
	*word = str_slice(*rest, from, to);
	*rest = str_from(*rest, to);
	return word->n != 0;
}

bool
str_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
str_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
str_is_alnum(char c)
{
	return str_is_alpha(c) || str_is_digit(c);
}

bool
str_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
str_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

char
str_lower_char(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

void
str_lower(char *p, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		p[i] = str_lower_char(p[i]);
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * The usual matrix, of which three rows are kept: row i holds the distances
 * of the first i bytes of a from every head of b.
 */
unsigned
str_distance(struct str a, struct str b)
{
	unsigned	 rows[3][DISTANCE_MAX + 1];
	unsigned	*row, *above, *above2, same;
	size_t		 i, j;

	if (a.n > DISTANCE_MAX || b.n > DISTANCE_MAX)
		return str_eq(a, b) ? 0 : UINT_MAX;	/* not worth it */
	for (j = 0; j <= b.n; j++)
		rows[0][j] = (unsigned)j;
	for (i = 1; i <= a.n; i++) {
		row = rows[i % 3];
		above = rows[(i - 1) % 3];
		above2 = rows[(i + 1) % 3];	/* i - 2 */
		row[0] = (unsigned)i;
		for (j = 1; j <= b.n; j++) {
			same = a.p[i - 1] == b.p[j - 1] ? 0 : 1;
			row[j] = least(above[j - 1] + same,
			    least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1])
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return rows[a.n % 3][b.n];
}
