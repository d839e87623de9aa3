/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_ALIAS_H
#define ROUTE_ALIAS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/fault.h"
#include "conf/conf.h"
#include "mail/address.h"

/*
 * From the address that somebody gave to the ones that are delivered: aliases
 * expanded to the end, users of the system proved to exist.  Asked at RCPT, so
 * that an unknown user is refused and never bounced.
 */
struct alias_book;

/* Opens <conf->aliases>.db when it is first needed, and again when it has
 * changed (looked at most once a second).  conf must outlive it. */
struct alias_book *alias_book_new(const struct conf *);
/* Opens it now, so that children forked later inherit it open; what fails
 * here, even for want of memory, is tried again, and told, when it is needed.
 */
void	alias_book_warm(struct alias_book *);
/* The next lookup looks whether the file has changed: for a new process, which
 * must not go by what its parent saw a moment ago. */
void	alias_book_doubt(struct alias_book *);
void	alias_book_free(struct alias_book *);

#define ALIAS_DEPTH_MAX		50
#define ALIAS_EXPANSIONS_MAX	10000
#define ALIAS_INCLUDE_MAX	65536	/* bytes of an :include: file */

/*
 * Appends the final addresses for one recipient, without duplicates in out.  An
 * address of a domain that is not local is final as it is.  A local one is
 * looked up, in lower case: the whole local part, without its +extension, and
 * at last as a user of the system; the result has a local part that is a
 * user's name (extension kept) and the domain.  A bare local part gets
 * the hostname as its domain.  "postmaster" always works: without an alias it
 * goes to root.  \name stops the expansion of that name, and so does an alias
 * that names itself.  Two local addresses of the same local part are the same
 * recipient whatever their domains.
 *
 * Faults: 550 5.1.1 unknown user, 550 5.4.6 a loop, 451 4.3.0 the aliases or
 * the users cannot be asked, 451 4.3.5 an alias cannot be used as it is
 * written.  out is unchanged then.
 */
int	alias_expand(struct alias_book *, struct arena *,
	    const struct address *, address_vec *out, struct fault *);

/*
 * What an expansion goes through, for whoever shows it.  All of a step lives
 * until the watch returns.
 */
enum alias_step_kind {
	ALIAS_STEP_ALIAS,	/* key stands for value */
	ALIAS_STEP_AGAIN,	/* key was expanded already */
	ALIAS_STEP_INCLUDE,	/* the file value */
	ALIAS_STEP_USER,	/* the user value, with the extension */
	ALIAS_STEP_POSTMASTER,	/* no such user: it goes to root */
	ALIAS_STEP_AWAY,	/* of a domain that is not delivered here */
};

struct alias_step {
	enum alias_step_kind	kind;
	struct str		parent;	/* key of the alias it is from, or "" */
	struct address		address;
	struct str		key, value;
	struct str		database;	/* where the key is, or "" */
	struct str		place;	/* PATH:LINE of the included file that
					 * names it, or "" */
};

typedef void alias_watch(void *ctx, const struct alias_step *);
/* From now on each step is told; NULL ends it. */
void	alias_book_watch(struct alias_book *, alias_watch *, void *ctx);

/* Is the domain delivered here? None, a local one, or the hostname. */
bool	alias_is_local(const struct conf *, struct str domain);
/* The index of the delimiter in front of the extension of a local part; its
 * length when it has none. */
size_t	alias_extension(const struct conf *, struct str local);

#endif
