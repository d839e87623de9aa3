/* SPDX-License-Identifier: ISC */
#ifndef QUEUE_GROUPING_H
#define QUEUE_GROUPING_H

#include "queue/entry.h"

/* Makes the entry's tasks, waiting or ready, from the message, which is open
 * for writing.  entry->owes: a recipient has failed.  False: not all of it could
 * be placed. */
bool	grouping_make_tasks(struct stock *, struct entry *, struct message *);

#endif
