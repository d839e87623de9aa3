/* SPDX-License-Identifier: ISC */
#ifndef SMTP_MEND_H
#define SMTP_MEND_H

#include <stdbool.h>
#include "base/sink.h"

/*
 * Content on its way to another sink, with every line end made CRLF: a bare LF
 * becomes CRLF, a bare CR a blank (RFC 5321 2.3.8).  What it passes on has no
 * bare CR or LF, however its input was split, once mend_finish() was called.
 */
#define MEND_ROOM	4096

struct mender {
	struct sink	 sink;
	struct sink	*next;
	bool		 cr;		/* one is held back */
	bool		 line_start;	/* nothing yet, or a line end */
	bool		 changed;	/* something was mended */
	size_t		 n;
	char		 room[MEND_ROOM];
};

void	mend_init(struct mender *, struct sink *next);
/* The content is complete: passes on what was held back.  As a sink's write. */
int	mend_finish(struct mender *, struct fault *);

#endif
