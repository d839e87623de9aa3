/* SPDX-License-Identifier: ISC */
#ifndef AUTH_SCRAM_H
#define AUTH_SCRAM_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"

/* SCRAM-SHA-256 (RFC 5802, RFC 7677): what is kept of a password, and the
 * server's side of the exchange.  Pure but for randomness. */
#define SCRAM_KEY	32		/* bytes of SHA-256 */
#define SCRAM_SALT_MAX	64
#define SCRAM_ROUNDS_MIN 4096		/* RFC 7677 4 */
#define SCRAM_ROUNDS_MAX 1000000
#define SCRAM_ROUNDS	15000		/* of what we make */
#define SCRAM_SALT	16

struct scram_record {
	uint32_t	rounds;
	uint8_t		salt[SCRAM_SALT_MAX];
	size_t		nsalt;
	uint8_t		stored[SCRAM_KEY];	/* StoredKey */
	uint8_t		server[SCRAM_KEY];	/* ServerKey */
};

/* Calls the library once, so that it loads nothing later, in a sandbox. */
void	scram_warm(void);
void	scram_random(void *, size_t n);
/* HMAC-SHA-256. */
void	scram_hmac(struct str key, struct str text, uint8_t out[SCRAM_KEY]);
/* Does it take the same time wherever two runs of bytes differ?  This does. */
bool	scram_same(const void *, const void *, size_t n);

/* As in a file of passwords:
 * SCRAM-SHA-256$ROUNDS:SALT$STOREDKEY:SERVERKEY, the last three in base 64. */
bool	scram_record_parse(struct str, struct scram_record *);
void	scram_record_put(struct buf *, const struct scram_record *);
/* From a password; salt and rounds are set already. */
void	scram_record_make(struct scram_record *, struct str secret);
/* Is this its password? */
bool	scram_record_check(const struct scram_record *, struct str secret);
/* For a user whom nobody knows: always the same for the same key and name, with
 * as many bytes of salt as one that is known has. */
void	scram_record_fake(struct scram_record *, struct str key,
	    struct str name, uint32_t rounds, size_t nsalt);

struct scram_binding {
	bool		plus;		/* the mechanism is -PLUS */
	bool		offered;	/* ... or that was offered too */
	struct str	kind;		/* "tls-exporter", ...; "": none */
	struct str	data;
};

struct scram {
	struct arena	*arena;
	struct str	 gs2;		/* header of the first message */
	struct str	 bare;		/* client-first-message-bare */
	struct str	 first;		/* server-first-message */
	struct str	 nonce;		/* client's and ours */
	struct str	 name;
	struct str	 authzid;
	struct scram_binding binding;
};

/* The client's first message.  -1 with a permanent fault that says what is
 * wrong with it.  Sets name. */
int	scram_begin(struct scram *, struct arena *,
	    const struct scram_binding *, struct str in, struct fault *);
/* What the server says to that; nonce is ours, printable. */
struct str scram_challenge(struct scram *, const struct scram_record *,
	    struct str nonce);
/* The client's last message: -1 as above, also when the proof is wrong; 0 with
 * the server's last message. */
int	scram_finish(struct scram *, const struct scram_record *,
	    struct str in, struct str *out, struct fault *);

#endif
