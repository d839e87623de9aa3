/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_PICKUP_H
#define QUEUE_PICKUP_H

#include "queue/stock.h"

/* Brings in what sendmail(1) left in spool/drop while the daemon was away. */
void	pickup_run(struct stock *);
/* A descriptor that becomes readable when something is left there; -1: none.
 * pickup_heard() empties it. */
int	pickup_watch(const char *spool_path);
void	pickup_heard(int fd);

#endif
