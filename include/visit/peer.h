/* SPDX-License-Identifier: ISC */
#ifndef VISIT_PEER_H
#define VISIT_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "conf/conf.h"
#include "os/sock.h"
#include "policy/dnsbl.h"
#include "policy/lists.h"
#include "route/alias.h"
#include "spool/grey.h"
#include "spool/path.h"

struct tls_server;

/* What the master has to tell all sessions while they run; they can only read
 * it (os/pane). */
#define NOTICES_LOOK	5	/* seconds between two looks of who waits */

struct notices {
	_Atomic bool	stressed;	/* there is little left of something */
	_Atomic int64_t	sick_until;	/* clock_boot_ms; of the spool */
	_Atomic bool	leave[];	/* by number: that session, unless it has
					 * begun a message or is a user's */
};
#define NOTICES_SIZE(sessions)	(sizeof(struct notices) + (sessions) * \
	    sizeof(_Atomic bool))

/* What every session shares, made once by the master before it forks. */
struct smtpd {
	const struct conf	*conf;
	const struct spool	*spool;
	struct alias_book	*aliases;
	struct lists		*lists;		/* of conf's rules */
	const struct notices	*notices;	/* may be NULL */
	const _Atomic bool	*leave;		/* this session's, or NULL */
	struct dnsbl_memory	*dns_lists;	/* or NULL */
	const struct grey	*grey;		/* or NULL; its fd may be -1 */
	int			 notify;	/* to the runner, or -1 */
	int			 usher;		/* to the master (priv/usher), or
						 * -1 */
	struct tls_server	*tls;		/* NULL: no certificate */
	int			 tray;		/* of lines to the resolver
						 * (master/names), or -1 */
	char			*in;		/* of smtpd_prepare(), or NULL */
};

struct smtpd_peer {
	enum conf_service	service;
	const struct conf_listen *listener;	/* or NULL */
	bool			local;		/* on the local socket */
	uid_t			uid;		/* of the program, if local */
	struct sock_addr	addr;		/* if not */
	bool			proxied;	/* of a proxy, which says first
						 * for whom it has connected */
	bool			reported;	/* addr is what somebody has
						 * told us, who may */
	bool			known;		/* the master need not be told
						 * when it logs in */
	int			timeout;	/* seconds that its listener
						 * has set, 0: none */
};

#endif
