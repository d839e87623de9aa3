/* SPDX-License-Identifier: ISC */
#ifndef OS_PANE_H
#define OS_PANE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/fault.h"

/*
 * A window: memory that one process writes, and that those which it forks
 * afterwards see change but can never change themselves.  What a child has is
 * a mapping of its own that no mprotect(2) makes writable; the other one is
 * left out of forks.
 */
struct pane {
	void		*inside;	/* not there in a child */
	const void	*outside;	/* the same bytes */
};

/* All zero.  Takes a descriptor for a moment, and calls that a sandbox may
 * refuse; where the kernel cannot do it (before Linux 5.1), a child sees what
 * stood there when it was forked. */
void	pane_make(struct pane *, size_t);

/*
 * The same between processes that are forked one after the other: a file in
 * memory, all zero, and a view of it for the one that writes, left out of its
 * forks, or for one that reads.  -1 with a fault; pane_look() dies, since it is
 * made when a process begins.
 */
int	pane_file(size_t, struct fault *);
/* One of no bytes, which nobody can ever make longer; or -1. */
int	pane_sealed(void);
void	*pane_look(int fd, size_t, bool writes);

#endif
