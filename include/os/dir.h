/* SPDX-License-Identifier: ISC */
#ifndef OS_DIR_H
#define OS_DIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/fault.h"

/* Directories: made, checked and read. */

/* Opens a directory (O_DIRECTORY | O_CLOEXEC, no symbolic link). */
int	dir_open(int dirfd, const char *path, struct fault *);
/* Makes it if it is missing.  When the process is root, owner and mode are
 * set on one that was just made; one that exists is never changed, but a
 * wrong owner or a mode that is wider than asked is a fault that says so. */
int	dir_make(int dirfd, const char *path, mode_t mode, uid_t uid,
	    gid_t gid, struct fault *);

/* A walk over the names in a directory, "." and ".." left out. */
struct dir_walk {
	void	*handle;
	uint64_t inode;		/* of the name that came last */
	bool	 broken;	/* it ended because it could not be read */
};
/* Does not take dirfd over. */
int	dir_walk_open(struct dir_walk *, int dirfd, const char *path,
	    struct fault *);
/* The next name, valid until the next call; NULL at the end. */
const char *dir_walk_next(struct dir_walk *);
void	dir_walk_close(struct dir_walk *);

#endif
