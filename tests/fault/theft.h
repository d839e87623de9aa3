/* SPDX-License-Identifier: ISC */
#ifndef FAULT_THEFT_H
#define FAULT_THEFT_H

#include <errno.h>
#include <stdint.h>
#include "visit/peer.h"

/* What an attempt is given. */
struct theft {
	const struct smtpd	*smtpd;		/* NULL: outside of any cage */
	int			 fd;		/* the client's connection */
	int			 log;		/* -1 outside */
	const char		*path, *other;	/* or NULL */
	uint64_t		 number;
};

/* Returns the errno with which it failed, 0 if it has succeeded. */
struct attempt {
	const char	*name;			/* NULL ends a table */
	int		(*run)(const struct theft *);
};

static inline int
came_to(long result)
{
	return result < 0 ? errno : 0;
}

#endif
