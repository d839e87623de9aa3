/* SPDX-License-Identifier: ISC */
#ifndef VISIT_SECURE_H
#define VISIT_SECURE_H

#include "visit/session.h"

/* May STARTTLS be offered to this client now? */
bool	secure_may_begin(const struct session *);
/*
 * The handshake, when TLS is what comes next.  True: from here on all is
 * TLS, and what was known of the client is forgotten (RFC 3207 4.2).  False:
 * the session is over, and nothing more may be said.  Logs.
 */
bool	secure_begin(struct session *);
/* The clauses of a trace line about it; empty when it is in clear. */
struct str secure_comment(struct session *);
struct str secure_clause(struct session *);

#endif
