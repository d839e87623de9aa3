/* SPDX-License-Identifier: ISC */
#ifndef SHOW_WISHES_H
#define SHOW_WISHES_H

#include "base/buf.h"
#include "mail/envelope.h"

/* What the sender has asked for, as people read it: a line each ("wants      ..."),
 * nothing for what was not said. */
void	wishes_put(struct buf *, const struct envelope_wishes *);
/* The same of a recipient, each line with its line end in front. */
void	wishes_put_recipient(struct buf *, const struct recipient *);
/* For programs: ,"hold_until":N and so on. */
void	wishes_put_json(struct buf *, const struct envelope_wishes *);

#endif
