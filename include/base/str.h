/* SPDX-License-Identifier: ISC */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A view of bytes that somebody else owns.  Not NUL-terminated, may hold any
 * byte.  The empty view may have p == NULL.  All functions here are pure.
 */
struct str {
	const char	*p;
	size_t		 n;
};

#define STR(lit)	((struct str){ (lit), sizeof(lit) - 1 })
#define STR_NONE	((struct str){ NULL, 0 })
/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s)	(int)(s).n, (s).n == 0 ? "" : (s).p

struct str str_of(const char *z);		/* z may be NULL: empty */
struct str str_span(const void *p, size_t n);

bool	str_eq(struct str, struct str);
bool	str_caseeq(struct str, struct str);	/* ASCII only */
int	str_cmp(struct str, struct str);	/* as memcmp, shorter first */
bool	str_starts(struct str, struct str head);
bool	str_casestarts(struct str, struct str head);
bool	str_ends(struct str, struct str tail);
bool	str_caseends(struct str, struct str tail);

/* Index of the first (last) c, or s.n when there is none. */
size_t	str_find(struct str s, char c);
size_t	str_rfind(struct str s, char c);
/* Index of the first occurrence of needle, or s.n. */
size_t	str_search(struct str s, struct str needle);
/* The bytes [from, to); both are clipped to the view. */
struct str str_slice(struct str, size_t from, size_t to);
struct str str_from(struct str, size_t from);
/* Without blanks (space, tab) at both ends. */
struct str str_trim(struct str);
/*
 * Cuts the next piece off the front of *rest, up to sep (which is dropped).
 * Returns false when *rest was at its end.  "a,b" gives "a", "b"; "" gives
 * nothing; "a," gives "a", then nothing.
 */
bool	str_cut(struct str *rest, char sep, struct str *piece);
/* The next run of bytes other than blanks (space, tab); false at the end. */
bool	str_word(struct str *rest, struct str *word);

/* Locale-free character classes, for unsigned and signed char alike. */
bool	str_is_alpha(char);
bool	str_is_digit(char);
bool	str_is_alnum(char);
bool	str_is_blank(char);			/* space or tab */
bool	str_is_control(char);			/* < 0x20 or 0x7f */
char	str_lower_char(char);
/* Lower-cases ASCII in place. */
void	str_lower(char *p, size_t n);
/* How many single-byte edits (insert, delete, replace, swap) lie between
 * two words; used to suggest the nearest known word.  UINT_MAX for different
 * words of which one is longer than 64 bytes. */
unsigned str_distance(struct str, struct str);

#endif
