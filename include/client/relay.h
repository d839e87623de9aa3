/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_RELAY_H
#define CLIENT_RELAY_H

#include "base/fault.h"
#include "conf/conf.h"

/*
 * sendmail -bs: a program speaks SMTP on in and out; its bytes go to the local
 * socket and the answers come back.  A line that ends with LF alone gets its
 * CRLF on the way in.  Returns when the server has closed the connection or
 * nobody reads its answers any more.  When nobody is there, 421 goes to out and
 * the result is -1.
 */
int	relay_run(const struct conf *, int in, int out, struct fault *);

#endif
