/* SPDX-License-Identifier: ISC */
/*
 * Delivery into a Maildir, as the recipient.
 *
 *	             O_TMPFILE in tmp/
 *	  (nothing) ──────────────────▶ unnamed ── crash: gone
 *	                                   │ write, link to new/NAME
 *	                                   ▼
 *	     gone ◀── sync failed: ──── named ── crash: whole, torn or gone;
 *	              unlink               │     the next attempt will see
 *	                                   │ fsync (and fsync of new/
 *	                                   ▼ where it is needed)
 *	                                durable ── may be told
 *
 * The name follows from the entry and the recipient, so that a delivery that
 * was cut short cannot happen twice: a file of that name in new/ with the bytes
 * of the message is this message.  One with others is what a power cut has left
 * of it, and is replaced; the right size proves nothing, since it may be on the
 * disk before the bytes.  When there was an attempt before, cur/ is looked at
 * too, for a reader may have moved the file there; new/ first, since files move
 * in that direction only.
 *
 * Where a file system knows no unnamed files, a file in tmp/ takes their place
 * and is removed in the end.
 *
 * Directories are made when one is found missing, not looked for each time.
 * What exists is never changed.  Everything runs with the recipient's power
 * alone, so that the kernel minds symbolic links and owners for us.
 */
#include "deliver/place.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "os/dir.h"
#include "os/file.h"

enum {
	COMPARE_STEP = 4096,
};

#define OPEN_SAFE	(O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

struct box {
	const struct place	*place;
	struct str	 name;		/* of the message */
	struct str	 root;		/* of the Maildir; all are paths */
	const char	*cur, *new, *tmp;
	const char	*target;	/* new/NAME */
	const char	*draft;		/* tmp/NAME */
	bool		 drafted;	/* the file has a name in tmp/ */
};

static const char *
below(const struct box *b, const char *name)
{
	return arena_printf(&b->place->message->arena, "%.*s/%s",
	    STR_ARG(b->root), name).p;
}

/* The path as it was configured, with "~" and "%u" filled in. */
static struct str
expand_path(const struct place *p)
{
	struct str path = p->conf->deliver.path, out;
	struct buf b = { 0 };

	if (str_starts(path, STR("~/"))) {
		buf_puts(&b, p->user->home);
		path = str_from(path, 1);
	}
	for (size_t i = 0; i < path.n; i++) {
		if (str_starts(str_from(path, i), STR("%u"))) {
			buf_puts(&b, p->user->name);
			i++;
		} else
			buf_putc(&b, path.p[i]);
	}
	out = arena_str(&p->message->arena, buf_str(&b));
	buf_free(&b);
	return out;
}

/* maildir(5): no slash and no colon in the part that names the host. */
static struct str
make_name(const struct place *p)
{
	struct message *m = p->message;
	struct str host = p->conf->hostname, out;
	struct buf b = { 0 };

	buf_printf(&b, "%lld.%s-%u.",
	    (long long)(m->super.arrival_wall_ms / 1000), p->hand->name,
	    (unsigned)p->hand->index);
	for (size_t i = 0; i < host.n; i++) {
		if (host.p[i] == '/')
			buf_putz(&b, "\\057");
		else if (host.p[i] == ':')
			buf_putz(&b, "\\072");
		else
			buf_putc(&b, host.p[i]);
	}
	out = arena_str(&m->arena, buf_str(&b));
	buf_free(&b);
	return out;
}

static void
find_paths(struct box *b, const struct place *p)
{
	struct arena *a = &p->message->arena;

	*b = (struct box){ .place = p };
	b->root = expand_path(p);
	b->name = make_name(p);
	b->cur = below(b, "cur");
	b->new = below(b, "new");
	b->tmp = below(b, "tmp");
	b->target = arena_printf(a, "%s/%.*s", b->new, STR_ARG(b->name)).p;
	b->draft = arena_printf(a, "%s/%.*s", b->tmp, STR_ARG(b->name)).p;
}

static int
sync_dir(const char *path, struct fault *why)
{
	int fd, r;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fault_system(why, errno, "open %s", path);
	r = file_sync_dir(fd, why);
	close(fd);
	if (r < 0)
		fault_prefix(why, "%s", path);
	return r;
}

/* Makes what is missing of the Maildir; true if something was.  Why it could
 * not be made is told by whoever needs it. */
static bool
make_dirs(const struct box *b)
{
	struct arena *a = &b->place->message->arena;
	const char *root = arena_str(a, b->root).p;
	size_t slash = str_rfind(b->root, '/');
	struct fault ignored;
	bool made = false;

	made |= mkdir(root, 0700) == 0;
	made |= mkdir(b->tmp, 0700) == 0;
	made |= mkdir(b->new, 0700) == 0;
	made |= mkdir(b->cur, 0700) == 0;
	if (made) {
		(void)sync_dir(root, &ignored);
		(void)sync_dir(arena_str(a,
		    str_slice(b->root, 0, slash > 0 ? slash : 1)).p,
		    &ignored);
	}
	return made;
}

static int
open_unnamed(struct box *b, struct fault *why)
{
	bool supported;
	int fd;

	fd = file_open_unnamed(AT_FDCWD, b->tmp, 0600, true, &supported, why);
	if (!supported)
		b->place->kept->no_unnamed = true;
	return fd;
}

/* What an attempt that was cut short has left under this name is stale: the
 * entry is locked by our worker. */
static int
open_drafted(struct box *b, struct fault *why)
{
	int fd, flags = O_RDWR | O_CREAT | O_EXCL | OPEN_SAFE;

	fd = open(b->draft, flags, 0600);
	if (fd < 0 && errno == EEXIST && unlink(b->draft) == 0)
		fd = open(b->draft, flags, 0600);
	if (fd < 0)
		return place_fault(why, errno, "create %s", b->draft);
	b->drafted = true;
	return fd;
}

