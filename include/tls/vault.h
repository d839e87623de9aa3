/* SPDX-License-Identifier: ISC */
#ifndef TLS_VAULT_H
#define TLS_VAULT_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/fault.h"
#include "tls/tls_server.h"

/*
 * The private keys of TLS in the one process that has them, and the signatures
 * that it makes with them.  Keys are numbered in the order of the options.
 */
struct vault;

/* Reads all the files: as root, where the keys are root's.  Faults are as with
 * tls_server_new().  Nothing of the options is kept. */
struct vault *vault_open(const struct tls_options *, struct fault *);
void	vault_free(struct vault *);
/* So many keys that are read from now on will lie in memory that is not swapped
 * out and in no dump, as far as the system lets this process. */
void	vault_prepare(size_t keys);
/* The certificates, for tls_server_new_kept(). */
void	vault_show(const struct vault *, struct buf *);
/* Before the first question: does for once what is done at the first one. */
void	vault_warm(const struct vault *);

/*
 * The packet that answers a packet (tls/signing), whatever that is; returns its
 * size.  At most one signature is made.  *refused counts what was asked and
 * may not be signed.
 */
#define VAULT_QUESTION_MAX	520
#define VAULT_ANSWER_MAX	2052
size_t	vault_answer(const struct vault *, struct str question,
	    uint8_t answer[VAULT_ANSWER_MAX], uint64_t *refused);

#endif
