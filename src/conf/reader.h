/* SPDX-License-Identifier: ISC */
#ifndef CONF_READER_H
#define CONF_READER_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"

/* The language of the configuration file: statements, words, blocks. */

#define READER_FILE_MAX		(1024 * 1024)
#define READER_ERRORS_MAX	100	/* the rest is only counted */
#define READER_DEPTH_MAX	8

/* A place in the file, both from 1; a column is a character. */
struct place {
	unsigned	line, column;
};

struct word {
	struct str	text;		/* without quotes and escapes */
	struct place	place;
};

struct statement {
	VEC(struct word) words;		/* at least one */
	struct place	place;		/* of the first word */
	struct place	end;		/* behind the last word */
	unsigned	depth;		/* 0 outside of all blocks */
	bool		block;		/* the statements of depth + 1 that
					 * follow are in its block */
};

typedef VEC(struct statement) statement_vec;

/* Where complaints go: "FILE:LINE:COLUMN: text", a line each. */
struct reader_errors {
	const char	*file;
	struct buf	*out;
	unsigned	 n;
};

void	reader_errors_init(struct reader_errors *, const char *file,
	    struct buf *out);
/* line 0: the complaint is about the whole file. */
void	reader_error(struct reader_errors *, struct place, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/*
 * "expected WHAT, got GOT", where got is word i of the statement or the end of
 * the line.  With a NULL-terminated list of the words that are known there,
 * the nearest one is suggested.
 */
void	reader_expected(struct reader_errors *, const struct statement *,
	    size_t i, const char *what, const char *const *known);
/* The word of the list that is near enough to be meant, or NULL. */
const char *reader_nearest(struct str got, const char *const *known);
/* A word as it may stand in an error: quoted, cut when it is long. */
void	reader_put_quoted(struct buf *, struct str);
/* A word as it would be written in the file, in quotes when it must be. */
void	reader_put_word(struct buf *, struct str);

/*
 * Appends the whole file to text: 1, or 0 when it is missing and may be, or
 * -1 with the error reported.
 */
int	reader_load(const char *path, bool may_be_missing, struct buf *text,
	    struct reader_errors *);
/* Appends the statements of a text; words are in the arena or in the text.
 * What is malformed is reported and left out. */
void	reader_parse(struct arena *, struct str text, statement_vec *,
	    struct reader_errors *);

#endif
