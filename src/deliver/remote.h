/* SPDX-License-Identifier: ISC */
#ifndef DELIVER_REMOTE_H
#define DELIVER_REMOTE_H

#include "conf/conf.h"
#include "deliver/job.h"
#include "dns/resolve.h"
#include "route/mx.h"
#include "route/next.h"
#include "smtpc/session.h"
#include "spool/message.h"

/* A destination beyond this machine. */
struct remote {
	const struct conf	*conf;
	const struct next	*next;
	struct resolver		*resolver;
	struct arena		 arena;		/* of the hosts */
	struct mx_list		 hosts;
	size_t			 host, ip;	/* where to go on trying */
	bool			 found;		/* hosts is filled */
	bool			 connected;
	bool			 dead;		/* why tells */
	struct smtpc		 smtpc;
	struct fault		 why;
	struct str		 why_host, why_where;
};

void	remote_init(struct remote *, const struct conf *, const struct next *);
void	remote_try(struct remote *, struct message *, const struct job *,
	    struct outcome *);
void	remote_close(struct remote *);

#endif
