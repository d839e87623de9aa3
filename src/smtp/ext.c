/* SPDX-License-Identifier: ISC */
/*
 * The ESMTP extensions that we know, a row each.  The server walks the rows to
 * offer them, the client looks a keyword of the reply to EHLO up, and the
 * parameters of MAIL and RCPT ask which extension they belong to.
 *
 * Nothing here knows an extension's argument (the number behind SIZE): whoever
 * offers or reads it does.  A new extension begins with a row here; its bit is
 * never used for another one.
 */
#include "smtp/ext.h"

#include <stddef.h>

static const struct ext_row rows[] = {
	{ EXT_PIPELINING,  { "PIPELINING", 10 },	  "RFC 2920" },
	{ EXT_SIZE,	   { "SIZE", 4 },		  "RFC 1870" },
	{ EXT_8BITMIME,	   { "8BITMIME", 8 },		  "RFC 6152" },
	{ EXT_STATUSCODES, { "ENHANCEDSTATUSCODES", 19 }, "RFC 2034" },
	{ EXT_STARTTLS,	   { "STARTTLS", 8 },		  "RFC 3207" },
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
