/* SPDX-License-Identifier: ISC */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/sink.h"

/*
 * The header of a message (RFC 5322 2.2): collected while the content passes,
 * and read field by field.  Lines end in CRLF; a bare LF is taken as a line
 * end too, since old messages have them.
 */
#define HEADER_FIELDS_MAX	1000
#define HEADER_SIZE_MAX		(256 * 1024)

struct header_field {
	struct str	name;		/* without the colon */
	struct str	value;		/* behind the colon, folded as it is,
					 * without the last line end */
	struct str	raw;		/* all of it, with its line end */
};

/* The next field of a header block; false at its end (an empty line, the end
 * of the text, or a line that is no field). */
bool	header_next(struct str *rest, struct header_field *);
/* The first field of that name (any case). */
bool	header_find(struct str block, struct str name, struct header_field *);
/* Unfolds: line ends gone, blanks at both ends gone. */
void	header_unfold(struct buf *, struct str value);

/* A sink that keeps the header block and lets the body pass. */
struct header_collector {
	struct sink	sink;
	struct buf	block;		/* with the empty line if it came */
	struct buf	over;		/* what came with it and is the body's:
					 * the beginning of a line that is no
					 * field, or all of it */
	bool		complete;	/* the empty line was seen, or a line
					 * that is no field */
	unsigned	fields;
	unsigned	received;	/* RFC 5321 6.3: hops so far */
	bool		too_big;	/* beyond one of the limits above; the
					 * rest is not kept, nothing fails */
	size_t		line;		/* private: where the line that is
					 * still coming begins in the block */
};

void	header_collector_init(struct header_collector *);
void	header_collector_reset(struct header_collector *);
void	header_collector_free(struct header_collector *);
/* To be called when the content has ended: counts a last line without end. */
void	header_collector_finish(struct header_collector *);

#endif
