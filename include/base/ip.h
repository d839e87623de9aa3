/* SPDX-License-Identifier: ISC */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/str.h"

/*
 * An IPv4 or IPv6 address.  An IPv4-mapped IPv6 address is turned into the
 * IPv4 address wherever one is made, so that a network means the same for
 * both.  family 0 is "no address" (a local socket).
 */
struct ip {
	uint8_t	family;		/* 0, 4 or 6 */
	uint8_t	b[16];		/* network order; the first 4 for IPv4 */
};

struct ipnet {
	struct ip	ip;	/* bits behind the prefix are zero */
	uint8_t		bits;
};

#define IP_TEXT_MAX	46	/* with the NUL */

/* From n bytes in network order: 4 or 16 (mapped ones become IPv4); any
 * other n gives no address. */
struct ip ip_of_bytes(const void *p, size_t n);
/* Dotted quad without leading zeros, or IPv6 as of RFC 4291 2.2; no zone.
 * *ip is written only when true. */
bool	ip_parse(struct str, struct ip *);
/* RFC 5952 text; "" for no address.  Returns out. */
const char *ip_format(const struct ip *, char out[IP_TEXT_MAX]);
/* As an address literal's inside: "192.0.2.1" or "IPv6:2001:db8::1"
 * (RFC 5321 4.1.3). */
void	ip_put_literal(struct buf *, const struct ip *);
/* The inside of an address literal, without brackets; a number of a dotted
 * quad may be padded to three digits there. */
bool	ip_parse_literal(struct str, struct ip *);
bool	ip_eq(const struct ip *, const struct ip *);
bool	ip_is_loopback(const struct ip *);	/* 127/8, ::1 */
bool	ip_is_any(const struct ip *);		/* 0.0.0.0, :: */

/* "192.0.2.0/24", "2001:db8::/32", or a plain address (all bits).  False
 * when malformed or when bits behind the prefix are set. */
bool	ipnet_parse(struct str, struct ipnet *);
bool	ipnet_has(const struct ipnet *, const struct ip *);
void	ipnet_put(struct buf *, const struct ipnet *);

#endif
