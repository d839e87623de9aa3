/* SPDX-License-Identifier: ISC */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/ip.h"
#include "base/vec.h"
#include "mail/address.h"

/*
 * Everything about a message that is not its content: who sent it, who is to
 * have it, how it came.  Strings live in the arena of the transaction or of
 * the entry from which it was read.
 */
enum envelope_body {
	BODY_7BIT,
	BODY_8BITMIME,		/* RFC 6152 */
};

enum envelope_origin {
	ORIGIN_SMTP,		/* from the network */
	ORIGIN_LOCAL,		/* a program of this machine: local socket */
	ORIGIN_DROP,		/* the same while the daemon was away */
	ORIGIN_BOUNCE,		/* made here */
};

struct recipient {
	struct address	address;	/* after expansion; what is delivered */
	struct address	original;	/* as it was given at RCPT */
};

struct envelope {
	struct address		sender;		/* may be null */
	VEC(struct recipient)	recipients;
	enum envelope_body	body;
	enum envelope_origin	origin;
	uint64_t		size_declared;	/* SIZE=, 0: not said */
	struct ip		client_ip;
	struct str		client_name;	/* "unknown" when not known */
	struct str		helo;
	struct str		protocol;	/* RFC 3848: "SMTP", "ESMTP",
						 * "ESMTPS" */
	uint32_t		uid;		/* of a local program */
};

#endif
