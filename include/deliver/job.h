/* SPDX-License-Identifier: ISC */
#ifndef DELIVER_JOB_H
#define DELIVER_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/fault.h"
#include "mail/outcome.h"
#include "spool/path.h"

/*
 * What passes between the queue runner and a worker: some recipients of one
 * entry on the way out, what became of them on the way back.  The entry's
 * descriptor, locked, travels with the job.
 */
#define JOB_RECIPIENTS_MAX	100	/* RFC 5321 4.5.3.1.8: what any server
					 * must take in one transaction */

#define JOB_REASON_MAX		160

struct job {
	char		name[SPOOL_NAME_MAX];
	bool		sole;	/* these are all that is left of the entry: when
				 * all succeed nothing need be marked */
	bool		again;	/* a former attempt may have been cut short */
	uint32_t	n;
	uint32_t	index[JOB_RECIPIENTS_MAX];
};

/* 0 or -1 with errno (the worker is gone). */
int	job_send(int sock, const struct job *, int entry);
/* 1 with *entry to be closed, 0 at the end. */
int	job_receive(int sock, struct job *, int *entry);

struct done {
	char		name[SPOOL_NAME_MAX];
	bool		unmarked;	/* all were delivered, and nothing was
					 * written: remove the entry */
	bool		dead;		/* the destination could not be reached
					 * at all */
	bool		damaged;	/* the entry must be set aside */
	bool		unsaved;	/* the marks could not be written: what
					 * was delivered is to be noted in the
					 * journal */
	bool		owes;		/* the sender is to be told of one that
					 * has not failed */
	char		reason[JOB_REASON_MAX];	/* why it is dead */
	uint32_t	n;
	struct {
		uint32_t		index;
		enum outcome_kind	kind;
		int64_t			next;	/* wall seconds, if deferred */
	}		recipient[JOB_RECIPIENTS_MAX];
};

int	done_send(int sock, const struct done *);
/* 1, 0 at the end or when it made no sense. */
int	done_receive(int sock, struct done *);

#endif
