/* SPDX-License-Identifier: ISC */
/*
 * Whole operations on files.  The spool, the maps, the configuration and the
 * mailboxes are read and written through here, so that short reads and
 * writes, EINTR, symbolic links at the end of a path and descriptors that
 * leak into other programs are dealt with once.
 *
 * Every function either does all that its name says or fails with a fault
 * that names the call and the file.  A function that was given a descriptor
 * does not know the name; its caller may put it in front (fault_prefix()).
 *
 * What is durable when is the caller's affair (DESIGN of the spool), but the
 * knowledge about file systems is here: one is trusted to sync the name with
 * the file only where that is known, since a wrong yes loses mail in a power
 * cut and a wrong no costs one more flush.
 */
#include "os/file.h"

#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"

/* statfs(2); not all of them are in the headers of every system. */
#define MAGIC_EXT4	0xef53		/* ext2 and ext3 as well */

/* An overlay syncs as the file system below its upper directory does, which
 * it does not tell: it gets all the syncs there are. */
static const struct known {
	uint32_t	type;
	enum file_trust	trust;
	const char	*name;
} known[] = {
	{ 0x58465342, FILE_TRUST_SYNC, "xfs" },
	{ 0x9123683e, FILE_TRUST_SYNC, "btrfs" },
	{ 0x794c7630, FILE_TRUST_DIR, "overlay" },
	{ 0xf2f52010, FILE_TRUST_DIR, "f2fs" },
	{ 0x2fc12fc1, FILE_TRUST_DIR, "zfs" },
	{ 0xca451a4e, FILE_TRUST_DIR, "bcachefs" },
	{ 0x00006969, FILE_TRUST_REMOTE, "nfs" },
	{ 0xff534d42, FILE_TRUST_REMOTE, "cifs" },
	{ 0xfe534d42, FILE_TRUST_REMOTE, "smb" },
	{ 0x0000517b, FILE_TRUST_REMOTE, "smb" },
	{ 0x65735546, FILE_TRUST_REMOTE, "fuse" },
	{ 0x01021997, FILE_TRUST_REMOTE, "9p" },
	{ 0x00c36400, FILE_TRUST_REMOTE, "ceph" },
	{ 0x5346414f, FILE_TRUST_REMOTE, "afs" },
	{ 0x01021994, FILE_TRUST_MEMORY, "tmpfs" },
	{ 0x858458f6, FILE_TRUST_MEMORY, "ramfs" },
};

#define TEMP_DIGITS	13		/* 64 bits in base 32 */
#define TEMP_TRIES	8

int
file_open_read(int dirfd, const char *path, struct fault *why)
{
	struct stat st;
	int fd, err;

	fd = openat(dirfd, path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return fault_system(why, errno, "open %s", path);
	if (fstat(fd, &st) == -1) {
		err = errno;
		close(fd);
		return fault_system(why, err, "stat %s", path);
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return fault_temporary(why, 451, 3, 0,
		    "%s: not a regular file", path);
	}
	return fd;
}

/* Appends what fd has, but never more than max + 1 bytes. */
static int
read_all(int fd, const char *path, size_t max, struct buf *out,
    struct fault *why)
{
	struct stat st;
	size_t got = 0, want = 4096;
	ssize_t n;

	/* One byte more than its size, to see the end at once. */
	if (fstat(fd, &st) == 0 && st.st_size > 0)
		want = (size_t)st.st_size + 1;
	while (got <= max) {
		if (want > max + 1 - got)
			want = max + 1 - got;
		n = read(fd, buf_room(out, want), want);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fault_system(why, errno, "read %s", path);
		if (n == 0)
			return 0;
		buf_grew(out, (size_t)n);
		got += (size_t)n;
		want = want > (size_t)n ? want - (size_t)n : 4096;
	}
	return fault_temporary(why, 451, 3, 0,
	    "%s: longer than %zu bytes", path, max);
}

int
file_load(int dirfd, const char *path, size_t max, struct buf *out,
    struct fault *why)
{
	size_t before = out->n;
	int fd, result;

	if ((fd = file_open_read(dirfd, path, why)) == -1)
		return -1;
	result = read_all(fd, path, max, out, why);
	if (result == -1)
		buf_truncate(out, before);
	close(fd);
	return result;
}

/* "dir/.name.XXXXXXXXXXXXX" for "dir/name". */
static void
name_temp(struct buf *temp, struct str path)
{
	char digits[TEMP_DIGITS];
	uint64_t random = 0;
	size_t slash = str_rfind(path, '/');
	size_t base = slash == path.n ? 0 : slash + 1;

	/* Were there no random bytes yet, O_EXCL still keeps us safe. */
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	num_base32(digits, TEMP_DIGITS, random);
	buf_reset(temp);
	buf_puts(temp, str_slice(path, 0, base));
	buf_putc(temp, '.');
	buf_puts(temp, str_from(path, base));
	buf_putc(temp, '.');
	buf_put(temp, digits, TEMP_DIGITS);
}

static int
open_temp(int dirfd, const char *path, mode_t mode, struct buf *temp)
{
	int fd = -1, tries;

	for (tries = 0; fd == -1 && tries < TEMP_TRIES; tries++) {
		name_temp(temp, str_of(path));
		fd = openat(dirfd, buf_cstr(temp), O_WRONLY | O_CREAT |
		    O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd == -1 && errno != EEXIST)
			break;
	}
	return fd;
}

/* The mode as asked for, whatever the umask says.  Where it is right already
 * the call is saved: a sandbox forbids it. */
static int
fix_mode(int fd, mode_t mode)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	if ((st.st_mode & 07777) == mode)
		return 0;
	return fchmod(fd, mode);
}

