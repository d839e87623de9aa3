/* SPDX-License-Identifier: ISC */
#ifndef DELIVER_LOCAL_H
#define DELIVER_LOCAL_H

#include "conf/conf.h"
#include "deliver/job.h"
#include "route/next.h"
#include "spool/message.h"

/* A user of this machine, by way of an agent that the warden started. */
struct local {
	const struct conf	*conf;
	const struct next	*next;
	int			 channel;	/* to the warden */
	int			 agent;		/* or -1 */
};

void	local_init(struct local *, const struct conf *, const struct next *,
	    int channel);
void	local_try(struct local *, struct message *, const struct job *,
	    struct outcome *);
void	local_close(struct local *);

#endif
