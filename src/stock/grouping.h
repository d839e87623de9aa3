/* SPDX-License-Identifier: ISC */
#ifndef STOCK_GROUPING_H
#define STOCK_GROUPING_H

#include "stock/entry.h"

/* Makes the entry's tasks, waiting or ready, from the message, which is open
 * for writing.  entry->owes: a recipient has failed.  False: not all of it could
 * be placed. */
bool	grouping_make_tasks(struct stock *, struct entry *, struct message *);

#endif
