/* SPDX-License-Identifier: ISC */
#ifndef SMTP_PROXY_H
#define SMTP_PROXY_H

#include <stddef.h>
#include "base/str.h"
#include "os/sock.h"

/*
 * The header of the PROXY protocol, versions 1 and 2, with which a load
 * balancer says in front of everything else for whom it has connected.
 */
#define PROXY_HEADER_MAX	4096	/* with all that may hang on to it */

enum proxy_result {
	PROXY_MORE,		/* it is not whole yet */
	PROXY_DONE,
	PROXY_BAD,		/* it is none */
};

struct proxy {
	struct sock_addr	client;	/* family 0: it does not say */
	struct sock_addr	here;	/* to whom that one has connected */
	size_t			size;	/* of the header */
};

/* in is what has come so far, from its first byte on.  Fills the struct when
 * DONE.  When it wants MORE, size is more than has come, and no more than the
 * header will have. */
enum proxy_result proxy_parse(struct str in, struct proxy *);

#endif
