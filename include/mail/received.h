/* SPDX-License-Identifier: ISC */
#ifndef MAIL_RECEIVED_H
#define MAIL_RECEIVED_H

#include <stdint.h>
#include "base/buf.h"
#include "mail/envelope.h"

/* What is said of the client's connection; the texts are trusted. */
struct received_tls {
	struct str	comment;	/* n == 0: none */
	struct str	clause;		/* RFC 8314 4.3; n == 0: none */
	bool		hides_client;	/* nothing is said of the client, nor
					 * in a comment what its TLS is like */
};

/*
 * The trace line of RFC 5321 4.4, folded, ended by CRLF:
 *
 * Received: from HELO (NAME [IP])
 *	by HOSTNAME (godwit) with ESMTP id ID
 *	for <rcpt>; Sun, 22 Nov 2026 06:22:26 +0000
 *
 * With a comment on TLS, "	(using ...)" stands before "by", with a clause,
 * "	tls ..." before the date; tls may be NULL.
 *
 * "for" only when there is one recipient (as given at RCPT).  From a local
 * program: "Received: by HOSTNAME (godwit, from userid 1000)\r\n\tid ID; ...".
 * Of a client that is hidden "from" is left out, as of a local program.
 * Nothing in helo can break out of its place: what is not printable, and
 * parentheses, become "?".
 */
void	received_put(struct buf *, const struct envelope *,
	    const struct received_tls *tls, struct str hostname, struct str id,
	    int64_t wall);

#endif
