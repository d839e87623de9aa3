/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_MX_H
#define ROUTE_MX_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/fault.h"
#include "base/ip.h"
#include "base/vec.h"
#include "dns/resolve.h"

/*
 * The hosts that take mail for a domain, in the order in which they are tried
 * (RFC 5321 5.1): by preference, shuffled within one; the domain itself when
 * it has no MX.  Our own host among them cuts off itself and everything that
 * is not strictly better; nothing left is a loop: 554 5.4.6.
 */
struct mx_host {
	struct str	name;		/* A-label */
	uint16_t	preference;
	VEC(struct ip)	ips;		/* after mx_addresses() */
};

struct mx_list {
	VEC(struct mx_host)	hosts;	/* at most MX_HOSTS_MAX */
	bool			implicit;	/* no MX record */
	bool			secure;
};

#define MX_HOSTS_MAX	50

/*
 * Faults: null MX (RFC 7505) 556 5.1.10; no such domain 550 5.1.2; neither MX
 * nor address, or no MX that is a host name, 550 5.4.4; resolver does not
 * answer 451 4.4.3.
 * own: our hostname.
 */
int	mx_find(struct resolver *, struct arena *, struct str domain,
	    struct str own, struct mx_list *, struct fault *);
/* Fills host->ips, IPv6 and IPv4 alternating, IPv6 first; asks nothing when
 * mx_find() had to ask already (implicit).  0 with no address is possible; -1
 * only when the resolver did not answer.  Loopback and unspecified addresses
 * are left out unless may_loopback: strangers write these records. */
int	mx_addresses(struct resolver *, struct arena *, struct mx_host *,
	    bool may_loopback, struct fault *);

#endif
