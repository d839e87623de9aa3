/* SPDX-License-Identifier: ISC */
#ifndef SMTP_CHUNK_H
#define SMTP_CHUNK_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

/* What a BDAT command says of the octets behind it (RFC 3030 2). */
struct chunk {
	uint64_t	size;		/* UINT64_MAX: that or more */
	bool		last;
};

/* args is what follows "BDAT", e.g. "1000 LAST".  False: where the chunk ends
 * cannot be told. */
bool	chunk_parse(struct str args, struct chunk *);

#endif