static int
fill_temp(int fd, struct str content, mode_t mode, struct fault *why)
{
	if (fix_mode(fd, mode) == -1)
		return fault_system(why, errno, "chmod");
	if (file_write(fd, content.p, content.n, why) == -1)
		return -1;
	if (fsync(fd) == -1)
		return fault_system(why, errno, "fsync");
	return 0;
}

/* The directory that holds path, to sync it. */
static int
sync_parent(int dirfd, const char *path, struct fault *why)
{
	struct buf dir = { 0 };
	size_t slash = str_rfind(str_of(path), '/');
	int fd, result;

	if (slash == strlen(path))
		buf_putc(&dir, '.');
	else
		buf_put(&dir, path, slash == 0 ? 1 : slash);
	fd = openat(dirfd, buf_cstr(&dir),
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		result = fault_system(why, errno, "open %s", buf_cstr(&dir));
	} else {
		result = file_sync_dir(fd, why);
		close(fd);
	}
	buf_free(&dir);
	return result;
}

static int
save_by(int dirfd, const char *path, struct str content, mode_t mode,
    gid_t group, struct buf *temp, struct fault *why)
{
	int fd, result = 0;

	if ((fd = open_temp(dirfd, path, mode, temp)) == -1)
		return fault_system(why, errno, "create %s", buf_cstr(temp));
	if (group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) == -1)
		result = fault_system(why, errno, "chgrp");
	if (result == 0)
		result = fill_temp(fd, content, mode, why);
	close(fd);
	if (result == -1) {
		fault_prefix(why, "%s", path);
	} else if (renameat(dirfd, buf_cstr(temp), dirfd, path) == -1) {
		result = fault_system(why, errno, "rename to %s", path);
	} else {
		return sync_parent(dirfd, path, why);
	}
	unlinkat(dirfd, buf_cstr(temp), 0);
	return result;
}

int
file_save_for(int dirfd, const char *path, struct str content, mode_t mode,
    gid_t group, struct fault *why)
{
	struct buf temp = { 0 };
	int result;

	result = save_by(dirfd, path, content, mode, group, &temp, why);
	buf_free(&temp);
	return result;
}

int
file_save(int dirfd, const char *path, struct str content, mode_t mode,
    struct fault *why)
{
	return file_save_for(dirfd, path, content, mode, (gid_t)-1, why);
}

int
file_pread(int fd, void *p, size_t n, int64_t offset, struct fault *why)
{
	char *at = p;
	ssize_t got;

	while (n > 0) {
		got = pread(fd, at, n, offset);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return fault_system(why, errno, "read");
		if (got == 0)
			return fault_temporary(why, 451, 3, 0,
			    "file is truncated at byte %jd",
			    (intmax_t)offset);
		at += got;
		n -= (size_t)got;
		offset += got;
	}
	return 0;
}

ssize_t
file_read_front(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = pread(fd, p, n, 0);
	while (got == -1 && errno == EINTR);
	return got;
}

ssize_t
file_read_cached(int fd, void *p, size_t n)
{
#ifdef RWF_NOWAIT
	struct iovec v = { .iov_base = p, .iov_len = n };
	ssize_t got;

	do
		got = preadv2(fd, &v, 1, 0, RWF_NOWAIT);
	while (got == -1 && errno == EINTR);
	return got;
#else
	(void)fd, (void)p, (void)n;
	errno = EOPNOTSUPP;
	return -1;
#endif
}

