/* SPDX-License-Identifier: ISC */
/*
 * Memory of one process alone.
 *
 * A fork copies the page tables of all that its maker has: a millisecond for
 * thirty megabytes, ten times what the rest of it costs.  What a process knows
 * and no child of its needs can be kept out of that.
 *
 * Used by the queue runner for what waits.
 */
#include "os/private.h"

#include <sys/mman.h>
#include <errno.h>
#include <string.h>

#include "base/die.h"

void *
private_alloc(size_t n)
{
	void *p;

	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	if (p == MAP_FAILED)
		die("out of memory (%zu bytes): %s", n, strerror(errno));
	/* Where that cannot be said a fork is slower, and that is all. */
	(void)madvise(p, n, MADV_DONTFORK);
	return p;
}

void
private_free(void *p, size_t n)
{
	if (p != NULL)
		munmap(p, n);
}
