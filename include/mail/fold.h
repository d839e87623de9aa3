/* SPDX-License-Identifier: ISC */
#ifndef MAIL_FOLD_H
#define MAIL_FOLD_H

#include "base/arena.h"
#include "base/str.h"

/*
 * What is compared of a domain, an address or a login, so that two that mean the
 * same are the same bytes.  All keys and all questions go through here, and so
 * do patterns.  In the arena.
 */
/* A-labels and lower case; what has no A-labels is in lower case alone. */
struct str fold_domain(struct arena *, struct str);
/* "local@domain": the local part as nfc_fold() has it. */
struct str fold_mailbox(struct arena *, struct str local, struct str domain);
/* A login, which is an address or the name of one. */
struct str fold_login(struct arena *, struct str);

#endif
