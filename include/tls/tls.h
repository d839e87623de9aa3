/* SPDX-License-Identifier: ISC */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include <stdbool.h>
#include "base/buf.h"
#include "os/stream.h"

/*
 * One TLS connection, as ops below a stream.  A context (tls/tls_server) makes
 * it on a socket; it neither owns nor closes that.
 *
 *	t = tls_server_accept(...)
 *	stream_set_ops(&stream, &tls_ops, t)
 *	stream_begin(&stream)		the handshake
 *	...				as without TLS
 *	stream_close(&stream)		says goodbye and frees t
 *
 * A connection on which something went wrong sends nothing more, and every
 * further read fails: what comes behind cannot be told from an attack.
 */
struct tls;

extern const struct stream_ops tls_ops;

/* A peer sends no more than this in a handshake (SECURITY R-26). */
#define TLS_HANDSHAKE_MAX	65536
#define TLS_NAME_MAX		256
#define TLS_DIGEST_MAX		65	/* SHA-256 in hex, and the NUL */

/* What a handshake came to; strings live as long as the connection. */
struct tls_facts {
	const char	*version;	/* "TLSv1.3" */
	const char	*cipher;	/* as OpenSSL calls it */
	const char	*registered;	/* and IANA: RFC 8446 B.4; may be
					 * NULL */
	int		 bits, bits_of;	/* in use, and of the algorithm */
	const char	*group;		/* "X25519"; NULL when not known */
	bool		 resumed;
	/* Of the peer's certificate, if it has shown one. */
	bool		 certified;
	bool		 verified;	/* by a known authority */
	char		 name[TLS_NAME_MAX];	/* its common name; "" when it
						 * is not verified */
	char		 digest[TLS_DIGEST_MAX];	/* of the whole */
};

/* After the handshake. */
void	tls_find_facts(const struct tls *, struct tls_facts *);
/*
 * What names this connection (RFC 5056), of the kind "tls-exporter" (RFC 9266),
 * "tls-unique" (RFC 5929 3, before TLS 1.3) or "tls-server-end-point" (RFC 5929
 * 4), appended.  For the server's end.
 * False: another kind, or this connection has none of it.
 */
bool	tls_find_binding(const struct tls *, struct str kind, struct buf *);
/* "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)" */
void	tls_put_summary(struct buf *, const struct tls_facts *);
/* Why it failed ("no shared cipher"), or "" when TLS is not the reason. */
const char *tls_failure(const struct tls *);

#endif
