/* SPDX-License-Identifier: ISC */
#ifndef INTAKE_CLERK_H
#define INTAKE_CLERK_H

#include "base/sink.h"
#include "visit/session.h"

/*
 * What is put right about the header of a message that a user submits (RFC
 * 6409 8): Bcc and Resent-Bcc are taken out, and Date, Message-ID and From are
 * added where there is none.  All else stays as it came.
 *
 * In the row of sinks it stands behind the header's collector, in the place of
 * the next one, to which it hands on what is left.
 */
struct clerk {
	struct sink			 sink;
	struct sink			*next;	/* NULL: nobody's */
	const struct header_collector	*header;
	uint64_t			 seen;	/* octets of content */
	bool				 passed;	/* the header has */
};

/* Is this one to be looked after?  What comes on the submission services. */
bool	clerk_is_wanted(const struct session *);
void	clerk_init(struct clerk *, const struct header_collector *,
	    struct sink *next);
/* The content has ended, and so has the header. */
int	clerk_finish(struct clerk *, struct fault *);
/* Appends the fields that the header has not; id is the entry's name. */
void	clerk_put_missing(struct buf *, const struct session *, struct str id);
/* The message's Message-ID, ours if it had none and gets one; perhaps in the
 * transaction's arena. */
struct str clerk_id(const struct session *, struct str id);

#endif
