/* SPDX-License-Identifier: ISC */
#ifndef MAIL_IDNA_H
#define MAIL_IDNA_H

#include "base/arena.h"
#include "base/fault.h"

/* Internationalised domain names by libidn2 (IDNA 2008, non-transitional). */

/* The A-label form, lower case, for DNS; ASCII names pass unchanged but for
 * case.  Permanent fault 5.1.2 when the name is not a possible one. */
int	idna_to_ascii(struct arena *, struct str name, struct str *ascii,
	    struct fault *);

#endif
