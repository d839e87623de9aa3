/* SPDX-License-Identifier: ISC */
#ifndef AUTH_SPENDING_H
#define AUTH_SPENDING_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/fault.h"
#include "base/str.h"
#include "conf/conf.h"

/*
 * How much those who have logged in have sent: messages, and recipients to whom
 * they had not written before, in an hour and in a day.
 */
struct spending;

/*
 * The book is a file, made where it is missing or is none, so that it outlives
 * the process; two processes may have it open, then a message may be counted
 * once too few.  path NULL: in memory alone.  Children have none of it.  A file
 * that cannot be had is a fault.
 */
int	spending_open(struct spending **, const char *path, struct fault *);
void	spending_close(struct spending *);

/*
 * What a session is given when its client has logged in, and shows again: only
 * by it can it spend what is this login's.  In hex, with a NUL.
 */
#define SPENDING_PASS_MAX	33

struct spending_key {
	uint64_t	words[4];
};
struct spending_key spending_key(const struct spending *);
void	spending_make_pass(const struct spending_key *, struct str login,
	    char pass[SPENDING_PASS_MAX]);

/* What is to be sent. */
struct spending_wish {
	struct str	login;
	struct str	pass;		/* n == 0: the login was proved to the
					 * session itself, which the caller
					 * believes */
	struct str	recipients;	/* 8 octets each */
	uint64_t	count;		/* of recipients; those that are not
					 * above are all new */
};

enum spending_answer {
	SPENDING_WITHIN,	/* and it is counted */
	SPENDING_OVER,		/* to be held; not counted */
	SPENDING_FAR_OVER,	/* so many are held that it has to wait */
	SPENDING_FALSE,		/* this is not its pass */
};

/* What of an OVER is news. */
#define SPENDING_FIRST	1	/* it is the first in this hour or day */
#define SPENDING_OWED	2	/* somebody is to be told, and nobody has said
				 * that he was; said again after a while */

/* now: clock_boot_ms().  OVER and FAR_OVER append which budget it is. */
enum spending_answer spending_take(struct spending *,
	    const struct conf_allowance *, const struct spending_wish *,
	    int64_t now, struct buf *why, unsigned *news);
/* Somebody has been told of what this login has overspent; or (not done) who was
 * to tell him could not, and another one is to.  Recipients and count do not
 * matter.  False: it is not its pass. */
bool	spending_told(struct spending *, const struct spending_wish *,
	    bool done, int64_t now);

#endif
