/* SPDX-License-Identifier: ISC */
/*
 * drop(8): leaves a message in spool/drop while the daemon is away.  The one
 * program of godwit that is installed with a privilege, the group godwitdrop,
 * which may make files in that directory and nothing else; not even list it.
 *
 * Its caller is hostile: environment, descriptors, limits, signals, umask,
 * current directory and arguments are all chosen by somebody who would like to
 * be of that group.  So none of them is used.  With the privilege, the spool
 * is the one that was compiled in; without it, as in a private instance or a
 * test, it may be named.  No user is looked up, no file is opened but the one
 * that is made, nothing is understood of the message but its first line: what
 * it says is for the daemon to judge, which knows by the owner of the file
 * whom it came from.
 *
 *	no name:	the file is gone when we are (where there are no files
 *			without a name it has one that the daemon passes over)
 *	linked:		the daemon may take it
 *	synced:		exit code 0, and not before
 *
 * All signals are blocked from the start, so that nobody can stop us in the
 * second of these states; only SIGKILL can, and then the file is a whole one
 * that its writer does not know to be safe.
 */
#include <sys/auxv.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"
#include "spool/drop.h"
#include "spool/path.h"
#include "spool/temp.h"

#define FILE_MODE	0640	/* the daemon reads it as one of the group */
#define MAGIC_LEN	(sizeof(DROP_MAGIC) - 1)
#define CHUNK		65536
#define LIMIT		((size_t)80 << 20)	/* bytes of a dropped message:
						 * the largest that a daemon
						 * takes by default, and room
						 * for its envelope */

struct drop {
	int	fd;			/* of the file that is made, or -1 */
	size_t	size;			/* what is in it */
	char	name[SPOOL_NAME_MAX];
	char	temp[SPOOL_NAME_MAX + sizeof(TEMP_PREFIX)];	/* or "" */
	char	chunk[CHUNK];
	size_t	held;			/* in the chunk */
	bool	ended;			/* the input is */
};

static bool
is_privileged(void)
{
	return getauxval(AT_SECURE) != 0 || getegid() != getgid() ||
	    geteuid() != getuid();
}

static void
block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static int
take_clean_slate(struct fault *why)
{
	block_signals();
	proc_close_all_but(NULL, 0);
	proc_null_stdio(false);
	if (clearenv() != 0)
		return fault_temporary(why, 451, 3, 0,
		    "the environment cannot be cleared");
	return proc_harden(why);
}

static int
choose_spool(int argc, char **argv, const char **spool, struct fault *why)
{
	*spool = argc > 1 ? argv[1] : CONFIG_SPOOL_DIR;
	if (argc > 2)
		return fault_permanent(why, 501, 5, 4,
		    "usage: drop [directory]");
	/* Saying so beats putting it into another spool than was meant. */
	if (is_privileged() && strcmp(*spool, CONFIG_SPOOL_DIR) != 0)
		return fault_permanent(why, 550, 7, 0,
		    "the directory cannot be chosen with privilege");
	return 0;
}

static int
go_there(const char *spool, struct fault *why)
{
	if (chdir(spool) == -1)
		return fault_system(why, errno, "chdir to %s", spool);
	if (chdir(DROP_DIR) == -1)
		return fault_system(why, errno, "chdir to %s/" DROP_DIR,
		    spool);
	return 0;
}

static int
fill_chunk(struct drop *d, struct fault *why)
{
	ssize_t n = read(STDIN_FILENO, d->chunk + d->held, CHUNK - d->held);

	if (n == -1)
		return fault_system(why, errno, "read standard input");
	d->held += (size_t)n;
	d->ended = n == 0;
	return 0;
}

