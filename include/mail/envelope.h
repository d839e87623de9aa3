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
	BODY_BINARYMIME,	/* RFC 3030 */
};

enum envelope_origin {
	ORIGIN_SMTP,		/* from the network */
	ORIGIN_LOCAL,		/* a program of this machine: local socket */
	ORIGIN_DROP,		/* the same while the daemon was away */
	ORIGIN_BOUNCE,		/* made here */
};

/* What the sender wants to hear of a recipient (RFC 3461 4.1); or-ed. */
enum envelope_want {
	WANT_UNSAID = 0,		/* as if FAILURE alone */
	WANT_NEVER = 1 << 0,		/* no other bit beside it */
	WANT_SUCCESS = 1 << 1,
	WANT_FAILURE = 1 << 2,
	WANT_DELAY = 1 << 3,
	WANT_EXPANDED = 1 << 4,	/* SUCCESS of an alias of several, to be
					 * told once: RFC 3461 5.2.7.3 */
	WANT_ALL = (1 << 5) - 1,
};

/* What of the message comes back with a failure (RFC 3461 4.3). */
enum envelope_ret {
	RET_UNSAID,
	RET_FULL,
	RET_HDRS,
};

/* What happens when the time is over (RFC 2852 4). */
enum envelope_by {
	BY_NONE,			/* there is no such time */
	BY_RETURN,
	BY_NOTIFY,
};

enum { PRIORITY_LEAST = -9, PRIORITY_MOST = 9 };	/* RFC 6710 3 */

struct recipient {
	struct address	address;	/* after expansion; what is delivered */
	struct address	original;	/* as it was given at RCPT */
	unsigned	notify;		/* enum envelope_want */
	struct str	orcpt;		/* "rfc822;a+2Bb@c", as it was given */
};

/* What the sender has asked for beside delivery. */
struct envelope_wishes {
	bool			 smtputf8;	/* RFC 6531 */
	bool			 requiretls;	/* RFC 8689 */
	enum envelope_ret	 ret;
	struct str		 envid;		/* xtext, as it was given */
	enum envelope_by	 by;
	bool			 by_trace;	/* RFC 2852 4 */
	int64_t			 by_time;	/* wall seconds */
	int64_t			 hold_until;	/* wall seconds, 0: not said */
	struct str		 hold;		/* "for;60" (RFC 4865 5.1.2) */
	int			 priority;	/* RFC 6710; 0: as usual */
	struct str		 auth;		/* xtext, as given; RFC 4954 5 */
};

struct envelope {
	struct address		sender;		/* may be null */
	VEC(struct recipient)	recipients;
	enum envelope_body	body;
	enum envelope_origin	origin;
	uint64_t		size_declared;	/* SIZE=, 0: not said */
	struct envelope_wishes	wishes;
	struct ip		client_ip;
	struct str		client_name;	/* "unknown" when not known */
	struct str		helo;
	struct str		protocol;	/* RFC 3848: "SMTP", "ESMTP",
						 * "ESMTPS", "UTF8SMTPS" ... */
	uint32_t		uid;		/* of a local program */
	struct str		login;		/* of the client; "": none */
};

/* Does the sender want to hear of it?  Nobody hears of what came from <>, nor of
 * a success that was not asked for. */
bool	envelope_wants(const struct envelope *, const struct recipient *,
	    enum envelope_want);
/* Its time to be delivered in has passed (RFC 2852 4.1.3). */
bool	envelope_is_late(const struct envelope *, int64_t now);
/* May its addresses be said where SMTPUTF8 is not? */
bool	envelope_is_ascii(const struct envelope *);

#endif
