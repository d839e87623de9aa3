/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_HEADING_H
#define CLIENT_HEADING_H

#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "mail/address.h"

/* The header of a message that a program has written, and what it lacks. */

struct heading_origin {
	struct address	from;		/* with a domain; never null */
	struct str	full_name;	/* any bytes; may be empty */
	struct str	hostname;
	int64_t		now_ms;		/* wall time */
};

/*
 * Where the header ends (views into text, which has CRLF lines).  A mailbox's
 * "From " line at the top belongs to neither; nor does the empty line between
 * them, which may be missing when the body begins with what is no field.
 */
void	heading_split(struct str text, struct str *fields, struct str *body);
/*
 * Appends who is to have it: To, Cc and Bcc, or, when there is one of them,
 * Resent-To, Resent-Cc and Resent-Bcc instead (RFC 5322 3.6.6).  A field that
 * cannot be understood is a permanent fault that names it.
 */
int	heading_recipients(struct arena *, struct str fields, address_vec *,
	    struct fault *);
/*
 * Writes the fields without Bcc and Resent-Bcc, with a domain behind every
 * address that has none, with a From, Date and Message-ID if they are missing
 * (and their Resent- forms in front, when the message is resent), and with
 * the empty line.
 */
void	heading_complete(struct buf *, struct str fields,
	    const struct heading_origin *);

#endif
