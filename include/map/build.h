/* SPDX-License-Identifier: ISC */
#ifndef MAP_BUILD_H
#define MAP_BUILD_H

#include <stddef.h>
#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

/*
 * newaliases: reads an aliases(5) file ("name: value, value"; continuation
 * lines begin with a blank; # comments; quoted names and values) and compiles
 * it to <path>.db, keys in lower case.
 */
struct build_report {
	size_t	entries;
	size_t	longest;	/* bytes of the longest value */
	size_t	bytes;		/* of all values */
	size_t	warnings;	/* how often warn was called */
	unsigned line;		/* where the last entry begins; for take, its
				 * own */
};

/*
 * warn gets the line's number and what is wrong with it.  Left out are lines
 * without an understandable name or without a value, and all but the first
 * entry of a name.  An entry whose value cannot be delivered to (malformed,
 * a program, a file) is kept, so that mail for the name waits instead of being
 * refused.
 */
typedef void build_warn(void *ctx, unsigned line, const char *text);

int	build_aliases(const char *path, build_warn *, void *ctx,
	    struct build_report *, struct fault *);

/*
 * The same reading of a source in memory, without the writing.  take gets
 * every entry: the key in lower case without quotes, the value as one line of
 * text; both live until take returns.  It returns 0, or -1 to end the reading
 * with its fault; *duplicate tells that the key was there already.
 */
typedef int build_take(void *ctx, struct str key, struct str value,
	    bool *duplicate, struct fault *);
int	build_parse(struct str source, build_take *, build_warn *, void *ctx,
	    struct build_report *, struct fault *);

/* The same of a source that is a file. */
int	build_parse_file(const char *path, build_take *, build_warn *,
	    void *ctx, struct build_report *, struct fault *);

/* The right-hand side of an entry, piece by piece. */
enum build_kind {
	BUILD_ADDRESS,		/* as in a header's address list */
	BUILD_USER,		/* \name: that user, without aliases */
	BUILD_PROGRAM,		/* |command */
	BUILD_FILE,		/* /path */
	BUILD_INCLUDE,		/* :include:/path */
};

struct build_target {
	enum build_kind	kind;
	struct str	text;	/* without the |, \, :include: and quotes; an
				 * address is left as it was written */
};

/* Cuts the next piece off the front of *rest.  1, 0 at the end, -1 when a
 * quote or comment does not end. */
int	build_cut(struct arena *, struct str *rest, struct build_target *);

#endif
