/* SPDX-License-Identifier: ISC */
#ifndef SMTPC_MESSAGE_H
#define SMTPC_MESSAGE_H

#include "mail/envelope.h"

/* Content is given as a row of pieces of memory, in wire form (CRLF lines,
 * not stuffed; any octets if body is BODY_BINARYMIME). */
struct smtpc_message {
	const struct address	 *sender;
	const struct recipient	 *const *recipients;	/* n of them */
	size_t			  n;
	const struct str	 *parts;
	size_t			  nparts;
	uint64_t		  size;		/* sum of the parts */
	enum envelope_body	  body;
	const struct envelope_wishes *wishes;	/* NULL: none */
};

#endif
