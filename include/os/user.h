/* SPDX-License-Identifier: ISC */
#ifndef OS_USER_H
#define OS_USER_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/arena.h"
#include "base/fault.h"

/* Users of the system, by way of NSS. */
struct user {
	struct str	name;
	uid_t		uid;
	gid_t		gid;
	struct str	home;
	struct str	shell;
	struct str	full_name;	/* GECOS up to the first comma */
};

/* 1 found (strings in the arena), 0 no such user, -1 the user database did
 * not answer (temporary fault). */
int	user_find(struct arena *, struct str name, struct user *,
	    struct fault *);
int	user_find_uid(struct arena *, uid_t, struct user *, struct fault *);
/*
 * What /etc/passwd says, in memory, for a process whose children all ask: one
 * of them looks with one stat(2) whether it is still the file that was read.  A
 * hit is the answer, and a miss is asked of the C library.  Where
 * nsswitch.conf(5) does not name files first, there are no hits.
 */
struct user_roll;
struct user_roll *user_roll_new(void);
void	user_roll_free(struct user_roll *);	/* NULL is harmless */
/* Reads the file, if it is another than before.  Where that cannot be done, for
 * want of memory too, the roll is empty. */
void	user_roll_look(struct user_roll *);
/* Answers as user_find() does. */
int	user_roll_find(const struct user_roll *, struct arena *,
	    struct str name, struct user *, struct fault *);
/* 1, 0, -1 likewise. */
int	user_find_group(struct str name, gid_t *, struct fault *);

/*
 * Becomes the user for good: supplementary groups (the user's own when
 * own_groups, plus the n extra ones), gid, uid; then proves that there is no
 * way back.  Fails when not root.
 */
int	user_become(const struct user *, bool own_groups, const gid_t *extra,
	    size_t n, struct fault *);

#endif
