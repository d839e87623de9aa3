/* SPDX-License-Identifier: ISC */
#ifndef TLS_SCHEME_H
#define TLS_SCHEME_H

#include <stdbool.h>
#include <stdint.h>

/* A way of signing, by its number in RFC 8446 4.2.3; that of TLS 1.0 has none
 * and gets one of those for private use. */
struct scheme {
	uint16_t	 number;
	const char	*type;		/* of the key, as OpenSSL calls it */
	const char	*digest;	/* likewise; NULL: its own */
	bool		 pss;
	bool		 newest;	/* TLS 1.3 signs so */
	bool		 old;		/* only TLS before 1.2 need sign so */
};

/* All of them, one by one; NULL behind the last. */
const struct scheme *scheme_at(unsigned i);
/* NULL: there is none. */
const struct scheme *scheme_find(uint16_t number);
/* Of a type of keys, with a digest by any of its names (NULL: without). */
const struct scheme *scheme_of(const char *type, const char *digest,
	    bool pss);

#endif
