/* SPDX-License-Identifier: ISC */
#ifndef DNS_SERVERS_H
#define DNS_SERVERS_H

#include <stddef.h>
#include "os/sock.h"

/* The name servers of resolv.conf(5), for whoever sends to them without
 * libresolv. */
#define SERVERS_MAX	3		/* as libresolv has it */

/*
 * Those that a resolv.conf names, in its order but with those of this machine
 * first; 127.0.0.1 when it names none.  A line that is no address, or has a
 * zone, is passed over.  Returns how many, at least 1.
 */
size_t	servers_parse(struct str text, struct sock_addr out[SERVERS_MAX]);
/* Of /etc/resolv.conf; one that cannot be read names none. */
size_t	servers_load(struct sock_addr out[SERVERS_MAX]);

#endif
