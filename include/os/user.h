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
