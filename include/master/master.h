/* SPDX-License-Identifier: ISC */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <sys/types.h>
#include "conf/conf.h"
#include "master/listen.h"
#include "master/regulars.h"
#include "os/pane.h"
#include "policy/lists.h"
#include "route/alias.h"
#include "spool/grey.h"
#include "spool/path.h"
#include "tls/tls_server.h"
#include "visit/peer.h"

/* The process that accepts: one session child for each connection. */
struct master_setup {
	const struct conf	*conf;
	struct listeners	*listeners;	/* closed when it drains */
	const struct spool	*spool;		/* writer only */
	struct alias_book	*aliases;
	struct lists		*lists;		/* of the rules */
	int			 notify;
	void			*regulars;	/* of master/budget, or NULL */
	struct pane		 board;		/* struct notices */
	struct tls_server	*tls;		/* or NULL */
	uid_t			 own;		/* the sessions' user, if it is
						 * nobody else's; else -1 */
	const struct grey	*grey;		/* its fd may be -1 */
	int			 tray;		/* of lines to the resolver,
						 * or -1 */
	int			 desk[2];	/* of priv/usher, or -1 */
	void			*roster;	/* for its children, or NULL */
	uint64_t		 serial;	/* of it */
};

/*
 * Serves until SIGUSR1 (retire: accept no more, let the sessions finish) or
 * SIGTERM (drain: the warden sends it to the whole process group, so that the
 * sessions end as well), both to be caught; returns when the last session has
 * gone, or MASTER_DRAIN seconds after SIGTERM.
 */
void	master_run(const struct master_setup *);
#define MASTER_DRAIN	30

#endif
