/* SPDX-License-Identifier: ISC */
/*
 * Text out of a format and its arguments.
 *
 * What printf(3) means is not ours to change, and all of it is understood here:
 * what this house seldom writes (a fraction, "*" for a width, "#") goes to the
 * C library, whole.  The rest, strings and integers, is printed in place, for
 * the sake of sessions.  A session lives for a few milliseconds after a fork
 * that leaves out the pages of libraries, so that each place of the C library
 * that it comes to costs a page fault, and its share in the end of the process.
 * Six such places are vfprintf's, more than all that a small message else wants
 * of that library; these lines lie beside what calls them.
 *
 * Always true: no byte is written behind room, and what is written ends with
 * NUL where there is room for one.  base/buf, base/arena, os/log and all that
 * has an array of its own call it.
 */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#define DIGITS_MAX	24		/* 2^64 has 22 in octal */
#define WIDTH_MAX	4096

struct out {
	char	*p;
	size_t	 room;			/* without the NUL */
	size_t	 n;			/* uncut */
};

enum size {
	SIZE_INT,
	SIZE_LONG,
	SIZE_LONG_LONG,
	SIZE_SIZE,
};

/* %[-][0][width][.*][l|ll|z]conversion */
struct field {
	bool		left, zeros;
	bool		cut;		/* has a precision */
	size_t		width, most;
	enum size	size;
	char		conversion;
};

static void
put(struct out *o, const char *p, size_t n)
{
	if (o->n < o->room)
		memcpy(o->p + o->n, p,
		    n < o->room - o->n ? n : o->room - o->n);
	o->n += n;
}

static void
pad(struct out *o, char with, size_t n)
{
	if (o->n < o->room)
		memset(o->p + o->n, with,
		    n < o->room - o->n ? n : o->room - o->n);
	o->n += n;
}

/* What begins behind "%"; NULL when it is not one of those known here. */
static const char *
parse(const char *s, va_list *ap, struct field *f)
{
	int n;

	*f = (struct field){ 0 };
	for (; *s == '-' || *s == '0'; s++)
		if (*s == '-')
			f->left = true;
		else
			f->zeros = true;
	for (; *s >= '0' && *s <= '9'; s++)
		f->width = f->width * 10 + (size_t)(*s - '0');
	if (f->width > WIDTH_MAX)
		return NULL;
	if (s[0] == '.' && s[1] == '*') {
		n = va_arg(*ap, int);
		f->cut = n >= 0;
		f->most = f->cut ? (size_t)n : 0;
		s += 2;
	}
	if (s[0] == 'z') {
		f->size = SIZE_SIZE;
		s++;
	} else if (s[0] == 'l') {
		f->size = s[1] == 'l' ? SIZE_LONG_LONG : SIZE_LONG;
		s += s[1] == 'l' ? 2 : 1;
	}
	f->conversion = *s;
	return s + 1;
}

static void
put_string(struct out *o, const struct field *f, const char *s)
{
	size_t most = f->cut ? f->most : SIZE_MAX, n = 0;

	if (s == NULL)
		s = "(null)";
	while (n < most && s[n] != '\0')
		n++;
	if (!f->left && f->width > n)
		pad(o, ' ', f->width - n);
	put(o, s, n);
	if (f->left && f->width > n)
		pad(o, ' ', f->width - n);
}

static void
put_number(struct out *o, const struct field *f, uint64_t v, bool negative)
{
	static const char lower[] = "0123456789abcdef";
	static const char upper[] = "0123456789ABCDEF";
	const char *digits = f->conversion == 'X' ? upper : lower;
	unsigned base = f->conversion == 'x' || f->conversion == 'X' ? 16 :
	    f->conversion == 'o' ? 8 : 10;
	char text[DIGITS_MAX], *p = text + sizeof(text);
	size_t n;

	do
		*--p = digits[v % base];
	while ((v /= base) > 0);
	n = (size_t)(text + sizeof(text) - p) + negative;
	if (!f->left && !f->zeros && f->width > n)
		pad(o, ' ', f->width - n);
	if (negative)
		put(o, "-", 1);
	if (!f->left && f->zeros && f->width > n)
		pad(o, '0', f->width - n);
	put(o, p, n - negative);
	if (f->left && f->width > n)
		pad(o, ' ', f->width - n);
}

static void
put_signed(struct out *o, const struct field *f, va_list *ap)
{
	int64_t v = 0;

	switch (f->size) {
	case SIZE_INT:
		v = va_arg(*ap, int);
		break;
	case SIZE_LONG:
		v = va_arg(*ap, long);
		break;
	case SIZE_LONG_LONG:
		v = va_arg(*ap, long long);
		break;
	case SIZE_SIZE:
		v = va_arg(*ap, ssize_t);
		break;
	}
	put_number(o, f, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
}

static void
put_unsigned(struct out *o, const struct field *f, va_list *ap)
{
	uint64_t v = 0;

	switch (f->size) {
	case SIZE_INT:
		v = va_arg(*ap, unsigned);
		break;
	case SIZE_LONG:
		v = va_arg(*ap, unsigned long);
		break;
	case SIZE_LONG_LONG:
		v = va_arg(*ap, unsigned long long);
		break;
	case SIZE_SIZE:
		v = va_arg(*ap, size_t);
		break;
	}
	put_number(o, f, v, false);
}

/* False when it is the C library's. */
static bool
put_field(struct out *o, const struct field *f, va_list *ap)
{
	char c;

	if (f->conversion != 's' && f->cut)
		return false;
	switch (f->conversion) {
	case 's':
		if (f->size != SIZE_INT || f->zeros)
			return false;
		put_string(o, f, va_arg(*ap, const char *));
		return true;
	case 'd':
	case 'i':
		put_signed(o, f, ap);
		return true;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_unsigned(o, f, ap);
		return true;
	case 'c':
		if (f->size != SIZE_INT || f->width != 0)
			return false;
		c = (char)va_arg(*ap, int);
		put(o, &c, 1);
		return true;
	}
	return false;
}

/* All of the format, or false. */
static bool
put_all(struct out *o, const char *fmt, va_list *ap)
{
	struct field f;
	size_t plain;

	for (;;) {
		for (plain = 0; fmt[plain] != '%' && fmt[plain] != '\0'; )
			plain++;
		put(o, fmt, plain);
		fmt += plain;
		if (*fmt == '\0')
			return true;
		if (fmt[1] == '%') {
			put(o, "%", 1);
			fmt += 2;
			continue;
		}
		fmt = parse(fmt + 1, ap, &f);
		if (fmt == NULL || !put_field(o, &f, ap))
			return false;
	}
}

size_t
text_vprint(char *out, size_t room, const char *fmt, va_list args)
{
	struct out o = { out, room > 0 ? room - 1 : 0, 0 };
	va_list ap, again;
	int n;

	va_copy(ap, args);
	va_copy(again, args);
	if (!put_all(&o, fmt, &ap)) {
		n = vsnprintf(out, room, fmt, again);
		o.n = n > 0 ? (size_t)n : 0;
		if (n < 0 && room > 0)
			out[0] = '\0';
	} else if (room > 0) {
		out[o.n < o.room ? o.n : o.room] = '\0';
	}
	va_end(again);
	va_end(ap);
	return o.n;
}

size_t
text_print(char *out, size_t room, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = text_vprint(out, room, fmt, ap);
	va_end(ap);
	return n;
}
