/* SPDX-License-Identifier: ISC */
/*
 * Two mappings of one anonymous file.  The first is writable and is not
 * inherited; then the file is sealed against mappings that could be written,
 * so that the second, which is inherited, is and stays for reading only.  It
 * costs a fork nothing: the pages of a shared mapping are found when they are
 * first looked at.
 *
 * Always true: both pointers are good as long as the process lives, and no
 * descriptor stays open.
 */
#include "os/pane.h"

#include <sys/mman.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"

#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

static void
make_private(struct pane *p, size_t n)
{
	p->inside = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->inside == MAP_FAILED)
		die("%zu bytes of memory: %s", n, strerror(errno));
	p->outside = p->inside;
}

/* False: half of it may have been done. */
static bool
make_shared(struct pane *p, size_t n, int fd)
{
	void *seen;

	if (ftruncate(fd, (off_t)n) == -1)
		return false;
	p->inside = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p->inside == MAP_FAILED)
		return false;
	if (madvise(p->inside, n, MADV_DONTFORK) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1)
		return false;
	seen = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	p->outside = seen;
	return seen != MAP_FAILED;
}

void
pane_make(struct pane *p, size_t n)
{
	int fd = memfd_create("pane", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	p->inside = MAP_FAILED;
	if (fd == -1 || !make_shared(p, n, fd)) {
		if (p->inside != MAP_FAILED)
			(void)munmap(p->inside, n);
		make_private(p, n);
	}
	if (fd != -1)
		close(fd);
}
