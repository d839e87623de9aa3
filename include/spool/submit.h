/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_SUBMIT_H
#define SPOOL_SUBMIT_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/sink.h"
#include "mail/envelope.h"
#include "spool/format.h"
#include "spool/path.h"

/*
 * Making an entry: begin, write content, commit.  After submit_commit()
 * returned 0 the message is on stable storage, and only then may anyone be
 * told so.
 */
struct submission {
	struct sink		 sink;	/* takes the content */
	const struct spool	*spool;
	char			 name[SPOOL_NAME_MAX];
	int			 fd;	/* -1: none begun */
	struct format_super	 super;
	struct buf		 envelope;
	struct buf		 pending;	/* content not yet in the file */
	int64_t			 not_before;	/* of the first attempt */
	uint64_t		 flushed;	/* content already in it */
	bool			 named;		/* it has its name */
	bool			 durable;	/* committed: not ours any more */
	bool			 is_void;	/* see submit_abort() */
	bool			 temporary;	/* begun under such a name */
	bool			 left_over;	/* and that is still there */
	bool			 held;		/* it goes into hold */
	bool			 may_be_held;	/* it may yet */
	bool			 in_hold;	/* fd was made there */
	int			 twin;	/* the same content, made in hold; -1:
					 * none */
	bool			 doubled;	/* there was one */
	struct str		 reason;	/* why */
};

void	submit_init(struct submission *, const struct spool *);
/*
 * Begins: an unnamed file (where there are none, one with a temporary name),
 * locked, with room for size_hint bytes of content reserved (0: not known).
 * name NULL takes a new id.  Faults are those to be answered before 354:
 * 452 4.3.1 no room, 451 4.3.0 anything else.
 */
int	submit_begin(struct submission *, const struct envelope *,
	    const char *name, uint64_t size_hint, struct fault *);
/*
 * It is to be set aside: committed, it lies in hold and nowhere else, with the
 * reason (which must live until then) as the last words about its first
 * recipient.  May be said before submit_begin(); or before submit_commit(), if
 * submit_expect_hold() was said before submit_begin(): a file gets its name only
 * in the directory in which it was made.
 */
void	submit_expect_hold(struct submission *);
void	submit_hold(struct submission *, struct str reason);
/* Content so far, in bytes. */
uint64_t submit_size(const struct submission *);
/*
 * Seals, names and syncs it.  head: our trace lines, sent in front of the
 * content (may be empty).  *exists (may be NULL): the name was taken; with a
 * given name that means that this bounce was made before; with a new id it is
 * chance in 2^40 and the client will come again.  On failure the submission
 * has been aborted.
 */
int	submit_commit(struct submission *, struct str head, bool *exists,
	    struct fault *);
/* After the commit and the reply: unlocks, so that a runner may take it. */
void	submit_release(struct submission *);
/*
 * After a commit, an abort or a beginning that failed, left_over says that the
 * runner is to be asked to remove the temporary name (NOTIFY_TEMP), because
 * this process may not.
 *
 * Gives it up; after a commit it only unlocks.  If it had its name already
 * (its sync failed), its superblock is overwritten, so that nobody will deliver
 * it, and is_void says that the runner is to be asked to remove NAME (this
 * process may not be able to).
 */
void	submit_abort(struct submission *);
void	submit_free(struct submission *);

#endif
