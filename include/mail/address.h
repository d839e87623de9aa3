/* SPDX-License-Identifier: ISC */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/str.h"
#include "base/vec.h"

/*
 * A mailbox as SMTP means it.  The local part is kept as meant: without quotes
 * and backslashes; whoever writes it quotes it again when it must be.  The
 * domain is lower case, or a literal with its brackets, or empty (a bare name
 * such as "root" or "postmaster").  Both empty: the null path <>.
 *
 * No control character, no NUL, is ever in one (RFC 5321 4.1.2).
 */
struct address {
	struct str	local;
	struct str	domain;
};

#define ADDRESS_LOCAL_MAX	64	/* RFC 5321 4.5.3.1.1 */
#define ADDRESS_MAX		254	/* RFC 5321 4.5.3.1.3 less <> */

/*
 * Parses a path "<...>" at the front of *rest and steps over it.  A source
 * route is skipped (RFC 5321 4.1.1.3, appendix C).  With may_be_null "<>" is
 * accepted.  A missing domain is accepted (the caller decides).  Limits are
 * generous in the local part: up to 254 in all.  Permanent fault 501 5.1.3
 * (recipient) or 5.1.7 (sender: may_be_null), 553 for an impossible address.
 */
int	address_parse_path(struct arena *, struct str *rest, bool may_be_null,
	    bool utf8, struct address *, struct fault *);
/* A bare "local@domain", "local", as in a file or on a command line; a
 * surrounding <> is accepted, blanks around it too.  "<>" is the null path;
 * an empty text is a fault. */
int	address_parse(struct arena *, struct str, bool utf8, struct address *,
	    struct fault *);

/* Quoted where needed, without <>; nothing for the null path. */
void	address_put(struct buf *, const struct address *);
struct str address_text(struct arena *, const struct address *);
bool	address_is_null(const struct address *);
/* Local part exact, domain without case. */
bool	address_eq(const struct address *, const struct address *);
struct address address_copy(struct arena *, const struct address *);

/* A header's address list (RFC 5322 3.4, with the obsolete forms of 4.4 as
 * far as they are unambiguous; groups are flattened). */
typedef VEC(struct address) address_vec;
/* Appends; what cannot be understood is a permanent fault naming the place. */
int	address_parse_list(struct arena *, struct str value, address_vec *,
	    struct fault *);

#endif
