/* SPDX-License-Identifier: ISC */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include "base/str.h"

/*
 * Memory that is given out piece by piece and freed whole: the owner of most
 * things here (a process, a session, a message, a delivery).  A zeroed struct
 * arena is an empty one.  Nothing is allocated before the first request.
 */
struct arena_block;
struct arena {
	struct arena_block	*blocks;	/* newest first */
	char			*next;		/* free room of the newest */
	size_t			 left;
	size_t			 total;		/* bytes given out */
};

void	 arena_init(struct arena *);
/* n bytes, zeroed, aligned for any object; never NULL. */
void	*arena_alloc(struct arena *, size_t n);
/* A copy, NUL-terminated behind its end. */
struct str arena_str(struct arena *, struct str);
struct str arena_printf(struct arena *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* Frees everything but keeps one block for the next round. */
void	 arena_reset(struct arena *);
/* Frees everything; the arena is empty and usable again. */
void	 arena_free(struct arena *);

#endif
