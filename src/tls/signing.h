/* SPDX-License-Identifier: ISC */
#ifndef TLS_SIGNING_H
#define TLS_SIGNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/str.h"

/*
 * The question for a signature and its answer: one packet each, on a
 * connection of their own.
 *
 *	question	kind (2), scheme (2), key (4), text
 *	answer		what came of it (4), signature
 *
 * Numbers are little-endian.  A kind is a use of keys, with its own rules about
 * texts (tls/gate); a key has one.
 */
enum signing_kind {
	SIGNING_HANDSHAKE = 1,		/* TLS, the server's side */
};

enum signing_result {
	SIGNING_DONE,
	SIGNING_REFUSED,
	SIGNING_SILENT,		/* no answer in time */
	SIGNING_GONE,		/* nobody is there */
};

struct signing {
	uint16_t	kind;
	uint16_t	scheme;		/* tls/scheme */
	uint32_t	key;		/* in the order of the configuration */
	struct str	text;
};

#define SIGNING_HEAD		8
#define SIGNING_TEXT_MAX	512
#define SIGNING_QUESTION_MAX	(SIGNING_HEAD + SIGNING_TEXT_MAX)
#define SIGNING_ANSWER_HEAD	4
#define SIGNATURE_MAX		2048		/* of RSA with 16384 bits */
#define SIGNING_ANSWER_MAX	(SIGNING_ANSWER_HEAD + SIGNATURE_MAX)

/* Through the door of os/sock.  *n is the room at signature, then what was
 * used of it.  Takes some seconds at the most. */
enum signing_result signing_ask(int door, const struct signing *,
	    void *signature, size_t *n);
/* What a packet asks for; text lies in it.  False: it is no question. */
bool	signing_parse(struct str packet, struct signing *);

#endif