/* Nothing is made before the first line is there and is ours. */
static int
check_magic(struct drop *d, struct fault *why)
{
	while (d->held < MAGIC_LEN && !d->ended)
		if (fill_chunk(d, why) != 0)
			return -1;
	if (d->held < MAGIC_LEN || memcmp(d->chunk, DROP_MAGIC, MAGIC_LEN) != 0)
		return fault_permanent(why, 554, 6, 0,
		    "standard input is no message to drop");
	return 0;
}

static int
copy(struct drop *d, struct fault *why)
{
	while (!d->ended || d->held > 0) {
		if (d->held > LIMIT - d->size)
			return fault_permanent(why, 552, 3, 4,
			    "message too large");
		if (file_write(d->fd, d->chunk, d->held, why) != 0)
			return -1;
		d->size += d->held;
		d->held = 0;
		if (!d->ended && fill_chunk(d, why) != 0)
			return -1;
	}
	return 0;
}

/* What has a temporary name is ours alone, so it may change it. */
static int
rename_it(struct drop *d, bool *exists, struct fault *why)
{
	if (renameat2(AT_FDCWD, d->temp, AT_FDCWD, d->name,
	    RENAME_NOREPLACE) == -1) {
		*exists = errno == EEXIST;
		return fault_system(why, errno, "rename to %s", d->name);
	}
	d->temp[0] = '\0';
	return 0;
}

static int
name_it(struct drop *d, struct fault *why)
{
	bool exists = true;
	int result = -1;

	for (int tries = 0; exists && result == -1 && tries < 3; tries++) {
		spool_name_new(d->name, clock_wall_ms());
		result = d->temp[0] != '\0' ? rename_it(d, &exists, why) :
		    file_link(d->fd, AT_FDCWD, d->name, &exists, why);
	}
	return result;
}

/*
 * Where the sync of a file does not reach its name, the directory would have
 * to be synced; but we may not open it, so all of the file system is.
 */
static int
make_durable(struct drop *d, struct fault *why)
{
	if (file_sync_named(d->fd, why) != 0)
		return -1;
	if (!file_name_is_synced(d->fd) && syncfs(d->fd) == -1)
		return fault_system(why, errno, "syncfs");
	return 0;
}

static int
fill(struct drop *d, struct fault *why)
{
	if (copy(d, why) != 0)
		return -1;
	if (fchmod(d->fd, FILE_MODE) == -1)
		return fault_system(why, errno, "chmod");
	if (name_it(d, why) != 0)
		return -1;
	if (make_durable(d, why) == 0)
		return 0;
	unlink(d->name);
	return -1;
}

/* For a file system that knows no unnamed files; locked, or the daemon would
 * take it for left over one day. */
static int
open_temp(struct drop *d, struct fault *why)
{
	spool_name_new(d->name, clock_wall_ms());
	text_print(d->temp, sizeof(d->temp), TEMP_PREFIX "%s", d->name);
	d->fd = open(d->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, FILE_MODE);
	if (d->fd == -1) {
		d->temp[0] = '\0';
		return fault_system(why, errno, "create a file in the spool");
	}
	(void)file_try_lock(d->fd);
	return 0;
}

static int
make(struct drop *d, struct fault *why)
{
	bool supported;
	int result;

	if (check_magic(d, why) != 0)
		return -1;
	d->fd = file_open_unnamed(AT_FDCWD, ".", FILE_MODE, false, &supported,
	    why);
	if (d->fd == -1 && (supported || open_temp(d, why) != 0))
		return -1;
	result = fill(d, why);
	if (d->temp[0] != '\0')
		unlink(d->temp);
	close(d->fd);
	return result;
}

int
main(int argc, char **argv)
{
	static struct drop d = { .fd = -1 };
	const char *spool;
	struct fault why;

	if (take_clean_slate(&why) == 0 &&
	    choose_spool(argc, argv, &spool, &why) == 0 &&
	    go_there(spool, &why) == 0 && make(&d, &why) == 0)
		return EX_OK;
	fprintf(stderr, "drop: %s\n", why.text);
	return EX_TEMPFAIL;
}
