/* SPDX-License-Identifier: ISC */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Heap memory that is never NULL: an empty heap ends the process by die(). */

/* n bytes (at least 1), zeroed.  Free with mem_free(). */
void	*mem_alloc(size_t n);
/* count * size bytes, zeroed; die() on overflow. */
void	*mem_array(size_t count, size_t size);
/* Grows or shrinks; new bytes are not zeroed.  p may be NULL. */
void	*mem_resize(void *p, size_t n);
/* A NUL-terminated copy of n bytes. */
char	*mem_copy(const void *p, size_t n);
void	 mem_free(void *p);

#endif
