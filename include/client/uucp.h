/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_UUCP_H
#define CLIENT_UUCP_H

#include <stdbool.h>
#include "base/arena.h"
#include "mail/address.h"

/*
 * The envelope that uux gives to rmail(8): lines "From user date remote from
 * host" in front of the message, each host on the way having put its own
 * there, those of others behind a ">".  Takes them off the front of *text; true
 * when they told a sender: the user of the last line, at the nearest host
 * that it names.
 */
bool	uucp_cut_sender(struct arena *, struct str *text, struct address *);
/* A recipient may come in parentheses: without them. */
struct str uucp_recipient(struct str);

#endif
