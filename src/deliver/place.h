/* SPDX-License-Identifier: ISC */
#ifndef DELIVER_PLACE_H
#define DELIVER_PLACE_H

#include "base/buf.h"
#include "conf/conf.h"
#include "deliver/hand.h"
#include "os/user.h"
#include "spool/message.h"

/* What an agent keeps from one delivery to the next. */
struct place_kept {
	struct buf	out;		/* room for place_write() */
	bool		asked;		/* name_synced is known */
	bool		name_synced;	/* file_name_is_synced() there */
	bool		no_unnamed;	/* no O_TMPFILE there */
	int64_t		patience_ms;	/* with the locks of others */
};

/*
 * One delivery as the methods (maildir, mbox, pipe) see it.  They run as the
 * recipient.  Each returns 0 when the message is on stable storage or taken by
 * the command, -1 with the fault that becomes the outcome.
 */
struct place {
	const struct conf	*conf;
	const struct user	*user;
	const struct hand	*hand;
	struct message		*message;	/* loaded */
	struct place_kept	*kept;
	struct str		 head;	/* "Return-Path: <..>\n" and
					 * "Delivered-To: ...\n", LF lines */
};

int	maildir_deliver(const struct place *, struct fault *);
int	mbox_deliver(const struct place *, struct fault *);
/* *said: what the command printed, one line, into the message's arena. */
int	pipe_deliver(const struct place *, struct str *said, struct fault *);

/*
 * Head and content with LF line ends, piece by piece; of a binary message with
 * the CRLF of the wire, and no octet changed (RFC 3030 3).  The last line gets an
 * end if it has none.  With a from_line (without its end) it is the message of
 * an mbox: that line comes first, a line of the content that begins with
 * "From " gets a ">" in front, and an empty line ends it.
 */
struct place_text {
	const struct place	*place;
	struct str		 from_line;
	struct str		 rest;		/* of the part */
	uint32_t		 part;		/* the next one */
	bool			 quote;
	bool			 begun, ended;
	bool			 line_start;
	bool			 verbatim;	/* BODY=BINARYMIME */
};

#define PLACE_STEP	(64 * 1024)

void	place_text_init(struct place_text *, const struct place *,
	    struct str from_line);
/* Appends the next piece, PLACE_STEP bytes or a little more if there are so
 * many; false when there was nothing left. */
bool	place_text_next(struct place_text *, struct buf *);

/* Writes all of it to fd, a small message in one call. */
int	place_write(const struct place *, int fd, struct str from_line,
	    struct fault *);

/* As fault_system(), but a quota that is used up is the mailbox's fault, not
 * the system's: 452 4.2.2. */
int	place_fault(struct fault *, int err, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* May a user's name be part of a path? */
bool	place_name_is_safe(struct str);
/* Whether the name of a new file is durable together with it; fd is a file on
 * the file system of the mailbox.  Asks once. */
bool	place_name_is_synced(const struct place *, int fd);

#endif
