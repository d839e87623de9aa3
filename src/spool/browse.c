/* SPDX-License-Identifier: ISC */
/*
 * Reading many entries in the quickest order.
 *
 * A directory gives names in an order that has nothing to do with where the
 * files lie, and a disk that is asked for one small file after the other waits
 * most of the time.  So the names of a directory are read first and sorted by
 * inode, and some files are opened ahead.  What is in memory is read at once;
 * from the first front on that is not, the kernel is asked to fetch those of
 * the files ahead, and has them when their turn comes.
 *
 * Used for listings of the queue.
 */

#include "spool/browse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/dir.h"
#include "os/file.h"

enum {
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
	b->partial = walk.broken;
	dir_walk_close(&walk);
	if (b->n > 0)
		qsort(b->names, b->n, sizeof(*b->names), compare);
	return 0;
}

static void
fetch(int fd)
{
	if (fd >= 0)
		(void)posix_fadvise(fd, 0, BROWSE_FRONT, POSIX_FADV_WILLNEED);
}

static void
open_ahead(struct browse *b)
{
	for (; b->opened < b->n && b->opened - b->at < BROWSE_AHEAD;
	    b->opened++) {
		int fd = openat(b->dir, b->names[b->opened].name, O_RDONLY |
		    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0 && errno != ENOENT && errno != ELOOP)
			b->partial = true;
		if (b->cold)
			fetch(fd);
		b->fd[b->opened % BROWSE_AHEAD] = fd;
	}
}

static ssize_t
read_front(struct browse *b, int fd)
{
	ssize_t n = -1;

	if (!b->blind) {
		n = file_read_cached(fd, b->front, sizeof(b->front));
		b->blind = n == -1 && errno != EAGAIN;
	}
	if (n >= FORMAT_SUPER_SIZE)
		return n;
	if (!b->cold)
		for (size_t i = b->at; i < b->opened; i++)
			fetch(b->fd[i % BROWSE_AHEAD]);
	b->cold = true;
	return file_read_front(fd, b->front, sizeof(b->front));
}

static bool
read_entry(struct browse *b, const char *name, int fd, struct message *m)
{
	struct fault ignored;
	enum message_result r;
	ssize_t n = read_front(b, fd);

	if (n < 0) {
		b->partial |= errno != EISDIR;
		close(fd);
		return false;
	}
	r = message_head_from(m, fd, str_span(b->front, (size_t)n), &ignored);
	b->partial |= r == MESSAGE_FAULT;
	if (r != MESSAGE_OK)
		return false;
	if (strcmp(m->super.name, name) == 0)
		return true;
	message_close(m);
	return false;
}

bool
browse_next(struct browse *b, struct message *m)
{
	while (b->at < b->n) {
		const char *name;
		int fd;

		open_ahead(b);
		fd = b->fd[b->at % BROWSE_AHEAD];
		name = b->names[b->at++].name;
		if (fd >= 0 && read_entry(b, name, fd, m))
			return true;
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
