/* SPDX-License-Identifier: ISC */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/ip.h"
#include "base/str.h"

/* Domain names as mail uses them (RFC 5321 4.1.2, 4.1.3, 2.3.5). */

#define DOMAIN_MAX	255	/* octets, RFC 5321 4.5.3.1.2 */
#define DOMAIN_LABEL_MAX 63	/* RFC 1035 2.3.4 */

/* Letters, digits, hyphens and dots; labels of 1..63 that neither begin nor
 * end with a hyphen; at most 255 in all; one trailing dot is not accepted.
 * With utf8, labels may hold any non-ASCII character of valid UTF-8. */
bool	domain_is_valid(struct str, bool utf8);
/* As domain_is_valid() but underscores too: what peers put in HELO. */
bool	domain_is_hostlike(struct str);
/* "[192.0.2.1]" or "[IPv6:...]". */
bool	domain_is_literal(struct str, struct ip *);
/* Case-insensitive in ASCII. */
bool	domain_eq(struct str, struct str);
/* Is name the domain itself ("example.org"), or below it when the pattern is
 * "*.example.org"; "*" matches everything. */
bool	domain_matches(struct str name, struct str pattern);
/* A lower-case copy. */
struct str domain_fold(struct arena *, struct str);

#endif
