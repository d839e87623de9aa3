/* SPDX-License-Identifier: ISC */
#ifndef SMTPC_HELLO_H
#define SMTPC_HELLO_H

#include "smtpc/chat.h"

/* Waits for the greeting, says EHLO or HELO and fills extensions and size_max.
 * -1: the peer does not want to, a temporary fault of this host. */
int	smtpc_hello(struct smtpc *, struct str name, struct fault *);

#endif
