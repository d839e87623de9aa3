/* SPDX-License-Identifier: ISC */
/*
 * A disk that remembers: a file, over FUSE, behind which lies an image; what
 * is written to it goes into the image and, with the flushes in between, into
 * a log, in the order in which it came.  A loop device on that file carries a
 * real file system, and each place in the log is a moment at which the power
 * could have been cut.  tests/fault/power.py builds the disks of such moments.
 *
 *	blocklog image log mount-point
 *
 * It speaks the kernel's protocol itself, of which one file needs little, and
 * ends when it is unmounted.  There is one thread: a request is answered before
 * the next is read, so a record of a flush stands behind every write that it
 * covers.  The length of the log is the time of the test: who has been told
 * that something is durable notes how long the log is at that moment.
 *
 * A record: struct record, in this machine's byte order, then length bytes.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/die.h"

enum {
	WRITE_MAX = 1024 * 1024,
	REQUEST_MAX = WRITE_MAX + 64 * 1024,
	KIND_WRITE = 1,
	KIND_FLUSH = 2,
};

struct record {
	uint32_t	kind, length;
	uint64_t	offset, ns;	/* of CLOCK_MONOTONIC */
};

struct disk {
	int		dev, image, log;
	uint64_t	size;
	char		data[WRITE_MAX];	/* of a read */
	_Alignas(8) char request[REQUEST_MAX];
};

static void
note(const struct disk *d, uint32_t kind, uint64_t offset, const void *data,
    uint32_t length)
{
	struct record r = { kind, length, offset, 0 };
	struct iovec iov[2] = { { &r, sizeof(r) },
	    { (void *)(uintptr_t)data, length } };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	r.ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (writev(d->log, iov, 2) != (ssize_t)(sizeof(r) + length))
		die("the log cannot be written: %s", strerror(errno));
}

static void
answer(const struct disk *d, uint64_t unique, int error, const void *p,
    size_t n)
{
	struct fuse_out_header head = {
		.len = (uint32_t)(sizeof(head) + n),
		.error = -error,
		.unique = unique,
	};
	struct iovec iov[2] = { { &head, sizeof(head) },
	    { (void *)(uintptr_t)p, n } };

	/* ENOENT: it was interrupted. */
	if (writev(d->dev, iov, n > 0 ? 2 : 1) == -1 && errno != ENOENT)
		die("/dev/fuse: %s", strerror(errno));
}

static void
answer_init(const struct disk *d, uint64_t unique,
    const struct fuse_init_in *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < 31 ? in->minor : 31,
		.max_readahead = in->max_readahead,
		.flags = in->flags & (FUSE_BIG_WRITES | FUSE_MAX_PAGES),
		.max_background = 64,
		.congestion_threshold = 48,
		.max_write = WRITE_MAX,
		.time_gran = 1,
		.max_pages = WRITE_MAX / 4096,
	};

	answer(d, unique, 0, &out, sizeof(out));
}

static void
answer_attr(const struct disk *d, uint64_t unique)
{
	struct fuse_attr_out out = {
		.attr_valid = 3600,
		.attr = {
			.ino = FUSE_ROOT_ID,
			.size = d->size,
			.blocks = d->size / 512,
			.mode = S_IFREG | 0600,
			.nlink = 1,
			.blksize = 4096,
		},
	};

	answer(d, unique, 0, &out, sizeof(out));
}

static void
answer_read(struct disk *d, uint64_t unique, const struct fuse_read_in *in)
{
	size_t want = in->size < WRITE_MAX ? in->size : WRITE_MAX;
	ssize_t n = pread(d->image, d->data, want, (off_t)in->offset);

	if (n == -1)
		answer(d, unique, EIO, NULL, 0);
	else
		answer(d, unique, 0, d->data, (size_t)n);
}

static void
answer_write(struct disk *d, uint64_t unique, const struct fuse_write_in *in)
{
	struct fuse_write_out out = { .size = in->size };
	const void *data = in + 1;

	if (pwrite(d->image, data, in->size, (off_t)in->offset) !=
	    (ssize_t)in->size) {
		answer(d, unique, EIO, NULL, 0);
		return;
	}
	note(d, KIND_WRITE, in->offset, data, in->size);
	answer(d, unique, 0, &out, sizeof(out));
}

static void
serve(struct disk *d, const struct fuse_in_header *in)
{
	static const struct fuse_open_out open = {
		.open_flags = FOPEN_DIRECT_IO,
	};
	const void *args = in + 1;

	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(d, in->unique, args);
		return;
	case FUSE_GETATTR:
	case FUSE_SETATTR:		/* times only */
		answer_attr(d, in->unique);
		return;
	case FUSE_OPEN:
		answer(d, in->unique, 0, &open, sizeof(open));
		return;
	case FUSE_READ:
		answer_read(d, in->unique, args);
		return;
	case FUSE_WRITE:
		answer_write(d, in->unique, args);
		return;
	case FUSE_FSYNC:
		note(d, KIND_FLUSH, 0, NULL, 0);
		answer(d, in->unique, 0, NULL, 0);
		return;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_DESTROY:
	case FUSE_ACCESS:
		answer(d, in->unique, 0, NULL, 0);
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:			/* no holes are made in it, for one */
		answer(d, in->unique, ENOSYS, NULL, 0);
	}
}

static void
open_disk(struct disk *d, const char *image, const char *log, const char *at)
{
	struct stat st;
	char options[128];

	d->image = open(image, O_RDWR | O_CLOEXEC);
	d->log = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
	    0600);
	d->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (d->image == -1 || d->log == -1 || d->dev == -1 ||
	    fstat(d->image, &st) == -1)
		die("%s, %s or /dev/fuse: %s", image, log, strerror(errno));
	d->size = (uint64_t)st.st_size;
	snprintf(options, sizeof(options),
	    "fd=%d,rootmode=100600,user_id=0,group_id=0", d->dev);
	if (mount("blocklog", at, "fuse", MS_NOSUID | MS_NODEV, options) == -1)
		die("mount %s: %s", at, strerror(errno));
}

int
main(int argc, char **argv)
{
	static struct disk d;
	ssize_t n;

	if (argc != 4)
		die("usage: blocklog image log mount-point");
	open_disk(&d, argv[1], argv[2], argv[3]);
	for (;;) {
		n = read(d.dev, d.request, sizeof(d.request));
		if (n > 0)
			serve(&d, (const struct fuse_in_header *)
			    (const void *)d.request);
		else if (n == -1 && errno == ENODEV)
			return 0;
		else if (n == -1 && errno != EINTR && errno != ENOENT)
			die("/dev/fuse: %s", strerror(errno));
	}
}
