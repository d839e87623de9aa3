/* SPDX-License-Identifier: ISC */
#ifndef SMTPD_KEYS_H
#define SMTPD_KEYS_H

#include "conf/conf.h"
#include "net/tls_server.h"

/*
 * The certificates and keys that a configuration names.  To be read where the
 * privilege to read them is.  *server is NULL where none are named.  The fault
 * begins with the line of the configuration.
 */
int	keys_load(const struct conf *, struct tls_server **server,
	    struct fault *);

/* Is any of the files another one than when they were looked at last? */
struct keys_stamp {
	uint64_t	sum;
};
struct keys_stamp keys_look(const struct conf *);

#endif
