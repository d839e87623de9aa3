/* SPDX-License-Identifier: ISC */
#ifndef SMTPD_TERM_H
#define SMTPD_TERM_H

#include "smtpd/session.h"

/* How long a session may last, and on the submission ports how long its client
 * may take to log in. */
void	term_begin(struct session *);
/* A user has logged in: now he has a session's time. */
void	term_lift(struct session *);
/* Is the time over in which the client had to log in? */
bool	term_is_over(const struct session *);

#endif
