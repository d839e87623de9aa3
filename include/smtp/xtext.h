/* SPDX-License-Identifier: ISC */
#ifndef SMTP_XTEXT_H
#define SMTP_XTEXT_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/*
 * The two ways in which a parameter's value holds what a value must not:
 * xtext, "+3D" for an octet (RFC 3461 4), and unitext, "\x{3D}" for a character
 * (RFC 6533 3).
 */
void	xtext_put(struct buf *, struct str);
/* False: it is no xtext.  An empty one is one. */
bool	xtext_decode(struct arena *, struct str in, struct str *out);
/* UTF-8 with every character that is not ASCII, and what xtext would encode,
 * as unitext: fit for any server and for a report in ASCII. */
void	unitext_put(struct buf *, struct str utf8);
/* False: a malformed escape, or the characters are no UTF-8.  What is not
 * escaped may be UTF-8. */
bool	unitext_decode(struct arena *, struct str in, struct str *out);

#endif
