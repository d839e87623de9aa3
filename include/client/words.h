/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_WORDS_H
#define CLIENT_WORDS_H

#include <stdbool.h>
#include "base/buf.h"

/* Names and addresses as they are written into a header. */

#define WORDS_PHRASE_MAX	256	/* bytes of a name; the rest is cut */

/*
 * A person's name as a phrase (RFC 5322 3.2.5): bare, quoted when it has to
 * be, or as encoded words (RFC 2047 5 (3)) when it is not ASCII; no control
 * character comes through.  False, and nothing written, when no name is left
 * or when it is not UTF-8.
 */
bool	words_put_phrase(struct buf *, struct str name);
/*
 * The value of an address field with "@host" behind every address that has no
 * domain; all else stays as it is, folding and comments too.
 */
void	words_put_qualified(struct buf *, struct str value, struct str host);

#endif
