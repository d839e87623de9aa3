/* SPDX-License-Identifier: ISC */
/*
 * The places of the spool and the names in it.  All paths are relative to
 * descriptors that were opened once, so that a process can keep working in its
 * spool after it has given up the right to see anything else.
 *
 * The directories are made when the daemon starts, never on the way of a
 * message.  With privilege they belong to the queue runner.  Sessions run as
 * another user in the runner's group; the q directories and hold are writable
 * for the group but cannot be listed by it, and an entry made by a session has mode
 * 0060: the runner opens it through the group, its own maker cannot (the class
 * of the owner comes first and holds nothing).  So a session that was taken
 * over cannot read, change or remove any message, its own included, even where
 * the kernel has no Landlock.
 */

#include "spool/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/dir.h"
#include "os/file.h"

enum {
	TIME_DIGITS = 10,
	CHANCE_DIGITS = SPOOL_ID_LEN - TIME_DIGITS,
	BOUNCE_DEPTH_MAX = 2,
};

static int
make_shards(int q, mode_t mode, const struct spool_owner *o, struct fault *why)
{
	char name[3];

	for (unsigned i = 0; i < SPOOL_SHARDS; i++) {
		text_print(name, sizeof(name), "%02x", i);
		if (dir_make(q, name, mode, o->uid, o->gid, why) < 0)
			return -1;
	}
	return 0;
}

/* Its directory is root's (who else could put something there?), so that the
 * runner could not make it.  Without it one can live. */
static int
make_journal(int root, const struct spool_owner *o, struct fault *why)
{
	struct stat st;
	int r = 0, fd = openat(root, SPOOL_JOURNAL, O_WRONLY | O_CREAT |
	    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd < 0 && errno == ENOSPC)
		return 0;
	if (fd < 0)
		return fault_system(why, errno, "make " SPOOL_JOURNAL);
	if (fstat(fd, &st) < 0 || (geteuid() == 0 && (st.st_uid != o->uid ||
	    st.st_gid != o->gid) && fchown(fd, o->uid, o->gid) < 0))
		r = fault_system(why, errno, "chown " SPOOL_JOURNAL);
	close(fd);
	return r;
}

int
spool_make(const char *path, const struct spool_owner *owner,
    struct fault *why)
{
	struct spool_owner me = { geteuid(), getegid(), getegid() };
	const struct spool_owner *o = owner != NULL ? owner : &me;
	mode_t q_mode = owner != NULL ? 03730 : 0700;
	mode_t drop_mode = owner != NULL ? 01730 : 0700;
	uid_t root_uid = owner != NULL ? 0 : o->uid;
	int root, q, r = -1;

	if (dir_make(AT_FDCWD, path, 0755, root_uid,
	    owner != NULL ? 0 : o->gid, why) < 0)
		return -1;
	root = dir_open(AT_FDCWD, path, why);
	if (root < 0)
		return -1;
	if (make_journal(root, o, why) == 0 &&
	    dir_make(root, "q", owner != NULL ? 0710 : 0700, o->uid, o->gid,
	    why) == 0 &&
	    dir_make(root, "hold", q_mode, o->uid, o->gid, why) == 0 &&
	    dir_make(root, "corrupt", 0700, o->uid, o->gid, why) == 0 &&
	    dir_make(root, SPOOL_INDEX, 0700, o->uid, o->gid, why) == 0 &&
	    dir_make(root, "drop", drop_mode, o->uid, o->drop_gid, why) == 0) {
		q = dir_open(root, "q", why);
		if (q >= 0) {
			r = make_shards(q, q_mode, o, why);
			close(q);
		}
	}
	close(root);
	return r;
}

static int
open_shards(struct spool *s, struct fault *why)
{
	char name[3];

	s->shards = mem_array(SPOOL_SHARDS, sizeof(*s->shards));
	for (unsigned i = 0; i < SPOOL_SHARDS; i++)
		s->shards[i] = -1;
	for (unsigned i = 0; i < SPOOL_SHARDS; i++) {
		text_print(name, sizeof(name), "%02x", i);
		s->shards[i] = dir_open(s->q, name, why);
		if (s->shards[i] < 0)
			return -1;
	}
	return 0;
}