static int
open_file(struct box *b, struct fault *why)
{
	int fd = -1;

	if (!b->place->kept->no_unnamed)
		fd = open_unnamed(b, why);
	if (fd < 0 && b->place->kept->no_unnamed)
		fd = open_drafted(b, why);
	return fd;
}

/* Whether both hold the same bytes: 1, 0 or -1. */
static int
compare(int one, int other, struct fault *why)
{
	char p[COMPARE_STEP], q[COMPARE_STEP];
	struct stat st, its;
	off_t at = 0;

	if (fstat(one, &st) < 0 || fstat(other, &its) < 0)
		return fault_system(why, errno, "stat");
	if (!S_ISREG(its.st_mode) || st.st_size != its.st_size)
		return 0;
	while (at < st.st_size) {
		size_t n = st.st_size - at < COMPARE_STEP ?
		    (size_t)(st.st_size - at) : COMPARE_STEP;

		if (file_pread(one, p, n, at, why) < 0 ||
		    file_pread(other, q, n, at, why) < 0)
			return -1;
		if (memcmp(p, q, n) != 0)
			return 0;
		at += (off_t)n;
	}
	return 1;
}

/* Whether the file of that path is what fd holds: 1, and it is open at
 * *found; 0, or -1. */
static int
find_same(const char *path, int fd, int *found, struct fault *why)
{
	int r;

	*found = open(path, O_RDONLY | OPEN_SAFE);
	if (*found < 0 && errno == ENOENT)
		return 0;
	if (*found < 0)
		return fault_system(why, errno, "open %s", path);
	r = compare(fd, *found, why);
	if (r < 0)
		fault_prefix(why, "%s", path);
	if (r != 1)
		close(*found);
	return r;
}

/* The file in new/, if it is the message: 1, and it is durable; 0: it is not
 * there, or was torn and has been removed. */
static int
settle(const struct box *b, int fd, struct fault *why)
{
	int found, r = find_same(b->target, fd, &found, why);

	if (r == 0 && unlink(b->target) < 0 && errno != ENOENT)
		return fault_system(why, errno, "remove %s", b->target);
	if (r != 1)
		return r;
	r = file_sync_named(found, why) < 0 || sync_dir(b->new, why) < 0 ?
	    -1 : 1;
	close(found);
	return r;
}

/* NAME or NAME:2,FLAGS */
static bool
is_name(const struct box *b, struct str entry)
{
	if (!str_starts(entry, b->name))
		return false;
	entry = str_from(entry, b->name.n);
	return entry.n == 0 || entry.p[0] == ':';
}

static int
find_read(const struct box *b, int fd, struct fault *why)
{
	struct dir_walk walk;
	const char *entry;
	int found, r = 0;

	/* The dot: cur may be a symbolic link of the user's making. */
	if (dir_walk_open(&walk, AT_FDCWD, below(b, "cur/."), why) < 0)
		return make_dirs(b) ? 0 : -1;
	while (r == 0 && (entry = dir_walk_next(&walk)) != NULL)
		if (is_name(b, str_of(entry)) && (r = find_same(
		    below(b, arena_printf(&b->place->message->arena,
		    "cur/%s", entry).p), fd, &found, why)) == 1)
			close(found);
	dir_walk_close(&walk);
	return r;
}

/* Has the attempt before come so far? 1, 0 or -1. */
static int
find_former(const struct box *b, int fd, struct fault *why)
{
	int r = settle(b, fd, why);

	return r != 0 ? r : find_read(b, fd, why);
}

static int
give_name(const struct box *b, int fd, bool *exists, struct fault *why)
{
	if (!b->drafted)
		return file_link(fd, AT_FDCWD, b->target, exists, why);
	*exists = false;
	if (link(b->draft, b->target) == 0)
		return 0;
	*exists = errno == EEXIST;
	return place_fault(why, errno, "link %s", b->target);
}

/* 1 when it had been delivered before, 0 when it has its name now. */
static int
publish(const struct box *b, int fd, struct fault *why)
{
	bool exists;
	int r;

	if (b->place->hand->again && (r = find_former(b, fd, why)) != 0)
		return r;
	if (give_name(b, fd, &exists, why) == 0)
		return 0;
	if (exists) {
		if ((r = settle(b, fd, why)) != 0)
			return r;
	} else if (!make_dirs(b))
		return -1;
	return give_name(b, fd, &exists, why);
}

static int
make_durable(const struct box *b, int fd, struct fault *why)
{
	if (file_sync_named(fd, why) == 0 && (place_name_is_synced(b->place, fd) ||
	    sync_dir(b->new, why) == 0))
		return 0;
	(void)unlink(b->target);
	return -1;
}

static int
fill(const struct box *b, int fd, struct fault *why)
{
	int r;

	if (place_write(b->place, fd, STR_NONE, why) < 0)
		return -1;
	if ((r = publish(b, fd, why)) != 0)
		return r < 0 ? -1 : 0;
	return make_durable(b, fd, why);
}

int
maildir_deliver(const struct place *p, struct fault *why)
{
	struct box b;
	int fd, r;

	if (!place_name_is_safe(p->user->name))
		return fault_temporary(why, 451, 3, 5,
		    "the user's name cannot be part of a path");
	find_paths(&b, p);
	fd = open_file(&b, why);
	if (fd < 0 && make_dirs(&b))
		fd = open_file(&b, why);
	if (fd < 0)
		return -1;
	r = fill(&b, fd, why);
	if (b.drafted)
		(void)unlink(b.draft);
	close(fd);
	return r;
}
