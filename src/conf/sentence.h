/* SPDX-License-Identifier: ISC */
#ifndef CONF_SENTENCE_H
#define CONF_SENTENCE_H

#include "conf/setting.h"

#include "conf/reader.h"

/*
 * The settings with more parts than a name and a value:
 *
 *	listen ...: see conf/listener	domain NAME... local
 *	deliver METHOD [WHAT]		relay for NETWORK...
 *	route PATTERN via HOST		login ...: see conf/login
 *	tls certificate FILE [key FILE] [for NAME...]
 */

/* Adds what the statement says to the conf, or reports what is wrong. */
void	sentence_parse(struct conf *, const struct setting *,
	    const struct statement *, struct reader_errors *);
/* How many statements it takes to say what the conf holds. */
size_t	sentence_count(const struct conf *, const struct setting *);
/* Appends statement i without its first word; returns its line, 0 when it
 * does not come from the file. */
unsigned sentence_format(const struct conf *, const struct setting *, size_t i,
	    struct buf *);

#endif
