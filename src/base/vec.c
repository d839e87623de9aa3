/* SPDX-License-Identifier: ISC */
/*
 * The growing of an array that lives in an arena.
 *
 * The array doubles; the old one stays in the arena until that goes, so a
 * vec costs at most twice its last size, and pointers to its members hold
 * only until the next push.
 *
 * Called through vec_push() alone.  Always true: n <= cap, and there is room
 * for one more member afterwards.
 */
#include "base/vec.h"

#include <string.h>

#include "base/die.h"

#define FIRST_CAP	8

void *
vec_grow(struct arena *a, void *p, size_t n, size_t *cap, size_t size)
{
	size_t	 more, bytes;
	void	*q;

	if (n < *cap)
		return p;
	if (*cap == 0)
		more = FIRST_CAP;
	else if (__builtin_mul_overflow(*cap, (size_t)2, &more))
		die("out of memory (%zu members)", n);
	if (__builtin_mul_overflow(more, size, &bytes))
		die("out of memory (%zu times %zu bytes)", more, size);
	q = arena_alloc(a, bytes);
	if (n != 0)
		memcpy(q, p, n * size);
	*cap = more;
	return q;
}
