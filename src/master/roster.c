/* SPDX-License-Identifier: ISC */
/*
 * The rosters: by them the doorkeeper knows of a process that has connected to
 * him whose connection it serves.  The kernel says which process it is, and that
 * process's master has said, when it forked, who the client is; the session is
 * asked nothing, sends no descriptor and cannot answer for another one.
 *
 * Masters come and go, with each reload and when one dies, while their sessions
 * live on and want to log in; so there are some rosters, made once by the warden,
 * and each new master takes the one whose master has ended, and that longest ago.
 * What a dead master has left stays so long, for the sake of its orphans.  So
 * numbers of processes stand there that have ended and are given to others: of
 * all who claim one the youngest master is right, since only he forks; and while
 * he does, none of the older ones is believed, since his child may have one of
 * their numbers and connect before he has written it down.
 *
 * When all masters live, which takes as many reloads while some session of each
 * lasts, the oldest one loses its roster.  Its sessions could not log in any more,
 * so the warden has them finish what they are at and end, as at its own end.
 *
 * A master lives until the warden has reaped it, who says so here (rosters_bury):
 * what its number means to the kernel afterwards nobody asks.
 *
 * They lie in memory that warden, masters and doorkeeper share.  A master's
 * mapping is left out of its forks, and all others close the descriptors.
 */
#include "master/roster.h"

#include <unistd.h>

#include "os/pane.h"

int
rosters_make(struct rosters *r, struct fault *why)
{
	*r = ROSTERS_NONE;
	for (int i = 0; i < ROSTERS; i++)
		if ((r->fd[i] = pane_file(CHILDREN_ROOM, why)) < 0)
			return -1;
	return 0;
}

static bool
has_living_master(const struct rosters *r, unsigned i)
{
	return r->owner[i] > 0;
}

/* Which is to be given away before another? */
static bool
is_better(const struct rosters *r, unsigned a, unsigned b)
{
	bool a_lives = has_living_master(r, a);
	bool b_lives = has_living_master(r, b);

	return a_lives != b_lives ? b_lives : r->taken[a] < r->taken[b];
}

pid_t
rosters_turn(struct rosters *r)
{
	unsigned best = 0;
	pid_t ousted;

	for (unsigned i = 1; i < ROSTERS; i++)
		if (is_better(r, i, best))
			best = i;
	ousted = has_living_master(r, best) ? r->owner[best] : 0;
	r->now = best;
	r->taken[best] = ++r->serial;
	r->owner[best] = 0;
	return ousted;
}

void
rosters_give(struct rosters *r, pid_t master)
{
	r->owner[r->now] = master;
}

void
rosters_bury(struct rosters *r, pid_t master)
{
	for (int i = 0; i < ROSTERS; i++) {
		if (r->owner[i] != master)
			continue;
		r->owner[i] = 0;
		if (r->fd[i] >= 0)
			children_expect_none(r->fd[i]);
	}
}

int
roster_fd(const struct rosters *r)
{
	return r->fd[r->now];
}

void *
roster_open(const struct rosters *r)
{
	int fd = roster_fd(r);
	void *room = NULL;

	if (fd >= 0) {
		room = pane_look(fd, CHILDREN_ROOM, true);
		close(fd);
	}
	return room;
}

void
rosters_look(struct rosters *r)
{
	for (int i = 0; i < ROSTERS; i++) {
		if (r->fd[i] < 0)
			continue;
		r->room[i] = pane_look(r->fd[i], CHILDREN_ROOM, false);
		close(r->fd[i]);
		r->fd[i] = -1;
	}
}

enum roster_answer
rosters_ask(const struct rosters *r, pid_t pid, struct child *out)
{
	uint64_t youngest = 0, forks = 0;
	struct child_sight seen;

	for (int i = 0; i < ROSTERS; i++) {
		if (r->room[i] == NULL)
			continue;
		children_ask(r->room[i], pid, &seen);
		if (seen.found && seen.serial >= youngest) {
			youngest = seen.serial;
			*out = seen.child;
		}
		if (seen.expected && seen.serial > forks)
			forks = seen.serial;
	}
	/* That one may be about to write down the same number. */
	if (forks > youngest)
		return ROSTER_NOT_NOW;
	return youngest > 0 ? ROSTER_KNOWN : ROSTER_UNKNOWN;
}
