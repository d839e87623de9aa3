/* SPDX-License-Identifier: ISC */
#ifndef DNS_RR_H
#define DNS_RR_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/ip.h"
#include "base/vec.h"

/*
 * DNS messages on the wire (RFC 1035 4.1), read with a bounded cursor; every
 * RDLENGTH is checked against its type.  Names come out as text without the
 * final dot, lower case; what is not a possible text is dropped.
 */
enum rr_type {
	RR_A = 1, RR_NS = 2, RR_CNAME = 5, RR_SOA = 6, RR_PTR = 12, RR_MX = 15,
	RR_TXT = 16, RR_AAAA = 28,
};

#define RR_MAX	100		/* records of an answer that are used */

struct rr {
	enum rr_type	type;
	struct str	owner;
	uint32_t	ttl;
	struct ip	ip;		/* A, AAAA */
	uint16_t	preference;	/* MX */
	struct str	name;		/* MX, CNAME, PTR, NS; "" is the root */
	struct str	text;		/* TXT, its strings joined */
};

struct rr_answer {
	int		rcode;		/* 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN */
	bool		authentic;	/* the AD bit */
	bool		truncated;
	VEC(struct rr)	records;	/* of the answer section */
};

/* -1: not a DNS message. */
int	rr_parse(struct arena *, const void *p, size_t n, struct rr_answer *);

#endif
