/* SPDX-License-Identifier: ISC */
#ifndef VISIT_TERM_H
#define VISIT_TERM_H

#include "visit/session.h"

/* How long a session may last, and on the submission ports how long its client
 * may take to log in. */
void	term_begin(struct session *);
/* Between two messages: under stress there is so much time until the next one
 * begins.  Each counts once, however often this is called. */
void	term_renew(struct session *);
/* So many ms the client had to wait for us, while he was to log in. */
void	term_excuse(struct session *, int64_t ms);
/* A user has logged in: now he has a session's time. */
void	term_lift(struct session *);
/* Has the master asked it to make room?  Each wait times out at once, then. */
bool	term_has_to_leave(const struct session *);
/* A wait has timed out: says 421 and why, and returns it for the log. */
const char *term_end(struct session *);

#endif
