/* SPDX-License-Identifier: ISC */
#ifndef CONF_NETWORK_H
#define CONF_NETWORK_H

#include "conf/reader.h"
#include "conf/setting.h"

/*
 * The networks that stand in a statement from word i to its end, at least one,
 * each of them added to the list unless it is wrong, which is reported.  all
 * says what a prefix of length 0 would mean, which is refused.
 */
void	network_parse(struct conf *, const struct statement *, size_t i,
	    struct conf_networks *, const char *all, struct reader_errors *);
/* "NAME for NETWORK ...", of a setting that is nothing else. */
void	network_parse_for(struct conf *, const struct setting *,
	    const struct statement *, struct reader_errors *);
const struct conf_networks *network_list(const struct conf *,
	    const struct setting *);
/* "proxy from NETWORK ..." at the end of a "listen", if it is there; returns how
 * many words there are in front of it. */
size_t	network_parse_proxies(struct conf *, const struct statement *,
	    struct conf_networks *, struct reader_errors *);
/* Blanks between, none in front. */
void	network_format(const struct conf_networks *, struct buf *);

#endif
