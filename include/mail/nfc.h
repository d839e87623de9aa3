/* SPDX-License-Identifier: ISC */
#ifndef MAIL_NFC_H
#define MAIL_NFC_H

#include "base/arena.h"
#include "base/str.h"

/*
 * What two local parts have in common that are the same: ASCII in lower case,
 * and all of it in Unicode's normal form C (RFC 6532 3.1).  Also for what is
 * compared with one: a key, a pattern.  In the arena.
 */
struct str nfc_fold(struct arena *, struct str);

#endif
