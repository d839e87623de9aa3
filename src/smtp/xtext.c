/* SPDX-License-Identifier: ISC */
/*
 * xtext (RFC 3461 4) and unitext (RFC 6533 3), both ways.  smtp/param asks
 * whether a value is one, smtpc/asked passes values on as they came, and
 * mail/report shows what they mean.
 *
 * The decoder of xtext takes upper case digits only, as the grammar has them;
 * what was decoded may hold any octet, and what may be in it is for the caller
 * to say.  Decoding what was encoded always gives the same again.
 */
#include "smtp/xtext.h"

#include <stdint.h>

#include "base/utf8.h"

#define POINT_DIGITS	6	/* HEXPOINT of RFC 6533 3 */

static int
hex(char c)
{
	if (str_is_digit(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* xchar, and what of ASCII stands for itself in unitext beside "\". */
static bool
is_plain(char c)
{
	return c > 32 && c < 127 && c != '+' && c != '=';
}

void
xtext_put(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_plain(s.p[i]))
			buf_putc(b, s.p[i]);
		else
			buf_printf(b, "+%02X", (unsigned char)s.p[i]);
}

bool
xtext_decode(struct arena *arena, struct str in, struct str *out)
{
	char *p = arena_alloc(arena, in.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		if (is_plain(in.p[i])) {
			p[n++] = in.p[i];
			continue;
		}
		if (in.p[i] != '+' || in.n - i < 3 || hex(in.p[i + 1]) < 0 ||
		    hex(in.p[i + 2]) < 0)
			return false;
		p[n++] = (char)(hex(in.p[i + 1]) * 16 + hex(in.p[i + 2]));
		i += 2;
	}
	*out = str_span(p, n);
	return true;
}

void
unitext_put(struct buf *b, struct str s)
{
	uint32_t cp;
	unsigned n;

	for (; s.n > 0; s = str_from(s, n)) {
		n = utf8_char(s, &cp);
		if (n == 0) {
			n = 1;
			cp = 0xfffd;
		}
		if (cp < 0x80 && is_plain(s.p[0]) && cp != '\\')
			buf_putc(b, s.p[0]);
		else
			buf_printf(b, "\\x{%02X}", (unsigned)cp);
	}
}

static void
put_char(struct buf *b, uint32_t cp)
{
	if (cp < 0x80) {
		buf_putc(b, (char)cp);
		return;
	}
	if (cp >= 0x10000) {
		buf_putc(b, (char)(0xf0 | cp >> 18));
		buf_putc(b, (char)(0x80 | (cp >> 12 & 0x3f)));
	} else if (cp >= 0x800) {
		buf_putc(b, (char)(0xe0 | cp >> 12));
	} else {
		buf_putc(b, (char)(0xc0 | cp >> 6));
	}
	if (cp >= 0x800)
		buf_putc(b, (char)(0x80 | (cp >> 6 & 0x3f)));
	buf_putc(b, (char)(0x80 | (cp & 0x3f)));
}

/* "\x{E9}" at the front of s; how long it is, 0 when it is none. */
static size_t
read_point(struct str s, uint32_t *cp)
{
	size_t i;

	*cp = 0;
	if (!str_starts(s, STR("\\x{")))
		return 0;
	for (i = 3; i < s.n && s.p[i] != '}'; i++) {
		if (hex(s.p[i]) < 0 || i - 3 == POINT_DIGITS)
			return 0;
		*cp = *cp * 16 + (uint32_t)hex(s.p[i]);
	}
	/* 2 digits at least; more never begin with 0: one form a character. */
	if (i == s.n || i < 5 || (i > 5 && s.p[3] == '0') || *cp > 0x10ffff)
		return 0;
	return i + 1;
}

bool
unitext_decode(struct arena *arena, struct str in, struct str *out)
{
	struct buf b = { 0 };
	bool good = true;
	uint32_t cp;
	size_t n;

	for (; in.n > 0 && good; in = str_from(in, n)) {
		n = 1;
		if (in.p[0] != '\\') {
			buf_putc(&b, in.p[0]);
			continue;
		}
		n = read_point(in, &cp);
		good = n > 0;
		if (good)
			put_char(&b, cp);
	}
	/* Surrogates fall here. */
	good = good && utf8_is_valid(buf_str(&b));
	if (good)
		*out = arena_str(arena, buf_str(&b));
	buf_free(&b);
	return good;
}
