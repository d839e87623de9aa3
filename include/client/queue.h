/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_QUEUE_H
#define CLIENT_QUEUE_H

#include "base/fault.h"
#include "conf/conf.h"

/*
 * Asks the running daemon about its queue, or to change it, through
 * <conf->run>/queue.sock.  request is one line without its end: "mailq",
 * "mailq json", "show ID", "show ID json", "flush", "flush ID", "hold ID",
 * "release ID", "remove ID".  What the daemon answers behind its first line is
 * copied to out_fd.  While the daemon is down, whoever may read the spool is
 * answered from it, with a word on standard error.
 *
 * 0, or -1 with the fault: permanent with the daemon's own words when it said
 * "error TEXT"; temporary when nobody listens ("the mail system is down:
 * connect /run/godwit/queue.sock: ...") or when the answer broke off.
 */
int	client_queue(const struct conf *, const char *request, int out_fd,
	    struct fault *);

#endif
