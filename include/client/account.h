/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ACCOUNT_H
#define CLIENT_ACCOUNT_H

#include "base/buf.h"
#include "client/explain.h"

/* An explanation, told to people; and as one JSON object on a line. */
void	account_text(const struct explanation *, struct buf *);
void	account_json(const struct explanation *, struct buf *);
/* Its end in a word: "taken", "held", "discarded", "refused", "refused for
 * now", "undecided". */
const char *account_result(const struct explanation *);

#endif
