/* SPDX-License-Identifier: ISC */
#ifndef WARDEN_WARDEN_H
#define WARDEN_WARDEN_H

#include <stdbool.h>
#include "base/fault.h"
#include "conf/conf.h"
#include "policy/lists.h"

/*
 * The one process with privilege: makes the spool and the sockets, starts the
 * master and the runner and starts them again, becomes a recipient to deliver.
 */
struct warden_setup {
	struct lists	*lists;		/* of its rules; taken over too */
	struct conf	*conf;		/* taken over */
	const char	*path;		/* to read it again */
	bool		 may_be_missing;
	bool		 foreground;
};

/* Returns the exit status when it was told to end by SIGTERM or SIGINT, or
 * when it cannot start: the fault then says why (already printed). */
int	warden_run(const struct warden_setup *);

#endif
