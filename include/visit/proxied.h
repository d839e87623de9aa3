/* SPDX-License-Identifier: ISC */
#ifndef VISIT_PROXIED_H
#define VISIT_PROXIED_H

#include "visit/session.h"

/* Hears from the proxy for whom it has connected, before anything is said.
 * False: nothing is to be said at all, the session is over.  Logs. */
bool	proxied_begin(struct session *);

#endif
