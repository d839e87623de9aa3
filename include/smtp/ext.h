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
	EXT_DSN			= 1 << 4,	/* RFC 3461 */
	EXT_SMTPUTF8		= 1 << 5,	/* RFC 6531 */
	EXT_CHUNKING		= 1 << 6,	/* RFC 3030 */
	EXT_BINARYMIME		= 1 << 7,	/* RFC 3030 */
	EXT_STARTTLS		= 1 << 8,	/* RFC 3207 */
	EXT_AUTH		= 1 << 9,	/* RFC 4954 */
	EXT_REQUIRETLS		= 1 << 10,	/* RFC 8689 */
	EXT_DELIVERBY		= 1 << 11,	/* RFC 2852 */
	EXT_FUTURERELEASE	= 1 << 12,	/* RFC 4865 */
	EXT_MT_PRIORITY		= 1 << 13,	/* RFC 6710 */
	EXT_LIMITS		= 1 << 14,	/* RFC 9422 */
	EXT_ETRN		= 1 << 15,	/* RFC 1985 */
	EXT_HELP		= 1 << 16,	/* RFC 5321 4.1.1.8 */
	EXT_VRFY		= 1 << 17,	/* RFC 5321 4.1.1.6 */
	EXT_EXPN		= 1 << 18,	/* RFC 5321 4.1.1.7 */
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
