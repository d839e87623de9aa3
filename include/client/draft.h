/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_DRAFT_H
#define CLIENT_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/fault.h"

/*
 * A message as it comes from a program: read whole into memory, its lines
 * ended with LF or CRLF, made into lines that end with CRLF.
 */
struct draft {
	struct buf	text;
	bool		done;		/* the lone dot was seen */
	/* private */
	bool		dot_ends;
	bool		cr;		/* a CR that waits for what follows */
	size_t		line;		/* where the current line begins */
};

void	draft_init(struct draft *, bool dot_ends);
void	draft_free(struct draft *);
/* More bytes, in any split; ignored once done. */
void	draft_feed(struct draft *, struct str);
/* The end of the input: the last line gets its end. */
void	draft_finish(struct draft *);
/* All of that from a descriptor, up to its end or the lone dot.  Permanent
 * fault 552 5.3.4 when the text is longer than max, temporary when reading
 * fails. */
int	draft_read(struct draft *, int fd, size_t max, struct fault *);
/* Any byte beyond ASCII? */
bool	draft_is_eight_bit(struct str);

#endif
