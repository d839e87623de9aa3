/* SPDX-License-Identifier: ISC */
/*
 * Delivery to the end of an mbox, DIRECTORY/USER, as the recipient.
 *
 * The locks are those of Debian policy 11.6, in its order: fcntl(2) first,
 * then the dot lock, made so that it holds over NFS too (a file of a name that
 * nobody else has, linked to the name of the lock; what counts is not what
 * link(2) answered but the number of links).  Whoever cannot write to the
 * directory does without the dot lock, as the readers then do.  A dot lock
 * that has not changed for five minutes was forgotten by somebody; one of our
 * own making, as soon as we have the fcntl lock, which its maker held too.
 *
 * What was opened is believed only after it is locked: a regular file with one
 * name, the user's own, and still the one that bears the name.  Nothing that
 * exists is given another owner or mode.  A mailbox that is missing is made.
 *
 * On any failure the file is cut back to its former size, and the fault is a
 * temporary one.  An mbox cannot tell whether a message is in it already: an
 * attempt that was cut short by a crash may show twice, once in part.
 */
#include "deliver/place.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/date.h"
#include "os/clock.h"
#include "os/file.h"

enum {
	STALE_AFTER = 5 * 60,	/* seconds; Debian policy 11.6 by liblockfile */
	PAUSE_FIRST = 5,	/* ms between two looks at a lock; doubles */
	PAUSE_MOST = 500,
};

/* What lies in a dot lock of ours. */
static const char OURS[] = "godwit\n";

struct mailbox {
	const struct place	*place;
	const char	*dir_path;
	int		 dir, fd;
	const char	*name;		/* in dir */
	const char	*lock, *own;	/* dot lock; the file linked to it */
	bool		 locked;	/* the dot lock is ours */
	off_t		 size;		/* before we came */
	int64_t		 deadline;	/* for both locks, monotonic ms */
	int		 pause;
};

enum turn {
	TURN_DONE,
	TURN_WAIT,		/* held by another */
	TURN_NONE,		/* cannot be had here at all */
	TURN_FAULT,
};

/* False when the time is up. */
static bool
rest(struct mailbox *b)
{
	struct timespec ts = { .tv_nsec = b->pause * 1000000L };

	if (clock_mono_ms() >= b->deadline)
		return false;
	(void)nanosleep(&ts, NULL);
	b->pause = b->pause * 2 < PAUSE_MOST ? b->pause * 2 : PAUSE_MOST;
	return true;
}

static int
open_file(struct mailbox *b, struct fault *why)
{
	b->fd = openat(b->dir, b->name, O_RDWR | O_APPEND | O_CREAT |
	    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (b->fd < 0)
		return place_fault(why, errno, "open mailbox %s/%s",
		    b->dir_path, b->name);
	return 0;
}

static int
lock_file(struct mailbox *b, struct fault *why)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	b->pause = PAUSE_FIRST;
	while (fcntl(b->fd, F_SETLK, &lock) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EACCES)
			return fault_system(why, errno, "lock mailbox %s/%s",
			    b->dir_path, b->name);
		if (!rest(b))
			return fault_temporary(why, 451, 2, 0,
			    "mailbox %s/%s is locked by another program",
			    b->dir_path, b->name);
	}
	return 0;
}

/* Is the file that is locked the mailbox, and fit to be one?  A reader may
 * have put a new one in its place: TURN_WAIT, to be opened again. */
