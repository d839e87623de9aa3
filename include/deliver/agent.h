/* SPDX-License-Identifier: ISC */
#ifndef DELIVER_AGENT_H
#define DELIVER_AGENT_H

#include "conf/conf.h"
#include "os/user.h"

/*
 * The process that delivers as a recipient.  The warden has forked it and
 * become the user; it serves deliveries from the socket one after the other
 * until the socket ends, and returns.  Never trusts what it is handed to be
 * for its own user only: the kernel sees to that.
 */
void	agent_serve(int sock, const struct conf *, const struct user *);

#endif
