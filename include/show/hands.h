/* SPDX-License-Identifier: ISC */
#ifndef SHOW_HANDS_H
#define SHOW_HANDS_H

#include "show/list.h"

/*
 * Lists all of the queue that is not on hold, in the order of its directories;
 * a long one by several processes, one for each processor.  False: one of them
 * has died, and the listing ends with a line that says so.
 */
bool	hands_list_queue(struct listing *);

#endif
