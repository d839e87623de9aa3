/* SPDX-License-Identifier: ISC */
#ifndef OS_CRYPT_H
#define OS_CRYPT_H

#include <stdbool.h>
#include "base/fault.h"

/*
 * crypt(3), from a library that is loaded by whoever asks for it, so that
 * nobody else carries it.
 */
struct crypt_engine;

/* Before a sandbox is put on.  NULL with a temporary fault: there is none. */
struct crypt_engine *crypt_load(struct fault *);
void	crypt_free(struct crypt_engine *);
/*
 * Is the secret, NUL-terminated, that of the hash?  It takes as long as the
 * hash wants, for a wrong secret too.  A hash that the library does not know
 * is false with *known false.
 */
bool	crypt_check(struct crypt_engine *, const char *secret,
	    const char *hash, bool *known);

#endif
