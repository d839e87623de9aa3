/* SPDX-License-Identifier: ISC */
/*
 * Is this a place to keep mail in?  Before the daemon takes the first message
 * it makes an entry's way with a file of its own, and says which protocol the
 * file system asks for: one sync a message where that is known to be enough, a
 * sync of the directory as well everywhere else.  What lies in memory, or on
 * another machine that may answer before it has written, is named, and whoever
 * starts the daemon decides.
 *
 * The file has a temporary name (spool/temp), never an entry's, so that what a
 * crash leaves of it is swept like any other.
 *
 * Called by the warden's child at start, as the user of the queue; `godwit
 * check` only looks.
 */

#include "spool/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/dir.h"
#include "spool/temp.h"

#define TRIAL_TEXT	"godwit tries whether mail can be kept here\r\n"

static void
judge(int fd, struct trial *t)
{
	file_system_find(fd, &t->fs);
	t->dir_sync = t->fs.trust != FILE_TRUST_SYNC;
}

/* The directory of a path. */
static int
open_parent(const char *path, struct fault *why)
{
	struct str s = str_of(path);
	size_t slash = str_rfind(s, '/');
	struct buf b = { 0 };
	int fd;

	if (slash == s.n)
		buf_putc(&b, '.');
	else
		buf_puts(&b, str_slice(s, 0, slash == 0 ? 1 : slash));
	fd = dir_open(AT_FDCWD, buf_cstr(&b), why);
	buf_free(&b);
	return fd;
}

int
trial_look(const char *path, struct trial *t, struct fault *why)
{
	bool supported = true;
	struct fault ignored;
	int fd, file;

	memset(t, 0, sizeof(*t));
	fd = dir_open(AT_FDCWD, path, why);
	if (fd < 0)
		fd = open_parent(path, why);
	if (fd < 0)
		return -1;
	judge(fd, t);
	file = file_open_unnamed(fd, "q/00", 0600, false, &supported,
	    &ignored);
	if (file >= 0)
		close(file);
	t->temporaries = !supported;
	close(fd);
	return 0;
}

/* It reads back what was written, and the lock of the first opener holds. */
static int
look_again(const struct spool *s, const char *name, struct fault *why)
{
	char path[SPOOL_PATH_MAX], text[sizeof(TRIAL_TEXT) - 1];
	int r, fd = openat(s->q, temp_path(name, path),
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return fault_system(why, errno, "open q/%s", path);
	r = file_pread(fd, text, sizeof(text), 0, why);
	if (r == 0 && memcmp(text, TRIAL_TEXT, sizeof(text)) != 0)
		r = fault_temporary(why, 451, 3, 0,
		    "what was written is not what is read");
	if (r == 0 && file_try_lock(fd) == 1)
		r = fault_temporary(why, 451, 3, 0,
		    "a file can be locked (flock) by two at once");
	close(fd);
	return r;
}

/* Of an open file, which gets a name and loses it. */
static int
make_way(const struct spool *s, int fd, const char *name, struct fault *why)
{
	char path[SPOOL_PATH_MAX];
	bool exists;

	if (file_try_lock(fd) != 1)
		return fault_temporary(why, 451, 3, 0,
		    "a file cannot be locked (flock)");
	if (file_pwrite(fd, TRIAL_TEXT, sizeof(TRIAL_TEXT) - 1, 0, why) < 0 ||
	    file_link(fd, s->q, temp_path(name, path), &exists, why) < 0)
		return -1;
	if (file_sync_named(fd, why) < 0 ||
	    (s->dir_sync && spool_sync_shard(s, name, why) < 0) ||
	    look_again(s, name, why) < 0) {
		(void)unlinkat(s->q, path, 0);
		return -1;
	}
	return temp_remove(s, name, false, why);
}

int
trial_run(const struct spool *s, struct trial *t, struct fault *why)
{
	char begun[SPOOL_NAME_MAX], name[SPOOL_NAME_MAX], shard[3];
	bool supported = false;
	struct fault ignored;
	int fd = -1, r;

	memset(t, 0, sizeof(*t));
	judge(s->root, t);
	spool_name_new(begun, clock_wall_ms());
	spool_name_new(name, clock_wall_ms());
	spool_shard(name, shard);
	if (!s->temporaries)
		fd = file_open_unnamed(s->q, shard, s->mode, false, &supported,
		    why);
	if (!supported) {
		t->temporaries = true;
		fd = temp_open(s, begun, false, why);
	}
	if (fd < 0)
		return -1;
	r = make_way(s, fd, name, why);
	close(fd);
	if (t->temporaries)
		(void)temp_remove(s, begun, false, &ignored);
	return r;
}

bool
trial_is_durable(const struct trial *t, const char *path, struct fault *why)
{
	static const char remedy[] = "put it on a disk of this machine (ext4, "
	    "xfs, btrfs), or accept that with \"spool-may-lose-mail yes\"";

	switch (t->fs.trust) {
	case FILE_TRUST_SYNC:
	case FILE_TRUST_DIR:
		return true;
	case FILE_TRUST_REMOTE:
		fault_permanent(why, 554, 3, 5, "spool %s: it lies on %s, "
		    "where no sync proves that mail is kept: %s", path,
		    t->fs.name, remedy);
		return false;
	case FILE_TRUST_MEMORY:
		fault_permanent(why, 554, 3, 5, "spool %s: it lies on %s, "
		    "which forgets all mail when the machine stops: %s", path,
		    t->fs.name, remedy);
		return false;
	}
	return false;
}

void
trial_describe(const struct trial *t, const char *path, struct buf *out)
{
	buf_printf(out, "spool %s: %s: ", path, t->fs.name);
	buf_putz(out, t->dir_sync ? "also syncs the directory" :
	    "one sync a message");
	if (t->temporaries)
		buf_putz(out, ", and begins under a temporary name (no "
		    "O_TMPFILE)");
}
