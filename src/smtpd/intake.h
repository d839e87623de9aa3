/* SPDX-License-Identifier: ISC */
#ifndef SMTPD_INTAKE_H
#define SMTPD_INTAKE_H

#include "base/sink.h"
#include "smtpd/session.h"

/*
 * Where content goes once its framing is taken off: a row of sinks (size
 * limit, header, spool), and then the decision.  Framing is data.c's.
 */
struct intake {
	struct sink	 limit;		/* first in the row */
	struct sink_row	 row;
	struct session	*session;
	uint64_t	 size;
};

/* Before 354: begins the entry.  0, or -1 with the fault to reply. */
int	intake_begin(struct intake *, struct session *, struct fault *);
/*
 * The content is complete: what the header and the rules say.  False: the
 * verdict is a refusal, to be said.  Otherwise it may be DISCARD or HOLD.
 */
bool	intake_judge(struct intake *, struct verdict *);
/* Is there anybody left who is to have it? */
bool	intake_is_for_nobody(const struct session *);
/* After that: commits it.  On 0 it is on stable storage. */
int	intake_finish(struct intake *, struct fault *);
/* What the log says of a message that was taken. */
void	intake_log(const struct session *);

#endif
