/* SPDX-License-Identifier: ISC */
#ifndef TLS_CERT_H
#define TLS_CERT_H

#include <openssl/ssl.h>
#include "base/buf.h"
#include "base/fault.h"
#include "base/str.h"

/* A certificate with what signs it and its private key, as files hold them. */
struct cert {
	X509		*leaf;
	STACK_OF(X509)	*chain;		/* above it; may be empty */
	EVP_PKEY	*key;
};

/*
 * PEM: the certificate first, then those above it; the key in a file of its
 * own, or (key_file NULL) in the same.  Whoever reads a key wants it to be the
 * secret of its owner, who is root or ourselves.  Faults are 554 5.3.5 and
 * name the file, what is wrong and what to do.
 */
int	cert_load(struct cert *, const char *file, const char *key_file,
	    struct fault *);
void	cert_free(struct cert *);
/* All but the key, to be read by a process that does not have it. */
void	cert_write(const struct cert *, struct buf *);
/* The next one that was written, off the front of *rest; its key is NULL.
 * -1: there is none, or what is there is none. */
int	cert_read(struct cert *, struct str *rest);
/* "RSA", "EC", "ED25519" */
const char *cert_type(const struct cert *);
/* The first error in OpenSSL's queue as text, which is empty then. */
const char *cert_error(void);

#endif
