/* SPDX-License-Identifier: ISC */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/fault.h"
#include "base/ip.h"
#include "base/str.h"
#include "conf/conf.h"
#include "mail/address.h"

struct facts;

/*
 * What must be asked of the world is asked through here, when a rule wants it
 * and not before.  Whoever supplies one remembers its answers.
 */
struct prober {
	/* The client's name, confirmed both ways: 1; 0 when it has none; -1
	 * with a temporary fault when that cannot be told. */
	int	(*client_name)(struct prober *, const struct facts *,
		    struct str *name, struct fault *);
	/* Does this DNS list have the client: 1, 0, or -1 when that cannot be
	 * told. */
	int	(*is_listed)(struct prober *, const struct facts *,
		    struct str zone);
	/* Is the name in its HELO, which is no literal, unknown or confirmed:
	 * 1, 0, or -1 with a temporary fault when that cannot be told. */
	int	(*helo_is)(struct prober *, const struct facts *,
		    enum rule_helo, struct fault *);
	/* Is the client welcome with this recipient, where no rule has spoken?
	 * 0, or -1 with why not. */
	int	(*check)(struct prober *, const struct facts *,
		    struct fault *);
};

/* What is known about a client and its transaction when a decision is due:
 * all that policy ever sees.  It has never heard of sessions. */
struct facts {
	enum conf_service	 service;
	const struct conf_listen *listener;	/* NULL: the local socket, or
						 * not known */
	bool			 local;		/* a program of this machine,
						 * by the local socket */
	bool			 secure;	/* over TLS */
	struct ip		 client_ip;	/* family 0: not known */
	bool			 reported;	/* by a proxy, or XCLIENT */
	struct str		 client_name;	/* n == 0: prober is asked;
						 * "unknown": it has none */
	struct prober		*prober;	/* NULL: nobody can be asked */
	struct str		 helo;
	struct str		 login;		/* n == 0: none */
	const struct address	*sender;
	const struct address	*recipient;
	uint64_t		 recipients;	/* with this one */
	uint64_t		 size_declared;	/* 0: not said */
	uint64_t		 size;		/* when the content has come */
};

/* 1 and the name, 0: unknown, -1 with a fault. */
int	facts_client_name(const struct facts *, struct str *name,
	    struct fault *);
/* Is it what DNS knows as: HELO_UNKNOWN, HELO_CONFIRMED?  1, 0, -1 with a fault.
 * A client on this machine has nothing to prove. */
int	facts_helo_is(const struct facts *, enum rule_helo, struct fault *);
/* As the prober says it; 0 where there is none. */
int	facts_is_listed(const struct facts *, struct str zone);
int	facts_check_client(const struct facts *, struct fault *);

#endif
