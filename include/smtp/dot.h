/* SPDX-License-Identifier: ISC */
#ifndef SMTP_DOT_H
#define SMTP_DOT_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/sink.h"

/*
 * The content of DATA (RFC 5321 4.5.2): one automaton over bytes.  Only
 * CRLF.CRLF ends it.  A bare LF or bare CR anywhere is noticed; the content
 * is then read to its end and refused, so that no two readers can disagree
 * about where a message ends.
 */
struct dot_decoder {
	int		state;		/* see dot.c */
	bool		done;		/* the final dot was seen */
	bool		bare;		/* a bare CR or LF was seen */
	bool		nul;		/* a NUL was seen */
	bool		eight_bit;
	size_t		line;		/* length of the current line */
	size_t		longest;	/* longest line, without CRLF */
};

void	dot_decoder_init(struct dot_decoder *);
/*
 * Takes bytes from the front of in, writes unstuffed content (every line with
 * its CRLF) to the sink, in as few pieces as possible, and returns in *taken
 * how many were used: all, unless the end was found.  -1: the sink failed;
 * decoding may go on with sink == NULL.
 */
int	dot_decode(struct dot_decoder *, struct str in, size_t *taken,
	    struct sink *sink, struct fault *);

/*
 * Looks at content, in any split: does a line of it begin with a dot, so that
 * it must be stuffed?  Is there a bare LF or CR, so that it must not be sent
 * as text at all?
 */
struct dot_look {
	bool	line_start;		/* nothing yet, or a CRLF, at the end */
	bool	cr;			/* a CR at the end: bare, unless more
					 * is to come */
	bool	dots;
	bool	bare;
};

void	dot_look_init(struct dot_look *);
void	dot_look(struct dot_look *, struct str in);

/*
 * Stuffs content for sending: a dot at the start of a line is doubled.  Fed in
 * any split; dot_encode_end() adds the missing CRLF, if any, and ".CRLF".
 * Content is to be looked at first; a bare LF or CR here is bug().
 */
struct dot_encoder {
	bool	line_start;
	bool	cr;
};

void	dot_encoder_init(struct dot_encoder *);
void	dot_encode(struct dot_encoder *, struct str in, struct buf *out);
void	dot_encode_end(struct dot_encoder *, struct buf *out);

#endif
