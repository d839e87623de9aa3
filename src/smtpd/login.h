/* SPDX-License-Identifier: ISC */
#ifndef SMTPD_LOGIN_H
#define SMTPD_LOGIN_H

#include "visit/session.h"

/* Is AUTH offered to this client now?  Only under TLS unless the
 * configuration says otherwise, and not to a program of this machine, of which
 * the kernel says whose it is. */
bool	login_is_offered(const struct session *);
/* Octets of a line of an exchange with CRLF, or of an AUTH with its initial
 * response: RFC 4954 4. */
#define LOGIN_LINE_MAX	(12288 + 2)
/* May commands stand behind an AUTH with these arguments?  It brings all that its
 * client has to say: RFC 4954 4. */
bool	login_is_whole(struct str args);
/* " SCRAM-SHA-256 PLAIN LOGIN": what stands behind AUTH in EHLO. */
void	login_put_mechanisms(struct buf *, const struct session *);

#endif
