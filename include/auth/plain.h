/* SPDX-License-Identifier: ISC */
#ifndef AUTH_PLAIN_H
#define AUTH_PLAIN_H

#include <stdbool.h>
#include "base/str.h"

/* The messages of the mechanisms in which a secret or a token is simply said.
 * All give views of the message; false: it is none. */

/* [authzid] NUL authcid NUL passwd (RFC 4616 2). */
bool	plain_parse(struct str, struct str *authzid, struct str *name,
	    struct str *secret);
/* n,[a=authzid],^A key=value ^A ... ^A (RFC 7628 3.1): the user, who may be
 * "", and what stands behind auth=Bearer. */
bool	plain_parse_bearer(struct str, struct str *name, struct str *token);
/* user=NAME ^A auth=Bearer TOKEN ^A^A, Google's and Microsoft's. */
bool	plain_parse_xoauth2(struct str, struct str *name, struct str *token);

#endif
