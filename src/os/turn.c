/* SPDX-License-Identifier: ISC */
/*
 * A semaphore that the dead give back: each turn is a byte of a file in memory,
 * and to have it is to have that byte locked.  The kernel takes the locks of a
 * process away when it ends (fcntl(2), F_SETLK), and a child gets none of its
 * parent's.
 *
 * There is no queue.  Who finds nothing free at once tries another byte after a
 * few milliseconds, one each time, so that a throng of a thousand costs a few per
 * cent of one processor.  Nobody waits for longer than he said; so whoever was
 * taken over and keeps all turns makes others late, and stops nobody.
 */
#include "os/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "os/pane.h"
#include "os/proc.h"

enum {
	TRIES = 8,			/* without a pause */
	PAUSE_MS = 5,			/* and, in each process, up to as
					 * much more */
};

void
turns_make(struct turns *t, unsigned each)
{
	t->n = each * proc_processors();
	t->fd = pane_sealed();
}

void
turns_free(struct turns *t)
{
	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
}

static int
set_lock(const struct turns *t, unsigned turn, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET,
	    .l_start = (off_t)turn, .l_len = 1 };

	return fcntl(t->fd, F_SETLK, &lock);
}

int
turn_take(const struct turns *t, int *ms)
{
	unsigned self, turn, pause, tries = t->n < TRIES ? t->n : TRIES;

	if (t->fd == -1 || t->n == 0)
		return -1;
	/* Processes that come one after the other begin at different ones. */
	self = (unsigned)getpid();
	pause = PAUSE_MS + self % PAUSE_MS;
	for (turn = self % t->n;; turn = (turn + 1) % t->n) {
		if (set_lock(t, turn, F_WRLCK) == 0)
			return (int)turn;
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		if (tries > 1) {
			tries--;
			continue;
		}
		if (*ms <= 0)
			return -1;
		(void)poll(NULL, 0, (int)pause);
		*ms -= (int)pause;
	}
}

void
turn_give(const struct turns *t, int turn)
{
	if (turn >= 0)
		(void)set_lock(t, (unsigned)turn, F_UNLCK);
}
