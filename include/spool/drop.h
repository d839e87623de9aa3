/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_DROP_H
#define SPOOL_DROP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/vec.h"

/*
 * A message left in spool/drop while the daemon was away.  The file is what
 * sendmail(1) piped into drop(8), and is believed no more than a stranger's
 * SMTP: sender, recipients and content, nothing else.  Who left it is told by
 * the owner of the file.
 *
 *	"godwit drop 1\n"
 *	records: one byte type, four bytes length (big-endian), bytes
 *	content as the last record, CRLF lines
 */
#define DROP_MAGIC	"godwit drop 1\n"
#define DROP_DIR	"drop"

enum drop_type {
	DROP_SENDER = 'S',		/* an address, empty for <> */
	DROP_RECIPIENT = 'R',
	DROP_BODY = 'B',		/* "7BIT" or "8BITMIME" */
	DROP_CONTENT = 'C',
};

struct dropped {
	struct str		sender;
	VEC(struct str)		recipients;
	struct str		body;
	struct str		content;
};

void	drop_put_magic(struct buf *);
void	drop_put(struct buf *, enum drop_type, struct str);
/* Views into bytes.  A permanent fault when it is not whole. */
int	drop_parse(struct arena *, struct str bytes, struct dropped *,
	    struct fault *);

#endif
