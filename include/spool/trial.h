/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_TRIAL_H
#define SPOOL_TRIAL_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/fault.h"
#include "os/file.h"
#include "spool/path.h"

/* What the spool's file system can do, and so what an entry costs there. */
struct trial {
	struct file_system	fs;
	bool			dir_sync;	/* as in struct spool */
	bool			temporaries;
};

/* Looks, and changes nothing.  Where there is no spool yet, its directory's
 * place tells; where that is missing too, it is a fault. */
int	trial_look(const char *path, struct trial *, struct fault *);
/*
 * Tries it: makes a file in the queue, locks, writes, links, syncs, reads and
 * removes it, and so learns what trial_look() could not see.  By whoever owns
 * the entries.  A disk without room is a fault with 452.
 */
int	trial_run(const struct spool *, struct trial *, struct fault *);
/* False with a fault that says what to do: mail could be lost there. */
bool	trial_is_durable(const struct trial *, const char *path,
	    struct fault *);
/* "spool /x: ext4 with a journal: one sync a message" */
void	trial_describe(const struct trial *, const char *path, struct buf *);

#endif
