/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_PICKUP_H
#define QUEUE_PICKUP_H

#include "conf/conf.h"
#include "route/alias.h"
#include "spool/path.h"

/* Brings in what sendmail(1) left in spool/drop while the daemon was away, and
 * tells the runner of each by notify. */
struct pickup {
	const struct conf	*conf;
	const struct spool	*spool;
	struct alias_book	*book;
	int			 notify;
};

void	pickup_run(const struct pickup *);
/* A descriptor that becomes readable when something is left there; -1: none.
 * pickup_heard() empties it. */
int	pickup_watch(const char *spool_path);
void	pickup_heard(int fd);

#endif
