/* SPDX-License-Identifier: ISC */
#ifndef TLS_DISTANT_H
#define TLS_DISTANT_H

#include <openssl/evp.h>
#include <stdint.h>

/*
 * Private keys that are not here: OpenSSL uses them as any other, and to sign
 * they ask whoever has them (tls/signing).  Made once by the process that
 * forks; lives until the last of its keys is freed.
 */
struct distant;

/* The door is os/sock's, and stays the caller's.  NULL: OpenSSL's queue says
 * why. */
struct distant *distant_new(int door);
void	distant_free(struct distant *);
/* The private key of that number, of which public is the public half; to be
 * freed before the distant.  NULL: likewise. */
EVP_PKEY *distant_key(struct distant *, EVP_PKEY *public, uint32_t number);

#endif
