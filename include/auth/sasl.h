/* SPDX-License-Identifier: ISC */
#ifndef AUTH_SASL_H
#define AUTH_SASL_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/buf.h"
#include "conf/setting.h"

/*
 * The server's side of a SASL exchange (RFC 4422), as far as a session has a
 * part in it: a small machine for each mechanism that is fed the client's
 * messages and says what comes next.  It never learns whether a secret is
 * right: that the doorkeeper knows.
 */
enum sasl_next {
	SASL_CHALLENGE,		/* say `out`, feed what the client answers */
	SASL_SECRET,		/* ask about name and secret */
	SASL_TOKEN,		/* the same: a bearer token */
	SASL_QUERY,		/* no token: what is wanted?  The mechanism's
				 * refusal tells (RFC 7628 4.3) */
	SASL_CARRY,		/* the doorkeeper leads: hand it what came */
	SASL_DONE,		/* name is proved already (EXTERNAL) */
	SASL_MALFORMED,		/* this was no message of the mechanism */
	SASL_REFUSED,		/* it was, and will not do */
};

#define SASL_NAME_MAX	255	/* RFC 4616 2, in octets here */
#define SASL_SECRET_MAX	1024
#define SASL_TOKEN_MAX	9216	/* what 12288 octets of base 64 hold */

struct sasl_mechanism;
struct sasl {
	const struct sasl_mechanism *mechanism;
	struct arena		*arena;		/* the session's */
	struct str		 proved;	/* who TLS says it is, or "" */
	struct str		 name;		/* when it is known; a token may
						 * come without */
	struct str		 secret;	/* wiped by sasl_free() */
	struct buf		 out;
};

struct sasl_mechanism {
	enum conf_mechanism	 id;
	struct str		 name;
	/* The client's next message; none: there was no initial response. */
	enum sasl_next		(*step)(struct sasl *, bool none,
				    struct str in);
	/* Last words to a client that is refused, or "": he answers with
	 * anything, then comes the refusal. */
	const char		*refusal;
	/* The client's first message is all that it says: RFC 4954 4. */
	bool			 one_round;
};

/* NULL: there is none of that name (in any case). */
const struct sasl_mechanism *sasl_find(struct str name);
const struct sasl_mechanism *sasl_get(enum conf_mechanism);

void	sasl_init(struct sasl *, const struct sasl_mechanism *,
	    struct arena *, struct str proved);
void	sasl_free(struct sasl *);
enum sasl_next sasl_step(struct sasl *, bool none, struct str in);

/* A name that may stand in a log line and in a file of names: UTF-8 without
 * control characters, 1 to SASL_NAME_MAX octets. */
bool	sasl_is_name(struct str);

#endif
