/* SPDX-License-Identifier: ISC */
#ifndef SMTP_XCLIENT_H
#define SMTP_XCLIENT_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/fault.h"
#include "os/sock.h"

/*
 * The arguments of XCLIENT, with which one who may says for which client it
 * speaks (Postfix' XCLIENT_README; no standard has it).
 */
#define XCLIENT_WORDS	"NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT " \
			"REVERSE_NAME"

/* Which attributes were given; or-ed. */
enum xclient_given {
	XCLIENT_NAME = 1 << 0,
	XCLIENT_ADDR = 1 << 1,
	XCLIENT_PORT = 1 << 2,
	XCLIENT_PROTO = 1 << 3,
	XCLIENT_HELO = 1 << 4,
	XCLIENT_LOGIN = 1 << 5,
	XCLIENT_DESTADDR = 1 << 6,
	XCLIENT_DESTPORT = 1 << 7,
	XCLIENT_REVERSE_NAME = 1 << 8,
};

/* A value that was not available, for now or at all, is the empty one: n == 0,
 * family 0, port 0.  Texts hold printable ASCII and no blanks at either end;
 * names are names of hosts. */
struct xclient {
	unsigned		given;
	struct str		name;
	struct sock_addr	client;
	bool			esmtp;
	struct str		helo;
	struct str		login;
	struct sock_addr	here;
	struct str		reverse_name;
};

/* args is what follows "XCLIENT".  Fault: 501 5.5.4. */
int	xclient_parse(struct arena *, struct str args, struct xclient *,
	    struct fault *);

#endif
