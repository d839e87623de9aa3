/* SPDX-License-Identifier: ISC */
/*
 * Heap memory that is never NULL.
 *
 * A thin face over malloc: running out of memory, or a size that overflows,
 * ends the process by die(), so no caller has a branch for it.  In a process
 * that serves one connection that is the right answer: the peer gets a 421
 * and tries again.
 *
 * Most code does not come here but to base/arena or base/buf, which own what
 * they give out; mem is for them and for the few objects with a life of
 * their own.
 *
 * A process that serves everybody must not end for want of memory.  The few
 * things that it does beside forking ask by mem_try(), and what it must
 * remember lies in pages that were taken at its start.
 */
#include "base/mem.h"

#include <sys/mman.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"

void *
mem_try(size_t n)
{
	return calloc(1, n != 0 ? n : 1);
}

void *
mem_alloc(size_t n)
{
	void	*p = mem_try(n);

	if (p == NULL)
		die("out of memory (%zu bytes)", n);
	return p;
}

void *
mem_array(size_t count, size_t size)
{
	size_t	n;

	if (__builtin_mul_overflow(count, size, &n))
		die("out of memory (%zu times %zu bytes)", count, size);
	return mem_alloc(n);
}

void *
mem_resize(void *p, size_t n)
{
	p = realloc(p, n != 0 ? n : 1);
	if (p == NULL)
		die("out of memory (%zu bytes)", n);
	return p;
}

char *
mem_copy(const void *p, size_t n)
{
	char	*copy;

	if (n == SIZE_MAX)
		die("out of memory (%zu bytes)", n);
	copy = mem_resize(NULL, n + 1);
	if (n != 0)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

void
mem_free(void *p)
{
	free(p);
}

void *
mem_apart(size_t n)
{
	void	*p = mmap(NULL, n, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || madvise(p, n, MADV_DONTFORK) == -1)
		die("%zu bytes of memory apart: %s", n, strerror(errno));
	return p;
}

void
mem_apart_free(void *p, size_t n)
{
	if (p != NULL)
		(void)munmap(p, n);
}
