/* SPDX-License-Identifier: ISC */
#ifndef SHOW_HANDS_H
#define SHOW_HANDS_H

#include "show/list.h"

/*
 * Lists all of the queue that is not on hold, in the order of its directories;
 * a long one by several processes, one for each processor and at most four.
 * False: one of them has died, the log says of what, and something is missing.
 * What could not be read, and a reader who has gone, the listing itself tells.
 */
bool	hands_list_queue(struct listing *);

#endif
