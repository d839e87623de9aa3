/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_ACCOUNT_H
#define ADMIN_ACCOUNT_H

#include "admin/explain.h"
#include "base/buf.h"

/* An explanation, told to people; and as one JSON object on a line. */
void	account_text(const struct explanation *, struct buf *);
void	account_json(const struct explanation *, struct buf *);
/* Its end in a word: "taken", "held", "discarded", "refused", "refused for
 * now", "undecided". */
const char *account_result(const struct explanation *);

#endif
