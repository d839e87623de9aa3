/* SPDX-License-Identifier: ISC */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include <stdbool.h>
#include "base/ip.h"
#include "base/str.h"
#include "conf/conf.h"
#include "mail/address.h"

/* What is known about a client and its transaction when a decision is due:
 * all that policy ever sees.  It has never heard of sessions. */
struct facts {
	enum conf_service	 service;
	bool			 local;		/* a program of this machine,
						 * by the local socket */
	struct ip		 client_ip;
	struct str		 helo;
	bool			 secure;	/* over TLS */
	struct str		 certificate;	/* of the client: SHA-256 in
						 * hex; n == 0: none shown */
	struct str		 certificate_name;	/* n == 0: nobody whom
						 * we know vouches for it */
	const struct address	*sender;
	const struct address	*recipient;
};

#endif
