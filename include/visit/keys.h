/* SPDX-License-Identifier: ISC */
#ifndef VISIT_KEYS_H
#define VISIT_KEYS_H

#include "conf/conf.h"
#include "tls/tls_server.h"
#include "tls/vault.h"

/*
 * The certificates and keys that a configuration names.  *server is NULL where
 * none are named.  The fault begins with the line of the configuration.
 *
 * With them all in this process, to see whether they are good: where the
 * privilege to read them is.
 */
int	keys_load(const struct conf *, struct tls_server **server,
	    struct fault *);
/* Only the keys, in the one process that is to have them; likewise. */
int	keys_open(const struct conf *, struct vault **, struct fault *);
/* The server whose keys that process has. */
int	keys_borrow(const struct conf *, const struct tls_kept *,
	    struct tls_server **server, struct fault *);

/* Is any of the files another one than when they were looked at last? */
struct keys_stamp {
	uint64_t	sum;
};
struct keys_stamp keys_look(const struct conf *);

#endif
