/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_BROWSE_H
#define SPOOL_BROWSE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/fault.h"
#include "spool/message.h"

#define BROWSE_AHEAD	32	/* files that are open at once */
#define BROWSE_FRONT	8192	/* most heads, and the notes behind a message
				 * that is not long */

/*
 * Reading the heads of all entries in one directory, one behind the other, to
 * look at and not to change: nothing is locked.
 */
struct browse_name;
struct browse {
	struct browse_name	*names;
	size_t			 n, cap;
	size_t			 at, opened;	/* of them */
	int			 dir;
	int			 fd[BROWSE_AHEAD];
	bool			 cold;		/* the disk has to be asked */
	bool			 blind;		/* nobody can say whether */
	bool			 partial;	/* some could not be read */
	char			 front[BROWSE_FRONT];
};

/* path: "q/XX", "hold", below dirfd.  Reads all the names. */
int	browse_open(struct browse *, int dirfd, const char *path,
	    struct fault *);
/* The next one, to be closed by message_close() before the one behind it is
 * asked for; false at the end.  What has gone meanwhile, is void or damaged is
 * passed over; what the system does not give, too, and partial says so. */
bool	browse_next(struct browse *, struct message *);
void	browse_close(struct browse *);

#endif
