/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_SETUP_H
#define QUEUE_SETUP_H

#include <sys/types.h>
#include "conf/conf.h"
#include "spool/grey.h"
#include "spool/path.h"

/* What the queue runner is given by the warden. */
struct runner_setup {
	const struct conf	*conf;
	const struct spool	*spool;		/* whole */
	int			 notify;	/* datagrams from sessions */
	int			 channel;	/* to the warden */
	int			 narrow;	/* sandbox of the workers, or -1 */
	int			 queue_sock;	/* listener for mailq, or -1 */
	uid_t			 sessions;	/* their user, if it is nobody
						 * else's; else -1 */
	struct grey		*grey;		/* or NULL; its fd may be -1 */
};

#endif
