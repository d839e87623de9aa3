/* SPDX-License-Identifier: ISC */
#ifndef MAIL_REPORT_H
#define MAIL_REPORT_H

#include <stdint.h>
#include "base/buf.h"
#include "mail/address.h"
#include "mail/outcome.h"

/*
 * A delivery status notification (RFC 3462, 3464): multipart/report of a text
 * for people, a message/delivery-status, and the header of the returned
 * message (text/rfc822-headers).  Lines end in CRLF.
 */
enum report_action {
	REPORT_FAILED,
	REPORT_DELAYED,
};

struct report_recipient {
	struct address	final;		/* RFC 3464 2.3.2 */
	struct address	original;
	struct outcome	outcome;	/* of the last attempt */
	int64_t		last_attempt;	/* wall seconds, 0: none */
};

struct report {
	enum report_action	 action;
	struct str		 hostname;	/* Reporting-MTA */
	struct str		 id;		/* of the report itself */
	struct str		 about_id;	/* of the returned message */
	struct address		 to;		/* its sender, or postmaster */
	struct address		 about_sender;
	bool			 is_double;	/* to postmaster: the sender of
						 * a bounce was unreachable */
	int64_t			 now, arrival;	/* wall seconds */
	int64_t			 expires;	/* for REPORT_DELAYED */
	const struct report_recipient *recipients;
	size_t			 n;
	struct str		 header;	/* of the returned message; 8-bit
						 * is allowed, control is not */
};

/* The whole message: From MAILER-DAEMON, To, Subject, Date, Message-ID,
 * Auto-Submitted: auto-replied (RFC 3834 5.1), MIME. */
void	report_put(struct buf *, const struct report *);

#endif
