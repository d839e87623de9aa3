/* SPDX-License-Identifier: ISC */
#ifndef OS_FILE_H
#define OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "base/buf.h"
#include "base/fault.h"

/*
 * Whole operations on files: each either happens completely or fails with a
 * fault; short reads and writes and EINTR end here.  Every descriptor that
 * comes from here is close-on-exec.  dirfd may be AT_FDCWD.
 */

/* Opens a regular file for reading, without following a symbolic link at the
 * end and without blocking on a FIFO. */
int	file_open_read(int dirfd, const char *path, struct fault *);
/* Appends the whole file to out; fails when it is longer than max bytes. */
int	file_load(int dirfd, const char *path, size_t max, struct buf *out,
	    struct fault *);
/* Replaces path by the given content: temporary file beside it, fsync,
 * rename, fsync of the directory. */
int	file_save(int dirfd, const char *path, struct str content, mode_t mode,
	    struct fault *);
/* The same, and it is this group's; (gid_t)-1: as it comes. */
int	file_save_for(int dirfd, const char *path, struct str content,
	    mode_t mode, gid_t group, struct fault *);

/* Reads exactly n bytes at offset; fewer is a fault (truncated file). */
int	file_pread(int fd, void *p, size_t n, int64_t offset, struct fault *);
/* Its first n bytes, or fewer; -1 with errno. */
ssize_t	file_read_front(int fd, void *p, size_t n);
/* As much of them as lies in memory.  -1: EAGAIN when the disk has to be asked,
 * another errno where nobody can say.  0 means nothing: some kernels return it
 * for EAGAIN (preadv2(2)). */
ssize_t	file_read_cached(int fd, void *p, size_t n);
int	file_write(int fd, const void *p, size_t n, struct fault *);
int	file_pwrite(int fd, const void *p, size_t n, int64_t offset,
	    struct fault *);
/* Writes all parts one behind the other, changing iov on the way. */
int	file_pwritev(int fd, struct iovec *iov, int count, int64_t offset,
	    struct fault *);

/* A file without a name in the directory, to be given one by file_link();
 * open for writing (and reading if readable).  Returns the descriptor, or -1
 * with the fault; *supported is false when this file system cannot do it. */
int	file_open_unnamed(int dirfd, const char *dir, mode_t mode,
	    bool readable, bool *supported, struct fault *);
/* Gives it a name; *exists tells that the name is taken (result -1 too). */
int	file_link(int fd, int dirfd, const char *name, bool *exists,
	    struct fault *);
/* fdatasync.  Never call it again on the same file after it failed: Linux
 * then answers 0 and the data is gone. */
int	file_sync(int fd, struct fault *);
/* fsync of a file that has been given its name just now: the first part of
 * making the name durable (see file_name_is_synced()).  fdatasync may leave
 * out a link that changed no data and no size. */
int	file_sync_named(int fd, struct fault *);
/* fsync of a directory. */
int	file_sync_dir(int dirfd, struct fault *);
/* Is it the same file, and has nobody written to it in between? */
bool	file_is_same(const struct stat *, const struct stat *);
/*
 * What a file system is good for, as far as durability goes.  The order is
 * that of trust: what is not known to be good needs more syncs.
 */
enum file_trust {
	FILE_TRUST_SYNC,	/* fsync of a newly linked file also makes its
				 * name durable: ext4 with a journal, xfs,
				 * btrfs */
	FILE_TRUST_DIR,		/* the directory must be synced as well */
	FILE_TRUST_REMOTE,	/* what a sync does is up to another machine,
				 * or to a program: NFS, CIFS, FUSE, ... */
	FILE_TRUST_MEMORY,	/* no sync helps: tmpfs, ramfs */
};

struct file_system {
	enum file_trust	trust;
	char		name[32];	/* "ext4 with a journal", "tmpfs" */
};

/* Of the file system of fd; one that cannot be asked is FILE_TRUST_DIR. */
void	file_system_find(int fd, struct file_system *);
/* The same of what statfs(2) says, journal being true where an ext4 is known
 * to have one. */
void	file_system_judge(uint32_t type, bool journal, struct file_system *);
bool	file_name_is_synced(int fd);

struct file_space {
	uint64_t	free_bytes;	/* for an unprivileged process */
	uint64_t	free_inodes;	/* UINT64_MAX where there is no limit */
};
int	file_space(int fd, struct file_space *, struct fault *);
/* Takes an exclusive flock without waiting: 1 taken, 0 held by another. */
int	file_try_lock(int fd);

#endif
