/* SPDX-License-Identifier: ISC */
#ifndef MASTER_NAMES_H
#define MASTER_NAMES_H

#include <stddef.h>
#include "os/sock.h"

/*
 * How sessions reach the resolver although they can make no network socket:
 * the relay of names puts ends of lines on a tray, which is a SEQPACKET socket
 * that all sessions share; who takes an end (sock_receive(), one descriptor a
 * packet) has a line to the resolver and to nobody else.
 */
struct names_setup {
	int			tray;		/* our end of it, */
	int			taken;		/* and the sessions' */
	const struct sock_addr	*server;
	size_t			n;		/* of servers, at least 1 */
	size_t			lines;		/* at once, at most */
};

/*
 * Clears the tray of what a relay before this one has left, and closes the end
 * of the sessions.  Runs until SIGTERM (which must be caught), and then until
 * the last line that was used has been given up.
 */
void	names_run(const struct names_setup *);

#endif
