/* SPDX-License-Identifier: ISC */
#ifndef TLS_CONNECTION_H
#define TLS_CONNECTION_H

#include <openssl/ssl.h>
#include "os/turn.h"

struct tls;

/* How a context makes connections (tls/tls); OpenSSL's types end in net. */

/* The way to the socket, made once for all of them; NULL: no memory. */
BIO_METHOD *connection_method(void);
/* NULL when there is no memory.  Its side is set on the SSL by the caller. */
struct tls *connection_new(SSL_CTX *, const BIO_METHOD *, int fd);
/* Only who has one of these turns computes in its handshake.  They stay the
 * caller's. */
void	connection_limit(struct tls *, const struct turns *);
SSL	*connection_ssl(const struct tls *);

#endif
