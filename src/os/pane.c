/* SPDX-License-Identifier: ISC */
/*
 * A pane is two mappings of one anonymous file.  The first is writable and is not
 * inherited; then the file is sealed against mappings that could be written,
 * so that the second, which is inherited, is and stays for reading only.  It
 * costs a fork nothing: the pages of a shared mapping are found when they are
 * first looked at.
 *
 * Always true: both pointers are good as long as the process lives, and no
 * descriptor stays open.
 *
 * Where the one who writes is forked after the one who makes it, there is a
 * descriptor for so long, and who has it can map it as he likes: it is for
 * processes that trust each other that far, and for no session.
 */
#include "os/pane.h"

#include <sys/mman.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"

#define NOEXEC_SEAL	0x0008	/* MFD_NOEXEC_SEAL, of newer headers */
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

/* One that can never be executed, where the kernel knows that word; some are
 * set up to make no others. */
static int
make_file(void)
{
	int fd = memfd_create("pane", MFD_CLOEXEC | MFD_ALLOW_SEALING |
	    NOEXEC_SEAL);

	return fd != -1 || errno != EINVAL ? fd :
	    memfd_create("pane", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

void
pane_make(struct pane *p, size_t n)
{
	int fd = make_file();

	p->inside = MAP_FAILED;
	if (fd == -1 || !make_shared(p, n, fd)) {
		if (p->inside != MAP_FAILED)
			(void)munmap(p->inside, n);
		make_private(p, n);
	}
	if (fd != -1)
		close(fd);
}

int
pane_file(size_t n, struct fault *why)
{
	int fd = make_file(), err;

	if (fd != -1 && ftruncate(fd, (off_t)n) == 0)
		return fd;
	err = errno;
	if (fd != -1)
		close(fd);
	return fault_system(why, err, "a file in memory");
}

int
pane_sealed(void)
{
	int fd = make_file();

	if (fd == -1 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK |
	    F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
	close(fd);
	return -1;
}

void *
pane_look(int fd, size_t n, bool writes)
{
	void *p = mmap(NULL, n, writes ? PROT_READ | PROT_WRITE : PROT_READ,
	    MAP_SHARED, fd, 0);

	if (p == MAP_FAILED || madvise(p, n, MADV_DONTFORK) == -1)
		die("%zu bytes of memory that is shared: %s", n,
		    strerror(errno));
	return p;
}
