/* SPDX-License-Identifier: ISC */
#ifndef DNS_RESOLVE_H
#define DNS_RESOLVE_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/fault.h"
#include "dns/rr.h"
#include "os/sock.h"

/*
 * Questions to the system's resolver by libresolv (res_nquery: no search list,
 * TCP when truncated).  /etc/resolv.conf is read once when the resolver is
 * made; a process that lives long calls resolver_refresh().
 */
struct resolver;

struct resolver *resolver_new(struct fault *);
/* Asks this one server, whatever resolv.conf says; never refreshed. */
struct resolver *resolver_new_at(const struct sock_addr *, struct fault *);
void	resolver_free(struct resolver *);
/* Reads resolv.conf again when it has changed. */
void	resolver_refresh(struct resolver *);

enum resolve_result {
	RESOLVE_FOUND,		/* at least one record of the type */
	RESOLVE_NO_DATA,	/* the name exists, the type does not */
	RESOLVE_NO_NAME,	/* NXDOMAIN */
	RESOLVE_TRY_AGAIN,	/* no answer, SERVFAIL, garbage: fault is set */
};

struct resolved {
	VEC(struct rr)	records;	/* only those of the type asked for */
	bool		secure;		/* AD from a trusted resolver */
	struct str	canonical;	/* the name at the end of CNAMEs */
	unsigned	aliases;	/* that led there */
};

/* name is an A-label domain name without final dot.  CNAMEs are followed, at
 * most 8 (RFC 5321 5.1), within the answer or by asking again. */
enum resolve_result resolve(struct resolver *, struct arena *,
	    struct str name, enum rr_type, struct resolved *, struct fault *);

/*
 * What one answer says of out->canonical, for whoever asks in another way.
 * True: *result is it, and *reason says why when it is RESOLVE_TRY_AGAIN.
 * False: out->canonical has become another name, to be asked for.  The caller
 * begins with out zeroed but for the name.
 */
bool	resolve_read(struct arena *, const struct rr_answer *, enum rr_type,
	    struct resolved *out, enum resolve_result *result,
	    const char **reason);

#endif
