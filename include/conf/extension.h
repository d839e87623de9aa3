/* SPDX-License-Identifier: ISC */
#ifndef CONF_EXTENSION_H
#define CONF_EXTENSION_H

#include "conf/setting.h"

struct reader_errors;
struct statement;

/* "extension NAME no": as sentence_parse() and sentence_format(). */
void	extension_parse(struct conf *, const struct statement *,
	    struct reader_errors *);
unsigned extension_format(const struct conf *, size_t i, struct buf *);
/* Those that are switched off: or-ed enum ext. */
unsigned extension_off(const struct conf *);

#endif
