/* SPDX-License-Identifier: ISC */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include "base/str.h"

/*
 * A growing run of bytes with one owner.  A zeroed struct buf is an empty one;
 * buf_free() makes it so again.  Running out of memory is die().
 */
struct buf {
	char	*p;
	size_t	 n;		/* bytes in use */
	size_t	 cap;
};

void	buf_init(struct buf *);
void	buf_free(struct buf *);
void	buf_reset(struct buf *);		/* n = 0, keeps the room */
/* Makes room for n more bytes and returns where they go; buf_grew() says
 * how many of them were written. */
char	*buf_room(struct buf *, size_t n);
void	buf_grew(struct buf *, size_t n);
void	buf_put(struct buf *, const void *p, size_t n);
void	buf_puts(struct buf *, struct str);
void	buf_putz(struct buf *, const char *z);
void	buf_putc(struct buf *, char c);
void	buf_fill(struct buf *, char c, size_t n);
void	buf_printf(struct buf *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	buf_vprintf(struct buf *, const char *fmt, va_list)
	    __attribute__((format(printf, 2, 0)));
void	buf_truncate(struct buf *, size_t n);	/* n <= b->n */
void	buf_drop(struct buf *, size_t n);	/* removes n at the front */
struct str buf_str(const struct buf *);
/* NUL-terminated view, valid until the next change. */
const char *buf_cstr(struct buf *);

#endif
