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
	REPORT_SENT,		/* as the fate of each recipient says */
};

enum report_fate {		/* of REPORT_SENT; RFC 3464 2.3.3 */
	REPORT_DELIVERED,
	REPORT_RELAYED,
	REPORT_EXPANDED,
};

struct report_recipient {
	struct address	final;		/* RFC 3464 2.3.2 */
	struct address	original;
	struct str	final_field;	/* "utf-8;..." in ASCII, when final is
					 * not ASCII */
	struct str	orcpt;		/* "rfc822;a@b" as the sender gave it,
					 * in ASCII; "": not given */
	enum report_fate fate;
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
	int64_t			 deliver_by;	/* RFC 2852 5; 0: not asked */
	struct str		 hold;		/* RFC 4865 5.1.2 */
	struct str		 envid;		/* RFC 3461 6.3 a, decoded */
	bool			 is_global;	/* RFC 6533: the returned header
						 * may be UTF-8 */
	const struct report_recipient *recipients;
	size_t			 n;
	struct str		 whole;		/* the message, instead of its
						 * header */
	struct str		 header;	/* of the returned message; 8-bit
						 * is allowed, control is not */
};

/* The whole message: From MAILER-DAEMON, To, Subject, Date, Message-ID,
 * Auto-Submitted: auto-replied (RFC 3834 5.1), MIME. */
void	report_put(struct buf *, const struct report *);

#endif
