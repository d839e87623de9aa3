/* SPDX-License-Identifier: ISC */
#ifndef VISIT_GUEST_H
#define VISIT_GUEST_H

#include "visit/session.h"

/*
 * What the world says of the client: its name, the lists that have it, and
 * whether its mail was seen before.  A session of one of ours, and of whoever
 * nothing is to be asked about, has no guest and pays nothing for it.
 */

/* Before the greeting: sends the questions, and becomes the prober of the
 * session's facts. */
void	guest_greet(struct session *);
/* While the client has not said anything: takes the answers. */
void	guest_attend(struct session *);
/* The client has spoken, or gone: from now on it has a name, for which we may
 * wait.  Logs the connection of a guest.  Once more does nothing. */
void	guest_know(struct session *, bool wait);
void	guest_free(struct session *);

#endif
