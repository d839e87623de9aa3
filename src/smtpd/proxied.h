/* SPDX-License-Identifier: ISC */
#ifndef SMTPD_PROXIED_H
#define SMTPD_PROXIED_H

#include "smtpd/session.h"

/* Hears from the proxy for whom it has connected, before anything is said.
 * False: nothing is to be said at all, the session is over.  Logs. */
bool	proxied_begin(struct session *);

#endif
