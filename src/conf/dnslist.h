/* SPDX-License-Identifier: ISC */
#ifndef CONF_DNSLIST_H
#define CONF_DNSLIST_H

#include "conf/setting.h"

#include "conf/reader.h"

/*
 * The rows of DNS lists, as conf/sentence has the others:
 *
 *	dnsbl ZONE [weight N] [when ADDRESS[-N]...] [as NAME]
 *	dnswl ZONE ...
 */
#define DNSLISTS_MAX	16		/* rows, and lists that are asked */

void	dnslist_parse(struct conf *, const struct setting *,
	    const struct statement *, struct reader_errors *);
size_t	dnslist_count(const struct conf *, const struct setting *);
/* When all is read: what has to be asked about a client, for rows and rules. */
void	dnslist_gather(struct conf *, struct reader_errors *);
unsigned dnslist_format(const struct conf *, const struct setting *, size_t i,
	    struct buf *);

#endif
