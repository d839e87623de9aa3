/* SPDX-License-Identifier: ISC */
#ifndef SMTPD_XCLIENT_H
#define SMTPD_XCLIENT_H

#include "visit/session.h"

/* Before the greeting: may this client, whose address is known now, say that
 * it is another one? */
void	xclient_begin(struct session *);
/* The line of the reply to EHLO, for whom it concerns. */
void	xclient_offer(struct buf *, const struct session *);

#endif
