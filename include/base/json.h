/* SPDX-License-Identifier: ISC */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/str.h"

/* Appends the text as a JSON string (RFC 8259 7), with its quotes. */
void	json_put_string(struct buf *, struct str);

#endif
