/* SPDX-License-Identifier: ISC */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Heap memory that is never NULL: an empty heap ends the process by die().
 * But for mem_try(), for those who must outlive that. */

/* n bytes (at least 1), zeroed.  Free with mem_free(). */
void	*mem_alloc(size_t n);
/* count * size bytes, zeroed; die() on overflow. */
void	*mem_array(size_t count, size_t size);
/* Grows or shrinks; new bytes are not zeroed.  p may be NULL. */
void	*mem_resize(void *p, size_t n);
/* A NUL-terminated copy of n bytes. */
char	*mem_copy(const void *p, size_t n);
/* As mem_alloc(), and NULL when there is none. */
void	*mem_try(size_t n);
void	 mem_free(void *p);

/* n zeroed bytes in pages of their own that no child will have: a fork copies
 * nothing for them, whatever their number, and a child that touches them dies
 * of it.  Free with mem_apart_free() and the same n. */
void	*mem_apart(size_t n);
void	 mem_apart_free(void *p, size_t n);

#endif
