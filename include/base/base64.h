/* SPDX-License-Identifier: ISC */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/str.h"

/* Base 64 (RFC 4648 4), on one line and padded. */
void	base64_put(struct buf *, struct str bytes);
/* Appends what the text stands for.  False when it has any other character, a
 * length or a pad that does not fit, or bits that say nothing (RFC 4648 3.5):
 * then nothing was appended.  "" stands for no bytes. */
bool	base64_decode(struct str text, struct buf *out);

#endif
