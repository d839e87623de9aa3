/* SPDX-License-Identifier: ISC */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/fault.h"
#include "mail/status.h"

/*
 * Replies (RFC 5321 4.2), both ways.
 *
 * Writing: reply_put() gives one CRLF-ended reply; '\n' in the text begins
 * another line "code-".  The enhanced status stands on every line (RFC 2034 4)
 * when class != 0.
 */
void	reply_put(struct buf *, int code, struct status, struct str text);
void	reply_put_fault(struct buf *, const struct fault *);

/* Reading: lines are fed one by one (without line end) until it is complete. */
#define REPLY_TEXT_MAX	(64 * 1024)

struct reply {
	int		code;		/* 200..599 */
	struct status	status;		/* of the first line; class 0: none */
	struct buf	text;		/* lines without code, parted by '\n',
					 * status included */
	unsigned	lines;
};

enum reply_state {
	REPLY_MORE,
	REPLY_COMPLETE,
	REPLY_GARBAGE,		/* no such reply in SMTP, or too long */
};

void	reply_init(struct reply *);
void	reply_reset(struct reply *);
void	reply_free(struct reply *);
enum reply_state reply_feed(struct reply *, struct str line);
/* "250 2.0.0 Ok: queued as X" in one line, line ends turned into blanks,
 * for logs and bounces. */
void	reply_describe(struct buf *, const struct reply *);

#endif
