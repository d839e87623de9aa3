/* SPDX-License-Identifier: ISC */
#ifndef SHOW_SHOW_H
#define SHOW_SHOW_H

#include <stdbool.h>
#include <sys/types.h>
#include "show/list.h"

/*
 * Showing the queue and changing it, as asked through the queue socket by
 * mailq and `godwit queue`.  Runs in a child of the runner with what the
 * runner knew when it forked, or in a command of root's while the daemon is
 * down.
 */
struct show {
	struct view		 view;
	int			 notify;	/* to the runner, or -1 */
	uid_t			 uid;		/* of the asker */
	bool			 may_change;	/* the asker is root or runs
						 * the daemon */
};

/*
 * One request, one answer to fd: "mailq", "mailq json", "show ID",
 * "show ID json", "flush", "flush ID", "hold ID", "release ID", "remove ID".
 * The answer's first line is "ok" or "error TEXT".  The last byte of one that
 * is ok is NUL, or it is not whole.
 */
void	show_answer(const struct show *, struct str request, int fd);

#endif
