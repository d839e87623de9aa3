/* SPDX-License-Identifier: ISC */
#ifndef VISIT_TALLY_H
#define VISIT_TALLY_H

#include <stdbool.h>

/*
 * What a session has cost and what it was good for, told to the master in the
 * only way that needs no memory in common and no further system call: by the
 * status with which the process ends.  The master believes it no further than
 * it may (a session may be stolen): it concerns the client's own budget, and
 * the state of the disk for a minute.
 */
struct tally {
	unsigned	messages;	/* that it has brought */
	bool		handshake;	/* a whole one of TLS; and */
	bool		failed;		/* it came to nothing */
	bool		disk;		/* a write or sync has failed */
	bool		login;		/* a user has logged in */
	unsigned	idle;		/* commands that led to nothing */
};

/* An exit status, 128 to 255; messages are 0 or 1 then, and idle is rounded down
 * to 0, 16, 64 or 256.  Whether one with a login has brought a message, or made
 * a handshake in vain, is not told. */
int	tally_pack(const struct tally *);
/* False: it is the status of one who had no time to say. */
bool	tally_unpack(int status, struct tally *);

#endif
