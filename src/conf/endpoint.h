/* SPDX-License-Identifier: ISC */
#ifndef CONF_ENDPOINT_H
#define CONF_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/ip.h"
#include "base/str.h"

/* A host and a port in one word: HOST, HOST:PORT, [HOST], [HOST]:PORT, an IPv6
 * address as it is, :PORT. */
struct endpoint {
	struct str	host;		/* within the word */
	bool		brackets;
	uint16_t	port;		/* 0: none given */
};

/* False: it is none of these.  What the host is is not looked at. */
bool	endpoint_parse(struct str word, struct endpoint *);
/* 1 to 65535 */
bool	endpoint_parse_port(struct str, uint16_t *);
/* An address as it is, or as a literal of mail (IPv6:...). */
bool	endpoint_parse_ip(struct str, struct ip *);
/* "host:25", "[2001:db8::1]:25" */
void	endpoint_put(struct buf *, struct str host, uint16_t port);

#endif
