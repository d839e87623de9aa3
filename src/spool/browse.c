/* SPDX-License-Identifier: ISC */
/*
 * Reading many entries in the quickest order.
 *
 * A directory gives names in an order that has nothing to do with where the
 * files lie, and a disk that is asked for one small file after the other waits
 * most of the time.  So the names of a directory are read first and sorted by
 * inode, and some files are opened ahead, with a word to the kernel to fetch
 * their fronts: it has them when their turn comes.  A front that is in memory
 * already costs one call more.
 *
 * Used for listings of the queue.
 */

#include "spool/browse.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/dir.h"

enum {
	FRONT = 8 * 1024,	/* most heads, and the notes behind a message
				 * that is not long */
	FIRST_CAP = 64,
};

struct browse_name {
	uint64_t	inode;
	char		name[SPOOL_NAME_MAX];
};

static int
compare(const void *a, const void *b)
{
	const struct browse_name *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

static void
add(struct browse *b, uint64_t inode, const char *name)
{
	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? FIRST_CAP : 2 * b->cap;
		b->names = mem_resize(b->names, b->cap * sizeof(*b->names));
	}
	b->names[b->n].inode = inode;
	memcpy(b->names[b->n++].name, name, strlen(name) + 1);
}

int
browse_open(struct browse *b, int dirfd, const char *path, struct fault *why)
{
	struct dir_walk walk;
	const char *name;

	memset(b, 0, sizeof(*b));
	b->dir = dir_open(dirfd, path, why);
	if (b->dir < 0)
		return -1;
	if (dir_walk_open(&walk, b->dir, ".", why) < 0) {
		browse_close(b);
		return -1;
	}
	while ((name = dir_walk_next(&walk)) != NULL)
		if (spool_name_is_valid(str_of(name)))
			add(b, walk.inode, name);
	dir_walk_close(&walk);
	if (b->n > 0)
		qsort(b->names, b->n, sizeof(*b->names), compare);
	return 0;
}

static void
open_ahead(struct browse *b)
{
	for (; b->opened < b->n && b->opened - b->at < BROWSE_AHEAD;
	    b->opened++) {
		int fd = openat(b->dir, b->names[b->opened].name, O_RDONLY |
		    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0)
			(void)posix_fadvise(fd, 0, FRONT,
			    POSIX_FADV_WILLNEED);
		b->fd[b->opened % BROWSE_AHEAD] = fd;
	}
}

bool
browse_next(struct browse *b, struct message *m)
{
	struct fault ignored;

	while (b->at < b->n) {
		const char *name;
		int fd;

		open_ahead(b);
		fd = b->fd[b->at % BROWSE_AHEAD];
		name = b->names[b->at++].name;
		if (fd < 0 || message_head(m, fd, &ignored) != MESSAGE_OK)
			continue;
		if (strcmp(m->super.name, name) == 0)
			return true;
		message_close(m);
	}
	return false;
}

void
browse_close(struct browse *b)
{
	for (; b->at < b->opened; b->at++)
		if (b->fd[b->at % BROWSE_AHEAD] >= 0)
			close(b->fd[b->at % BROWSE_AHEAD]);
	if (b->dir >= 0)
		close(b->dir);
	mem_free(b->names);
	memset(b, 0, sizeof(*b));
	b->dir = -1;
}
