/* SPDX-License-Identifier: ISC */
#ifndef MASTER_CAGE_H
#define MASTER_CAGE_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/arena.h"
#include "base/fault.h"
#include "conf/conf.h"
#include "os/user.h"

/* Who the processes are and what each of them loses for good. */
struct cage {
	pid_t		 warden;	/* whose children are put in it */
	bool		privileged;	/* we are root */
	struct arena	arena;
	struct user	master, runner;
	gid_t		runner_gid, drop_gid, mail_gid;
	uid_t		runner_uid;
};

/* Finds the users and groups that the configuration names; a missing one is
 * a fault that says how to make it.  Nothing to find without privilege. */
int	cage_find(struct cage *, const struct conf *, struct fault *);
/* In a child: become the user, unable to gain anything. */
int	cage_become_master(const struct cage *, struct fault *);
int	cage_become_runner(const struct cage *, struct fault *);
/* Before it has anything to keep: its user, looked up; nobody without
 * privilege. */
int	cage_find_keeper(const struct cage *, const struct conf *,
	    struct arena *, struct user *, struct fault *);
int	cage_become_keeper(const struct cage *, const struct user *,
	    struct fault *);
/* As cage_find_keeper(). */
int	cage_find_doorkeeper(const struct cage *, const struct conf *,
	    struct arena *, struct user *, struct fault *);
/* That doorkeeper's child; it stays who it is. */
int	cage_become_prover(pid_t doorkeeper, struct fault *);
int	cage_become_doorkeeper(const struct cage *, const struct conf *,
	    struct fault *);
/* Root's mail, and that of anyone with uid 0, is delivered by `mail-user`. */
int	cage_become_recipient(const struct cage *, const struct conf *,
	    struct arena *, const char *name, struct user *, struct fault *);
/* The sandbox, before the first byte from outside. */
int	cage_lock_keeper(struct fault *);
int	cage_lock_master(const struct conf *, struct fault *);
/* The relay of names makes sockets and opens nothing. */
int	cage_lock_relay(struct fault *);
int	cage_lock_doorkeeper(const struct conf *, struct fault *);
/* *narrow: what a worker puts on besides, see sandbox_prepare(). */
int	cage_lock_runner(const struct conf *, int *narrow, struct fault *);

#endif