static enum turn
inspect(struct mailbox *b, struct fault *why)
{
	struct stat st, named;
	const char *flaw = NULL;

	if (fstat(b->fd, &st) < 0) {
		fault_system(why, errno, "stat mailbox %s/%s", b->dir_path,
		    b->name);
		return TURN_FAULT;
	}
	if (!S_ISREG(st.st_mode))
		flaw = "is not a regular file";
	else if (fstatat(b->dir, b->name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    named.st_ino != st.st_ino || named.st_dev != st.st_dev)
		return TURN_WAIT;
	else if (st.st_nlink != 1)
		flaw = "has more than one name";
	else if (st.st_uid != b->place->user->uid)
		flaw = "does not belong to its user";
	if (flaw != NULL) {
		/* RFC 3463 3.3: x.2.0, other mailbox status. */
		fault_temporary(why, 451, 2, 0, "mailbox %s/%s %s",
		    b->dir_path, b->name, flaw);
		return TURN_FAULT;
	}
	b->size = st.st_size;
	return TURN_DONE;
}

/* A dot lock that has been as it is for too long.  Both times are of the file
 * system's clock, which need not be ours. */
static bool
is_stale(const struct mailbox *b, time_t now)
{
	struct stat st;

	return fstatat(b->dir, b->lock, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now - st.st_mtime > STALE_AFTER;
}

/* Left by one of us who was killed: alive he would still have the fcntl lock,
 * which he takes before and lets go after this one. */
static bool
is_orphan(const struct mailbox *b)
{
	char text[sizeof(OURS)];
	ssize_t n;
	int fd;

	fd = openat(b->dir, b->lock, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n == (ssize_t)sizeof(OURS) - 1 &&
	    memcmp(text, OURS, (size_t)n) == 0;
}

static enum turn
try_dot_lock(const struct mailbox *b, int64_t since, struct fault *why)
{
	struct stat st;

	(void)!linkat(b->dir, b->own, b->dir, b->lock, 0);
	if (fstatat(b->dir, b->own, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		fault_system(why, errno, "stat %s/%s", b->dir_path, b->own);
		return TURN_FAULT;
	}
	if (st.st_nlink == 2)
		return TURN_DONE;
	if (is_orphan(b) ||
	    is_stale(b, st.st_mtime + (clock_mono_ms() - since) / 1000))
		(void)unlinkat(b->dir, b->lock, 0);
	return TURN_WAIT;
}

/* The file with our own name: what will be the lock when it is linked. */
static enum turn
make_own(const struct mailbox *b, struct fault *why)
{
	int fd;

	fd = openat(b->dir, b->own, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0644);
	if (fd < 0 && (errno == EACCES || errno == EPERM || errno == EROFS))
		return TURN_NONE;
	if (fd < 0) {
		place_fault(why, errno, "create %s/%s", b->dir_path, b->own);
		return TURN_FAULT;
	}
	/* On a full disk it is a lock all the same. */
	(void)!write(fd, OURS, sizeof(OURS) - 1);
	close(fd);
	return TURN_DONE;
}

static int
dot_lock(struct mailbox *b, struct fault *why)
{
	int64_t since = clock_mono_ms();
	enum turn t = make_own(b, why);

	if (t != TURN_DONE)
		return t == TURN_NONE ? 0 : -1;
	b->pause = PAUSE_FIRST;
	do
		t = try_dot_lock(b, since, why);
	while (t == TURN_WAIT && rest(b));
	(void)unlinkat(b->dir, b->own, 0);
	b->locked = t == TURN_DONE;
	if (t == TURN_WAIT)
		fault_temporary(why, 451, 2, 0, "mailbox %s/%s is locked by "
		    "another program (%s)", b->dir_path, b->name, b->lock);
	return b->locked ? 0 : -1;
}

static void
unlock(struct mailbox *b)
{
	if (b->locked)
		(void)unlinkat(b->dir, b->lock, 0);
	b->locked = false;
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

static enum turn
try_lock(struct mailbox *b, struct fault *why)
{
	if (open_file(b, why) < 0 || lock_file(b, why) < 0 ||
	    dot_lock(b, why) < 0)
		return TURN_FAULT;
	return inspect(b, why);
}

static int
open_locked(struct mailbox *b, struct fault *why)
{
	enum turn t;

	do {
		t = try_lock(b, why);
		if (t == TURN_DONE)
			return 0;
		unlock(b);
	} while (t == TURN_WAIT && rest(b));
	if (t == TURN_WAIT)
		fault_temporary(why, 451, 2, 0,
		    "mailbox %s/%s is replaced all the time", b->dir_path,
		    b->name);
	return -1;
}

/* "From SENDER  Sun Nov 22 06:22:26 2026", and in front of it what parts it
 * from an end that was torn off by a crash. */
static int
begin(const struct mailbox *b, struct str *line, struct fault *why)
{
	const struct place *p = b->place;
	struct str sender = p->hand->sender;
	off_t n = b->size < 2 ? b->size : 2;
	const char *gap = "";
	struct buf out = { 0 };
	char tail[2];

	if (n > 0) {
		if (file_pread(b->fd, tail, (size_t)n, b->size - n, why) < 0)
			return -1;
		if (tail[n - 1] != '\n')
			gap = "\n\n";
		else if (n == 2 && tail[0] != '\n')
			gap = "\n";
	}
	if (sender.n == 0)
		sender = STR("MAILER-DAEMON");
	buf_printf(&out, "%sFrom %.*s  ", gap, STR_ARG(sender));
	date_put_mbox(&out, clock_wall());
	*line = arena_str(&p->message->arena, buf_str(&out));
	buf_free(&out);
	return 0;
}

/* A mailbox that was empty may have been made just now. */
static int
sync_name(const struct mailbox *b, struct fault *why)
{
	int fd, r;

	if (b->size > 0 || place_name_is_synced(b->place, b->fd))
		return 0;
	fd = openat(b->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fault_system(why, errno, "open %s", b->dir_path);
	r = file_sync_dir(fd, why);
	close(fd);
	return r;
}

static int
append(struct mailbox *b, struct fault *why)
{
	struct str line;

	if (begin(b, &line, why) < 0)
		return -1;
	if (place_write(b->place, b->fd, line, why) == 0 &&
	    (b->size > 0 ? file_sync(b->fd, why) :
	    file_sync_named(b->fd, why)) == 0 && sync_name(b, why) == 0)
		return 0;
	fault_prefix(why, "mailbox %s/%s", b->dir_path, b->name);
	if (ftruncate(b->fd, b->size) < 0)
		fault_prefix(why, "the end of the mailbox is torn");
	return -1;
}

static void
find_names(struct mailbox *b, const struct place *p)
{
	struct arena *a = &p->message->arena;
	struct str user = p->user->name;
	unsigned chance = 0;

	*b = (struct mailbox){ .place = p, .dir = -1, .fd = -1 };
	b->dir_path = arena_str(a, p->conf->deliver.path).p;
	b->name = arena_str(a, user).p;
	b->lock = arena_printf(a, "%.*s.lock", STR_ARG(user)).p;
	(void)!getrandom(&chance, sizeof(chance), GRND_NONBLOCK);
	b->own = arena_printf(a, ".%.*s.%d.%08x", STR_ARG(user),
	    (int)getpid(), chance).p;
	b->deadline = clock_mono_ms() + p->kept->patience_ms;
	b->pause = PAUSE_FIRST;
}

int
mbox_deliver(const struct place *p, struct fault *why)
{
	struct mailbox b;
	int r = -1;

	if (!place_name_is_safe(p->user->name))
		return fault_temporary(why, 451, 3, 5,
		    "the user's name cannot be that of a mailbox");
	find_names(&b, p);
	b.dir = open(b.dir_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (b.dir < 0)
		return fault_system(why, errno, "open %s", b.dir_path);
	if (open_locked(&b, why) == 0) {
		r = append(&b, why);
		unlock(&b);
	}
	close(b.dir);
	return r;
}
