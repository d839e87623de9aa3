/* SPDX-License-Identifier: ISC */
#ifndef SMTP_EXT_H
#define SMTP_EXT_H

#include <stdint.h>
#include "base/str.h"

/* ESMTP extensions as one table: keyword, RFC, bit. */
enum ext {
	EXT_PIPELINING		= 1 << 0,	/* RFC 2920 */
	EXT_SIZE		= 1 << 1,	/* RFC 1870 */
	EXT_8BITMIME		= 1 << 2,	/* RFC 6152 */
	EXT_STATUSCODES		= 1 << 3,	/* RFC 2034 */
	EXT_STARTTLS		= 1 << 4,	/* RFC 3207 */
};

struct ext_row {
	enum ext	 bit;
	struct str	 keyword;
	const char	*rfc;
};

/* The row at index i, NULL behind the last. */
const struct ext_row *ext_row(unsigned i);
/* The bit of a keyword (any case), 0 when we do not know it. */
unsigned ext_find(struct str keyword);

#endif
