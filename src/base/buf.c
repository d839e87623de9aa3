/* SPDX-License-Identifier: ISC */
/*
 * A growing run of bytes with one owner.
 *
 * It grows by doubling, so putting n bytes one by one costs n.  It does not
 * shrink: buf_reset() keeps the room for the next round, buf_free() gives it
 * back.  It sets no limit of its own; whoever feeds it bytes from outside
 * has counted them before.
 *
 * Always true: n <= cap, and p is NULL exactly when cap is 0.  What is put
 * must not lie inside the same buf, for it may move.  Everybody is a caller.
 */
#include "base/buf.h"

#include <string.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/text.h"

#define FIRST_SIZE	128
#define PIECE_SIZE	128	/* what is printed at a time seldom has more */

void
buf_init(struct buf *b)
{
	*b = (struct buf){ 0 };
}

void
buf_free(struct buf *b)
{
	mem_free(b->p);
	buf_init(b);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
}

static void
grow(struct buf *b, size_t n)
{
	size_t	need, cap;

	if (__builtin_add_overflow(b->n, n, &need))
		die("out of memory (%zu more bytes)", n);
	if (__builtin_mul_overflow(b->cap, (size_t)2, &cap) || cap < need)
		cap = need;
	if (cap < FIRST_SIZE)
		cap = FIRST_SIZE;
	b->p = mem_resize(b->p, cap);
	b->cap = cap;
}

char *
buf_room(struct buf *b, size_t n)
{
	if (b->cap == 0 || b->cap - b->n < n)
		grow(b, n);
	return b->p + b->n;
}

void
buf_grew(struct buf *b, size_t n)
{
	must(n <= b->cap - b->n);
	b->n += n;
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_room(b, n), p, n);
	b->n += n;
}

void
buf_puts(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.n);
}

void
buf_putz(struct buf *b, const char *z)
{
	buf_put(b, z, strlen(z));
}

void
buf_putc(struct buf *b, char c)
{
	if (b->n == b->cap)
		grow(b, 1);
	b->p[b->n++] = c;
}

void
buf_fill(struct buf *b, char c, size_t n)
{
	if (n == 0)
		return;
	memset(buf_room(b, n), c, n);
	b->n += n;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

/* Printed into the room there is; only what does not fit is printed twice. */
void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list	again;
	size_t	n;

	(void)buf_room(b, PIECE_SIZE);
	va_copy(again, ap);
	n = text_vprint(b->p + b->n, b->cap - b->n, fmt, ap);
	if (n >= b->cap - b->n) {
		(void)buf_room(b, n + 1);
		(void)text_vprint(b->p + b->n, n + 1, fmt, again);
	}
	va_end(again);
	b->n += n;
}

void
buf_truncate(struct buf *b, size_t n)
{
	must(n <= b->n);
	b->n = n;
}

void
buf_drop(struct buf *b, size_t n)
{
	must(n <= b->n);
	b->n -= n;
	if (n != 0 && b->n != 0)
		memmove(b->p, b->p + n, b->n);
}

struct str
buf_str(const struct buf *b)
{
	return str_span(b->p, b->n);
}

const char *
buf_cstr(struct buf *b)
{
	*buf_room(b, 1) = '\0';
	return b->p;
}
