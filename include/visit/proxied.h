/* SPDX-License-Identifier: ISC */
#ifndef VISIT_PROXIED_H
#define VISIT_PROXIED_H

#include "visit/session.h"

/* Hears from the proxy for whom it has connected, before anything is said.
 * False: nothing is to be said at all, the session is over.  Logs. */
bool	proxied_begin(struct session *);

/* When somebody else has said who the client is: may that one stay?  False: it was
 * told, and the session is over. */
bool	proxied_is_welcome(struct session *);

#endif
