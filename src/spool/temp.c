/* SPDX-License-Identifier: ISC */
/*
 * Entries that are begun under a temporary name, for file systems that do not
 * know O_TMPFILE.
 *
 *	(nothing) ──open(O_EXCL), flock──▶ .t.NAME ──link──▶ both ──▶ NAME
 *	                                      │               │ unlink(.t.NAME)
 *	                                      └── given up, swept: gone
 *
 * A rename would do in one call what link and unlink do in two, but whoever
 * may rename in a directory may remove from it: Landlock asks for that right,
 * and all sessions are one user, so that a stolen one could take away what
 * another has just been answered 250 for.  So a session links, which it may
 * anyway, and the temporary name is removed by the runner, who is told of it
 * and who also finds it when he walks over the spool.
 *
 * A link stays in its directory (os/sandbox), so one that is held begins in hold.
 *
 * Who writes an entry has it locked.  To remove the temporary name of one that
 * is linked harms nobody, not even the writer; if it is not linked, and were
 * removed too early, the link would fail and the answer be 451.
 */

#include "spool/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/clock.h"
#include "os/file.h"

const char *
temp_entry(const char *file)
{
	const char *name = file + sizeof(TEMP_PREFIX) - 1;

	if (strncmp(file, TEMP_PREFIX, sizeof(TEMP_PREFIX) - 1) != 0 ||
	    !spool_name_is_valid(str_of(name)))
		return NULL;
	return name;
}

const char *
temp_path(const char *name, char out[SPOOL_PATH_MAX])
{
	char shard[3];

	spool_shard(name, shard);
	text_print(out, SPOOL_PATH_MAX, "%s/" TEMP_PREFIX "%s", shard, name);
	return out;
}

/* "hold" has all in one directory. */
static const char *
temp_path_held(const char *name, char out[SPOOL_PATH_MAX])
{
	text_print(out, SPOOL_PATH_MAX, TEMP_PREFIX "%s", name);
	return out;
}

int
temp_open(const struct spool *s, const char *name, bool in_hold,
    struct fault *why)
{
	const char *top = in_hold ? "hold" : "q";
	int dir = in_hold ? s->hold : s->q;
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC;
	char path[SPOOL_PATH_MAX];
	int fd;

	(void)(in_hold ? temp_path_held(name, path) : temp_path(name, path));
	fd = openat(dir, path, flags, s->mode);
	/* A bounce has the same name when it is made again after a crash. */
	if (fd < 0 && errno == EEXIST) {
		(void)temp_sweep(s, name, 0);
		fd = openat(dir, path, flags, s->mode);
	}
	if (fd < 0)
		return fault_system(why, errno, "create %s/%s", top, path);
	if (file_try_lock(fd) == 1)
		return fd;
	close(fd);
	return fault_temporary(why, 451, 3, 0, "%s/%s: is locked by another",
	    top, path);
}

int
temp_remove(const struct spool *s, const char *name, bool in_hold,
    struct fault *why)
{
	char path[SPOOL_PATH_MAX];

	(void)(in_hold ? temp_path_held(name, path) : temp_path(name, path));
	if (unlinkat(in_hold ? s->hold : s->q, path, 0) < 0 &&
	    errno != ENOENT)
		return fault_system(why, errno, "unlink %s/%s", in_hold ?
		    "hold" : "q", path);
	return 0;
}

bool
temp_sweep(const struct spool *s, const char *name, int64_t age)
{
	char path[SPOOL_PATH_MAX];

	bool swept = temp_sweep_at(s->q, temp_path(name, path), age);

	return temp_sweep_at(s->hold, temp_path_held(name, path), age) ||
	    swept;
}

bool
temp_sweep_at(int dirfd, const char *path, int64_t age)
{
	struct stat st;
	bool removed = false;
	int fd;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (st.st_nlink > 1)
		return unlinkat(dirfd, path, 0) == 0;
	if (clock_wall() - (int64_t)st.st_mtime < age)
		return false;
	fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd < 0)
		return false;
	if (file_try_lock(fd) == 1)
		removed = unlinkat(dirfd, path, 0) == 0;
	close(fd);
	return removed;
}