int
file_write(int fd, const void *p, size_t n, struct fault *why)
{
	const char *at = p;
	ssize_t done;

	while (n > 0) {
		done = write(fd, at, n);
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return fault_system(why, errno, "write");
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

int
file_pwrite(int fd, const void *p, size_t n, int64_t offset,
    struct fault *why)
{
	const char *at = p;
	ssize_t done;

	while (n > 0) {
		done = pwrite(fd, at, n, offset);
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return fault_system(why, errno, "write");
		at += done;
		n -= (size_t)done;
		offset += done;
	}
	return 0;
}

/* Takes n written bytes off the front of the parts that *iov points to. */
static void
advance(struct iovec **iov, int *count, size_t n)
{
	while (*count > 0 && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

int
file_pwritev(int fd, struct iovec *iov, int count, int64_t offset,
    struct fault *why)
{
	ssize_t done;

	advance(&iov, &count, 0);
	while (count > 0) {
		done = pwritev(fd, iov, count < IOV_MAX ? count : IOV_MAX,
		    offset);
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return fault_system(why, errno, "write");
		offset += done;
		advance(&iov, &count, (size_t)done);
	}
	return 0;
}

int
file_open_unnamed(int dirfd, const char *dir, mode_t mode, bool readable,
    bool *supported, struct fault *why)
{
	int fd;

	*supported = true;
	fd = openat(dirfd, dir, O_TMPFILE | O_CLOEXEC |
	    (readable ? O_RDWR : O_WRONLY), mode);
	if (fd != -1)
		return fd;
	/* EISDIR is the answer of a kernel that does not know O_TMPFILE. */
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
		*supported = false;
	return fault_system(why, errno, "create file in %s", dir);
}

int
file_link(int fd, int dirfd, const char *name, bool *exists,
    struct fault *why)
{
	char self[32];

	*exists = false;
	if (linkat(fd, "", dirfd, name, AT_EMPTY_PATH) == 0)
		return 0;
	/* Without a privilege, Linux has that since 6.10.  The way through
	 * /proc makes inodes there for each process that goes it. */
	if (errno == ENOENT) {
		text_print(self, sizeof(self), "/proc/self/fd/%d", fd);
		if (linkat(AT_FDCWD, self, dirfd, name,
		    AT_SYMLINK_FOLLOW) == 0)
			return 0;
	}
	*exists = errno == EEXIST;
	return fault_system(why, errno, "link %s", name);
}

int
file_sync(int fd, struct fault *why)
{
	if (fdatasync(fd) == -1)
		return fault_system(why, errno, "fdatasync");
	return 0;
}

int
file_sync_named(int fd, struct fault *why)
{
	if (fsync(fd) == -1)
		return fault_system(why, errno, "fsync");
	return 0;
}

int
file_sync_dir(int dirfd, struct fault *why)
{
	if (fsync(dirfd) == -1)
		return fault_system(why, errno, "fsync of directory");
	return 0;
}

/* The kernel's name of a block device ("vda1"), without its "/". */
static bool
name_device(dev_t dev, struct buf *name)
{
	char link[64], target[PATH_MAX];
	struct str s;
	ssize_t n;

	text_print(link, sizeof(link), "/sys/dev/block/%u:%u", major(dev),
	    minor(dev));
	n = readlink(link, target, sizeof(target));
	if (n <= 0 || (size_t)n == sizeof(target))
		return false;
	s = str_span(target, (size_t)n);
	if (str_rfind(s, '/') != s.n)
		s = str_from(s, str_rfind(s, '/') + 1);
	buf_puts(name, s);
	return s.n > 0;
}

/* Whether jbd2 runs a journal inside the file system on this device: it
 * lists each as "<device>-<inode>".  An external one is not recognised. */
static bool
has_journal(dev_t dev)
{
	struct buf head = { 0 };
	struct dirent *e;
	bool found = false;
	DIR *d;

	if (name_device(dev, &head) &&
	    (d = opendir("/proc/fs/jbd2")) != NULL) {
		buf_putc(&head, '-');
		while (!found && (e = readdir(d)) != NULL)
			found = str_starts(str_of(e->d_name), buf_str(&head));
		closedir(d);
	}
	buf_free(&head);
	return found;
}

bool
file_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void
file_system_judge(uint32_t type, bool journal, struct file_system *out)
{
	size_t i;

	if (type == MAGIC_EXT4) {
		out->trust = journal ? FILE_TRUST_SYNC : FILE_TRUST_DIR;
		text_print(out->name, sizeof(out->name), "ext4 with%s a journal",
		    journal ? "" : "out");
		return;
	}
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].type != type)
			continue;
		out->trust = known[i].trust;
		text_print(out->name, sizeof(out->name), "%s", known[i].name);
		return;
	}
	out->trust = FILE_TRUST_DIR;
	text_print(out->name, sizeof(out->name), "file system %#x",
	    (unsigned)type);
}

void
file_system_find(int fd, struct file_system *out)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) == -1)
		fs.f_type = 0;
	file_system_judge((uint32_t)fs.f_type, fs.f_type == MAGIC_EXT4 &&
	    fstat(fd, &st) == 0 && has_journal(st.st_dev), out);
}

bool
file_name_is_synced(int fd)
{
	struct file_system fs;

	file_system_find(fd, &fs);
	return fs.trust == FILE_TRUST_SYNC;
}

int
file_space(int fd, struct file_space *space, struct fault *why)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) == -1)
		return fault_system(why, errno, "statvfs");
	space->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	/* btrfs and some network file systems do not count inodes. */
	space->free_inodes = fs.f_files == 0 ? UINT64_MAX : fs.f_favail;
	return 0;
}

int
file_try_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 1 : 0;
}
