/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_NOTIFY_H
#define SPOOL_NOTIFY_H

#include <stdbool.h>
#include "spool/grey.h"
#include "spool/path.h"

/*
 * A word to the queue runner, as a datagram on a socket pair that the warden
 * keeps.  It may be lost (a full buffer, a runner that is away): the runner
 * also finds entries by its scan.
 */
enum notify_kind {
	NOTIFY_NEW = 'N',	/* an entry is there and durable */
	NOTIFY_VOID = 'V',	/* an entry was withdrawn: remove it */
	NOTIFY_TEMP = 'T',	/* its temporary name is left over: remove it */
	NOTIFY_FLUSH = 'F',	/* try everything (or the one named) now */
	NOTIFY_DOMAIN = 'D',	/* try what waits for a domain (RFC 1985): name
				 * is "example.org" or "@example.org" */
	NOTIFY_GREY = 'G',	/* mail came that the greylist is to note */
};

#define NOTIFY_NAME_MAX	260		/* of a domain, with "@" and NUL */

struct notify {
	enum notify_kind	kind;
	char			name[NOTIFY_NAME_MAX];	/* may be "" */
	struct grey_tags	grey;	/* NOTIFY_GREY */
};

/* Never blocks.  fd may be -1. */
void	notify_send(int fd, enum notify_kind, const char *name);
/* False: nobody will hear of it. */
bool	notify_send_grey(int fd, const struct grey_tags *);
/* 1, or 0 when there is none (or it was malformed).  Never blocks. */
int	notify_receive(int fd, struct notify *);

#endif
