/* SPDX-License-Identifier: ISC */
#ifndef TLS_TLS_SERVER_H
#define TLS_TLS_SERVER_H

#include <stdint.h>
#include "base/fault.h"
#include "base/vec.h"
#include "tls/tls.h"

/*
 * The server's side of TLS: certificates, keys and rules, made once by the
 * process that will fork the sessions, and used by each of them.
 */
struct tls_server;

/* The order is that of the protocol's age. */
enum tls_version {
	TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3,
};

struct tls_certificate {
	const char	*file;
	const char	*key_file;	/* NULL: in the same */
	/* For whom: "example.org", "*.example.org", in lower case, A-labels.
	 * None: for all names that no other certificate has. */
	VEC(struct str)	 names;
};

struct tls_options {
	VEC(struct tls_certificate) certificates;	/* at least one */
	enum tls_version oldest;
	bool		 ask;		/* for the client's certificate */
	const char	*authorities;	/* file of those who may have signed
					 * it; NULL: none */
};

/* Certificates whose keys another process keeps (tls/vault). */
struct tls_kept {
	struct str	 shown;		/* vault_show() of the same options */
	int		 door;		/* to whoever signs, os/sock; stays the
					 * caller's, and is for all sessions */
};

/*
 * Reads all the files: as root, where the keys are root's.  Certificates for
 * the same names must be of different types (RSA, EC, Ed25519): each peer gets
 * the one that it understands.  A name that is unknown gets the certificate
 * without names, or the first.  Nothing of the options is kept.
 *
 * A fault (554 5.3.5) names the file, what is wrong and what to do.
 */
struct tls_server *tls_server_new(const struct tls_options *, struct fault *);
/* The same with keys that another process keeps. */
struct tls_server *tls_server_new_kept(const struct tls_options *,
	    const struct tls_kept *, struct fault *);
void	tls_server_free(struct tls_server *);
/* Before sessions are forked: does once, with nobody, what each of them would
 * otherwise do for the first time.  The fault says that it does not succeed,
 * and no session's will. */
int	tls_server_warm(struct tls_server *, struct fault *);
/* From time to time, now being clock_boot_ms(): new keys for tickets. */
void	tls_server_turn(struct tls_server *, int64_t now);
/*
 * A connection on this socket, to be used as tls/tls says; NULL when there is
 * no memory.  A session of one service (any number) is resumed on that one
 * only.
 */
struct tls *tls_server_accept(const struct tls_server *, int fd,
	    unsigned service);

#endif
