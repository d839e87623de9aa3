/* SPDX-License-Identifier: ISC */
#ifndef INTAKE_INTAKE_H
#define INTAKE_INTAKE_H

#include "base/sink.h"
#include "intake/clerk.h"
#include "smtp/mend.h"
#include "visit/session.h"

/*
 * The one way of a message into the spool.  Framing is data.c's or bdat.c's:
 * they wait for bytes here, take the framing off, and write what is left to
 * the row of sinks (size limit, header, spool); the decision is made here.
 */
struct intake {
	struct sink	 limit;		/* first in the row */
	struct sink_row	 row;
	struct sink	*first;		/* the row, or who mends line ends
					 * in front of it: */
	struct mender	*mender;	/* or NULL */
	struct clerk	 clerk;		/* on the submission services */
	struct session	*session;
	const char	*verb;		/* for the log */
	uint64_t	 size;		/* of the content so far */
	uint64_t	 bytes;		/* of the wire; counted by the caller */
	int64_t		 begun;		/* clock_mono_ms */
	bool		 failed;	/* and why: not to be written any more,
					 * but read to its end */
	struct fault	 why;
};

void	intake_init(struct intake *, struct session *, const char *verb);
/* Begins the entry.  On -1 it has failed. */
int	intake_begin(struct intake *);
/* From now on the client is to send: the clock for its pace runs. */
void	intake_start(struct intake *);
/* Text with a NUL in it, which may have none (nul no), fails. */
void	intake_note_nul(struct intake *);
/* Writes content to the first, unless the intake has failed. */
void	intake_write(struct intake *, struct str);
/* Waits until there is more in the stream's buffer.  False: the session cannot
 * go on; what was to be said and logged of that, has been, except that a
 * session whose processor time is over is ended by its loop. */
bool	intake_wait(struct intake *);
/*
 * The content is complete: asks what the header and the rules say, commits it,
 * unless it has failed, and gives the reply.  After a 250 it is on stable
 * storage, and the runner is told; or it was for nobody.  The transaction is
 * still to be ended.
 */
void	intake_finish(struct intake *);
/* The reply to one that has failed, and its line in the log. */
void	intake_refuse(struct intake *);

#endif
