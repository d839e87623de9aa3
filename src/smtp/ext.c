/* SPDX-License-Identifier: ISC */
/*
 * The ESMTP extensions that we know, a row each.  The server walks the rows to
 * offer them, the client looks a keyword of the reply to EHLO up, and the
 * parameters of MAIL and RCPT ask which extension they belong to.
 *
 * Nothing here knows an extension's argument (the number behind SIZE), or when
 * it holds: whoever offers it does (smtpd/offer), or reads it (smtpc/hello).  A
 * new extension begins with a row here; its bit is never used for another one,
 * and conf/extension, where each can be switched off, counts them in the same
 * order.
 */
#include "smtp/ext.h"

#include <stddef.h>

static const struct ext_row rows[] = {
	{ EXT_PIPELINING, { "PIPELINING", 10 }, "RFC 2920" },
	{ EXT_SIZE, { "SIZE", 4 }, "RFC 1870" },
	{ EXT_8BITMIME, { "8BITMIME", 8 }, "RFC 6152" },
	{ EXT_STATUSCODES, { "ENHANCEDSTATUSCODES", 19 }, "RFC 2034" },
	{ EXT_DSN, { "DSN", 3 }, "RFC 3461" },
	{ EXT_SMTPUTF8, { "SMTPUTF8", 8 }, "RFC 6531" },
	{ EXT_CHUNKING, { "CHUNKING", 8 }, "RFC 3030" },
	{ EXT_BINARYMIME, { "BINARYMIME", 10 }, "RFC 3030" },
	{ EXT_STARTTLS, { "STARTTLS", 8 }, "RFC 3207" },
	{ EXT_AUTH, { "AUTH", 4 }, "RFC 4954" },
	{ EXT_REQUIRETLS, { "REQUIRETLS", 10 }, "RFC 8689" },
	{ EXT_DELIVERBY, { "DELIVERBY", 9 }, "RFC 2852" },
	{ EXT_FUTURERELEASE, { "FUTURERELEASE", 13 }, "RFC 4865" },
	{ EXT_MT_PRIORITY, { "MT-PRIORITY", 11 }, "RFC 6710" },
	{ EXT_LIMITS, { "LIMITS", 6 }, "RFC 9422" },
	{ EXT_ETRN, { "ETRN", 4 }, "RFC 1985" },
	{ EXT_HELP, { "HELP", 4 }, "RFC 5321 4.1.1.8" },
	{ EXT_VRFY, { "VRFY", 4 }, "RFC 5321 4.1.1.6" },
	{ EXT_EXPN, { "EXPN", 4 }, "RFC 5321 4.1.1.7" },
};

const struct ext_row *
ext_row(unsigned i)
{
	if (i >= sizeof(rows) / sizeof(rows[0]))
		return NULL;
	return &rows[i];
}

unsigned
ext_find(struct str keyword)
{
	const struct ext_row *row;
	unsigned i;

	for (i = 0; (row = ext_row(i)) != NULL; i++)
		if (str_caseeq(row->keyword, keyword))
			return row->bit;
	return 0;
}
