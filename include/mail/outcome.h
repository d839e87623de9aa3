/* SPDX-License-Identifier: ISC */
#ifndef MAIL_OUTCOME_H
#define MAIL_OUTCOME_H

#include <stdint.h>
#include "base/arena.h"
#include "base/fault.h"
#include "mail/status.h"

/*
 * What became of one recipient in one attempt.  The same struct goes to the
 * slot in the spool, the log, mailq and the bounce.
 */
enum outcome_kind {
	OUTCOME_DEFERRED,	/* try again later */
	OUTCOME_DELIVERED,	/* into a mailbox or a command here */
	OUTCOME_RELAYED,	/* another server has taken it over */
	OUTCOME_FAILED,		/* for good: to be bounced */
};

/* What the next host, which has taken it over, will do as we would; or-ed. */
enum outcome_next_hop {
	OUTCOME_DSN = 1 << 0,	/* tells the sender what he wants to hear */
	OUTCOME_BY = 1 << 1,	/* keeps the time of RFC 2852 */
};

struct outcome {
	enum outcome_kind kind;
	int		  reply;	/* SMTP reply code, 0: none was given */
	struct status	  status;
	struct str	  host;		/* remote name, "" when none or local */
	struct str	  where;	/* for relay=: "mx.example[192.0.2.1]:25",
					 * "maildir", "none" */
	struct str	  text;		/* one line: what was said or what
					 * happened, as for a log line */
	unsigned	  next_hop;	/* OUTCOME_RELAYED */
	int64_t		  delay_ms;	/* this attempt: from start to end */
};

/* Deferred or failed as the fault's kind says; strings into the arena. */
struct outcome outcome_of_fault(struct arena *, const struct fault *,
	    struct str host, struct str where);
/* "sent", "deferred", "bounced": the words of the log. */
const char *outcome_word(enum outcome_kind);

#endif
