/* SPDX-License-Identifier: ISC */
#ifndef MAP_FLAT_H
#define MAP_FLAT_H

#include "base/buf.h"
#include "map/map.h"

/*
 * A text file as a map, without a step of compiling: a line is a key and, if
 * there is more on it, its value.  "#" at the start of a line or behind a
 * blank begins a comment.  Keys are kept as they are compared (mail/fold).
 */
enum flat_kind {
	FLAT_NAMES,		/* any word */
	FLAT_ADDRESSES,		/* ann@example.org, @example.org, domains,
				 * *.example.org, <> */
	FLAT_USERS,		/* logins: any word without "*"; for those that
				 * are addresses @example.org, domains,
				 * *.example.org */
	FLAT_LOGINS,		/* logins as they are, or * for all; behind
				 * each addresses, @DOMAIN or *, parted by
				 * blanks or commas */
};

#define FLAT_FILE_MAX	(32 * 1024 * 1024)

/*
 * The whole file, or NULL with what is wrong with it appended to errors,
 * "PATH:LINE:COLUMN: text" a line each.  A key that is there twice is such an
 * error.  The map is in memory; a change of the file does not reach it.
 */
struct map *flat_load(const char *path, enum flat_kind, struct buf *errors);

/* The line on which a key stands; 0: it is not there. */
unsigned flat_line(const struct map *, struct str key);

/* The lines of such a file, for whoever reads another kind of key. */
struct flat_lines {
	const char	*path;
	struct buf	 text;
	struct str	 rest;
	struct str	 line;
	unsigned	 number;
	struct buf	*errors;
	unsigned	 wrong;		/* errors so far */
};

/* False when it cannot be read, which is in errors then.  To be ended by
 * flat_lines_close() in either case. */
bool	flat_lines_open(struct flat_lines *, const char *path,
	    struct buf *errors);
/* The next line with something on it, cut into its first word and what
 * follows, without blanks at its ends; false at the end. */
bool	flat_lines_next(struct flat_lines *, struct str *key,
	    struct str *value);
/* "PATH:LINE:COLUMN: expected WHAT, got "KEY"": key is part of the line. */
void	flat_lines_expected(struct flat_lines *, struct str key,
	    const char *what);
void	flat_lines_close(struct flat_lines *);
/* The next word of a value, behind blanks and commas; false at its end. */
bool	flat_word(struct str *rest, struct str *word);

#endif
