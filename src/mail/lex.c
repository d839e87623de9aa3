/* SPDX-License-Identifier: ISC */
/*
 * The words of which addresses and header fields are made (RFC 5322 3.2):
 * atoms, quoted strings, comments and folding white space.
 *
 * A struct lex is a cursor over text that somebody else owns.  Each function
 * either takes one word and steps over it, or says no and leaves the cursor
 * where it was; only lex_skip_cfws() may stop inside, at the comment that
 * does not end.  Nothing here knows what the words mean: mail/address builds
 * mailboxes of them, and is stricter where SMTP is.
 *
 * With utf8 any byte above 127 counts as text.  Whether those bytes are UTF-8
 * is the caller's question, for the word that matters: names in front of an
 * address are often in some older character set and are thrown away.
 *
 * Time is linear in the bytes passed over, whatever they are.  Comments nest
 * by a counter.
 */
#include "mail/lex.h"

#include <stdint.h>

/* RFC 5322 3.2.3 atext: a bit for each ASCII character, 32 to a word. */
static const uint32_t atext[4] = {
	0x00000000,
	0xa3ffacfa,	/* ! # $ % & ' * + - / 0-9 = ? */
	0xc7fffffe,	/* A-Z ^ _ */
	0x7fffffff,	/* ` a-z { | } ~ */
};

bool
lex_is_atext(char c)
{
	unsigned char u = (unsigned char)c;

	return u < 0x80 && (atext[u >> 5] >> (u & 31) & 1) != 0;
}

static bool
is_text(const struct lex *lx, char c)
{
	return lex_is_atext(c) || (lx->utf8 && (unsigned char)c >= 0x80);
}

static void
step(struct lex *lx, size_t n)
{
	lx->rest.p += n;
	lx->rest.n -= n;
}

/*
 * The length of the white space at s.p[i], 0 if there is none.  A line end
 * counts only where the line is continued by a blank (RFC 5322 2.2.3); it
 * may be a bare LF, but a bare CR is never space.
 */
static size_t
space(struct str s, size_t i)
{
	size_t n = 0;

	if (str_is_blank(s.p[i]))
		return 1;
	if (s.p[i] == '\r')
		n = 1;
	if (i + n + 1 < s.n && s.p[i + n] == '\n' &&
	    str_is_blank(s.p[i + n + 1]))
		return n + 2;
	return 0;
}

/* The cursor stands on "(".  Controls are harmless: nothing is kept. */
static bool
skip_comment(struct lex *lx)
{
	struct str s = lx->rest;
	size_t depth, i;

	depth = 0;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0) {
			step(lx, i + 1);
			return true;
		}
	}
	return false;
}

bool
lex_skip_cfws(struct lex *lx)
{
	size_t n;

	while (lx->rest.n > 0) {
		if (lx->rest.p[0] == '(') {
			if (!skip_comment(lx))
				return false;
			continue;
		}
		n = space(lx->rest, 0);
		if (n == 0)
			break;
		step(lx, n);
	}
	return true;
}

static size_t
measure(const struct lex *lx, size_t i)
{
	size_t from = i;

	while (i < lx->rest.n && is_text(lx, lx->rest.p[i]))
		i++;
	return i - from;
}

bool
lex_atom(struct lex *lx, struct str *out)
{
	size_t n;

	n = measure(lx, 0);
	if (n == 0)
		return false;
	*out = str_slice(lx->rest, 0, n);
	step(lx, n);
	return true;
}

/* A dot that no atom follows is left for the caller to trip over. */
bool
lex_dot_atom(struct lex *lx, struct str *out)
{
	size_t i, n;

	i = measure(lx, 0);
	if (i == 0)
		return false;
	while (i < lx->rest.n && lx->rest.p[i] == '.') {
		n = measure(lx, i + 1);
		if (n == 0)
			break;
		i += n + 1;
	}
	*out = str_slice(lx->rest, 0, i);
	step(lx, i);
	return true;
}

/*
 * May c stand inside quotes?  A tab may, as white space.  NUL and the other
 * controls were allowed once (RFC 5322 4.1) and are not here.
 */
static bool
is_quotable(const struct lex *lx, char c)
{
	if ((unsigned char)c >= 0x80)
		return lx->utf8;
	return c == '\t' || !str_is_control(c);
}

/*
 * Reads the inside of a quoted string from s.p[1] on; writes what it means to
 * out unless that is NULL.  Returns the index of the closing quote, or 0.
 */
static size_t
unquote(const struct lex *lx, char *out, size_t *len)
{
	struct str s = lx->rest;
	size_t i, n;

	*len = 0;
	for (i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return i;
		if (s.p[i] == '\r' || s.p[i] == '\n') {
			/* Folding: the line end goes, its blank stays. */
			n = space(s, i);
			if (n == 0)
				return 0;
			i += n - 1;
		} else if (s.p[i] == '\\' && ++i == s.n)
			return 0;
		if (!is_quotable(lx, s.p[i]))
			return 0;
		if (out != NULL)
			out[*len] = s.p[i];
		(*len)++;
	}
	return 0;
}

bool
lex_quoted(struct lex *lx, struct arena *a, struct str *out)
{
	size_t end, len;
	char *p;

	if (lx->rest.n < 2 || lx->rest.p[0] != '"')
		return false;
	end = unquote(lx, NULL, &len);
	if (end == 0)
		return false;
	if (out != NULL) {
		p = arena_alloc(a, len + 1);
		unquote(lx, p, &len);
		*out = str_span(p, len);
	}
	step(lx, end + 1);
	return true;
}

bool
lex_char(struct lex *lx, char c)
{
	if (lx->rest.n == 0 || lx->rest.p[0] != c)
		return false;
	step(lx, 1);
	return true;
}

bool
lex_at_end(const struct lex *lx)
{
	return lx->rest.n == 0;
}
