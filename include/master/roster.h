/* SPDX-License-Identifier: ISC */
#ifndef MASTER_ROSTER_H
#define MASTER_ROSTER_H

#include <stdbool.h>
#include "base/fault.h"
#include "master/child.h"

/*
 * Whose connection each session has, of all masters that may still have some:
 * each writes its children (master/child) into one of these, and the doorkeeper
 * reads them all.
 */
#define ROSTERS	8

struct rosters {
	int		 fd[ROSTERS];		/* or -1 */
	const void	*room[ROSTERS];		/* or NULL */
	uint64_t	 taken[ROSTERS];	/* by the master of that serial */
	pid_t		 owner[ROSTERS];	/* which is this; 0: nobody */
	uint64_t	 serial;		/* of the youngest master */
	unsigned	 now;			/* whose this one is */
};
#define ROSTERS_NONE	((struct rosters){ .fd = { -1, -1, -1, -1, -1, -1, \
			    -1, -1 } })

/* By the warden, once, before it forks anybody. */
int	rosters_make(struct rosters *, struct fault *);
/* By the warden, before it forks a master: that one gets the oldest whose master
 * has ended, or just the oldest; and afterwards, who it is.  Returns the master
 * that lives and has lost its own, whose sessions are to end; 0: none has. */
pid_t	rosters_turn(struct rosters *);
void	rosters_give(struct rosters *, pid_t master);
/* By the warden, when it has reaped anybody: if that was a master, it is nobody
 * from now on, whoever gets its number. */
void	rosters_bury(struct rosters *, pid_t master);
/* In that master: which descriptor is to be kept until roster_open() closes it
 * (-1: none was made), and where it writes, or NULL. */
int	roster_fd(const struct rosters *);
void	*roster_open(const struct rosters *);
/* In the doorkeeper, who has kept all of them.  They are closed. */
void	rosters_look(struct rosters *);

enum roster_answer {
	ROSTER_KNOWN,
	ROSTER_NOT_NOW,		/* some master is about to write down a child,
				 * which may be that one: ask again */
	ROSTER_UNKNOWN,		/* nobody's */
};
/* Whose child is that, and whose connection has it? */
enum roster_answer rosters_ask(const struct rosters *, pid_t, struct child *);

#endif
