/* SPDX-License-Identifier: ISC */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stddef.h>
#include "base/arena.h"

/*
 * A growing array in an arena: struct { T *p; size_t n, cap; }.  Declare it
 * with VEC(T).  It never shrinks; it goes with its arena.
 */
#define VEC(type)	struct { type *p; size_t n, cap; }

/* Makes room for one more member of size bytes; returns the new array. */
void	*vec_grow(struct arena *, void *p, size_t n, size_t *cap, size_t size);

/* Appends a value; evaluates v more than once. */
#define vec_push(arena, v, value)					\
	do {								\
		(v)->p = vec_grow((arena), (v)->p, (v)->n, &(v)->cap,	\
		    sizeof(*(v)->p));					\
		(v)->p[(v)->n++] = (value);				\
	} while (0)

#endif