int
spool_open(struct spool *s, const char *path, bool writer_only, bool foreign,
    struct fault *why)
{
	s->root = s->q = s->hold = -1;
	s->shards = NULL;
	s->temporaries = false;
	s->mode = foreign ? 0060 : 0600;
	clock_boot_id(s->boot_id);
	s->root = dir_open(AT_FDCWD, path, why);
	if (s->root < 0)
		return -1;
	s->dir_sync = !file_name_is_synced(s->root);
	s->q = openat(s->root, "q",
	    (writer_only ? O_PATH : O_RDONLY) | O_DIRECTORY | O_CLOEXEC);
	s->hold = openat(s->root, "hold", (writer_only && !s->dir_sync ?
	    O_PATH : O_RDONLY) | O_DIRECTORY | O_CLOEXEC);
	if (s->q < 0 || s->hold < 0) {
		fault_system(why, errno, "open %s/%s", path,
		    s->q < 0 ? "q" : "hold");
		spool_close(s);
		return -1;
	}
	if (s->dir_sync && open_shards(s, why) < 0) {
		spool_close(s);
		return -1;
	}
	if (writer_only) {
		close(s->root);
		s->root = -1;
	}
	return 0;
}

void
spool_close(struct spool *s)
{
	if (s->root >= 0)
		close(s->root);
	if (s->q >= 0)
		close(s->q);
	if (s->hold >= 0)
		close(s->hold);
	for (unsigned i = 0; s->shards != NULL && i < SPOOL_SHARDS; i++)
		if (s->shards[i] >= 0)
			close(s->shards[i]);
	mem_free(s->shards);
	s->shards = NULL;
	s->root = s->q = s->hold = -1;
}

void
spool_name_new(char name[SPOOL_NAME_MAX], int64_t wall_ms)
{
	uint64_t chance;

	if (getrandom(&chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
		die("getrandom: %s", strerror(errno));
	num_base32(name, TIME_DIGITS, (uint64_t)wall_ms &
	    ((UINT64_C(1) << (5 * TIME_DIGITS)) - 1));
	num_base32(name + TIME_DIGITS, CHANCE_DIGITS,
	    chance & ((UINT64_C(1) << (5 * CHANCE_DIGITS)) - 1));
	name[SPOOL_ID_LEN] = '\0';
}

bool
spool_name_is_valid(struct str name)
{
	uint64_t v;
	struct str tail;

	if (name.n < SPOOL_ID_LEN || name.n >= SPOOL_NAME_MAX)
		return false;
	if (!num_parse_base32(str_slice(name, 0, TIME_DIGITS), &v) ||
	    !num_parse_base32(str_slice(name, TIME_DIGITS, SPOOL_ID_LEN), &v))
		return false;
	tail = str_from(name, SPOOL_ID_LEN);
	for (int depth = 0; tail.n > 0; depth++) {
		size_t n = 2;

		if (depth == BOUNCE_DEPTH_MAX || !str_starts(tail, STR("-b")))
			return false;
		while (n < tail.n && str_is_digit(tail.p[n]))
			n++;
		if (n == 2 || tail.p[2] == '0')
			return false;
		tail = str_from(tail, n);
	}
	return true;
}

static unsigned
shard_of(const char *name)
{
	uint64_t v = 0;

	must(num_parse_base32(str_span(name + SPOOL_ID_LEN - 2, 2), &v));
	return (unsigned)(v % SPOOL_SHARDS);
}

void
spool_shard(const char *name, char out[3])
{
	text_print(out, 3, "%02x", shard_of(name));
}

const char *
spool_entry_path(const char *name, char out[SPOOL_PATH_MAX])
{
	char shard[3];

	spool_shard(name, shard);
	text_print(out, SPOOL_PATH_MAX, "%s/%s", shard, name);
	return out;
}

int
spool_set_aside(const struct spool *s, const char *name, const char *where,
    struct fault *why)
{
	char from[SPOOL_PATH_MAX], to[SPOOL_PATH_MAX];

	spool_entry_path(name, from);
	text_print(to, sizeof(to), "%s/%s", where, name);
	if (renameat(s->q, from, s->root, to) < 0)
		return fault_system(why, errno, "rename q/%s to %s", from, to);
	return 0;
}

int
spool_bring_back(const struct spool *s, const char *name, const char *where,
    struct fault *why)
{
	char from[SPOOL_PATH_MAX], to[SPOOL_PATH_MAX];

	text_print(from, sizeof(from), "%s/%s", where, name);
	spool_entry_path(name, to);
	if (renameat(s->root, from, s->q, to) < 0)
		return fault_system(why, errno, "rename %s to q/%s", from, to);
	return 0;
}

int
spool_remove(const struct spool *s, const char *name, struct fault *why)
{
	char path[SPOOL_PATH_MAX];

	spool_entry_path(name, path);
	if (unlinkat(s->q, path, 0) < 0)
		return fault_system(why, errno, "unlink q/%s", path);
	return 0;
}

int
spool_sync_shard(const struct spool *s, const char *name, struct fault *why)
{
	char shard[3];
	int dir, r;

	if (s->shards != NULL)
		return file_sync_dir(s->shards[shard_of(name)], why);
	spool_shard(name, shard);
	dir = dir_open(s->q, shard, why);
	if (dir < 0)
		return -1;
	r = file_sync_dir(dir, why);
	close(dir);
	return r;
}
