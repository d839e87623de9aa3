/* SPDX-License-Identifier: ISC */
/*
 * Directories: made, checked and read.
 *
 * A directory that is made here is reached by its descriptor from then on:
 * owner and mode are set on what was opened, never on a name, since the name
 * might have become something else meanwhile.  A directory that exists is
 * only looked at.  Somebody chose its owner and mode, perhaps an attacker; to
 * put it right in silence would hide that, so the fault tells what was found
 * and what was expected, and the operator decides.
 *
 * Called by the warden at start (as root) and by the spool for its queue
 * directories (as whoever owns the spool).
 */
#include "os/dir.h"

#include <sys/stat.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int
dir_open(int dirfd, const char *path, struct fault *why)
{
	int fd;

	fd = openat(dirfd, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return fault_system(why, errno, "open directory %s", path);
	return fd;
}

/* The directory behind fd was made by us a moment ago. */
static int
dress(int fd, const char *path, mode_t mode, uid_t uid, gid_t gid,
    struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return fault_system(why, errno, "stat %s", path);
	if (st.st_uid != geteuid())
		return fault_temporary(why, 451, 3, 0,
		    "%s: was exchanged while it was made", path);
	if (geteuid() == 0 && (st.st_uid != uid || st.st_gid != gid) &&
	    fchown(fd, uid, gid) == -1)
		return fault_system(why, errno, "chown %s", path);
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) == -1)
		return fault_system(why, errno, "chmod %s", path);
	return 0;
}

static int
inspect(int fd, const char *path, mode_t mode, uid_t uid, gid_t gid,
    struct fault *why)
{
	struct stat st;
	mode_t have;

	if (fstat(fd, &st) == -1)
		return fault_system(why, errno, "stat %s", path);
	have = st.st_mode & 07777;
	if (st.st_uid != uid)
		return fault_temporary(why, 451, 3, 0,
		    "%s: belongs to user %u, must belong to %u", path,
		    (unsigned)st.st_uid, (unsigned)uid);
	if ((have & 070) != 0 && st.st_gid != gid)
		return fault_temporary(why, 451, 3, 0,
		    "%s: belongs to group %u, must belong to %u", path,
		    (unsigned)st.st_gid, (unsigned)gid);
	/* Without the sticky bit others could remove what is not theirs. */
	if ((have & 0777 & ~mode) != 0 || (mode & ~have & S_ISVTX) != 0)
		return fault_temporary(why, 451, 3, 0,
		    "%s: has mode %04o, must not be wider than %04o", path,
		    (unsigned)have, (unsigned)mode);
	return 0;
}

int
dir_make(int dirfd, const char *path, mode_t mode, uid_t uid, gid_t gid,
    struct fault *why)
{
	bool made;
	int fd, result;

	made = mkdirat(dirfd, path, mode & 0700) == 0;
	if (!made && errno != EEXIST)
		return fault_system(why, errno, "make directory %s", path);
	if ((fd = dir_open(dirfd, path, why)) == -1)
		return -1;
	if (made)
		result = dress(fd, path, mode, uid, gid, why);
	else
		result = inspect(fd, path, mode, uid, gid, why);
	close(fd);
	return result;
}

int
dir_walk_open(struct dir_walk *walk, int dirfd, const char *path,
    struct fault *why)
{
	int fd, err;

	walk->handle = NULL;
	walk->inode = 0;
	walk->broken = false;
	if ((fd = dir_open(dirfd, path, why)) == -1)
		return -1;
	if ((walk->handle = fdopendir(fd)) == NULL) {
		err = errno;
		close(fd);
		return fault_system(why, err, "read directory %s", path);
	}
	return 0;
}

const char *
dir_walk_next(struct dir_walk *walk)
{
	const struct dirent *e;

	errno = 0;
	while ((e = readdir(walk->handle)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		walk->inode = e->d_ino;
		return e->d_name;
	}
	walk->broken = errno != 0;
	return NULL;
}

void
dir_walk_close(struct dir_walk *walk)
{
	if (walk->handle != NULL)
		closedir(walk->handle);
	walk->handle = NULL;
}
