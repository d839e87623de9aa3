/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_TEMP_H
#define SPOOL_TEMP_H

#include <stdbool.h>
#include <stdint.h>
#include "base/fault.h"
#include "spool/path.h"

/*
 * Where a file system cannot make unnamed files, an entry is begun under a
 * temporary name, q/XX/.t.NAME, or hold/.t.NAME.  It gets its own name by a
 * link, as an unnamed one does; then the temporary one is removed.  What has no other name than
 * that is no entry and is never delivered.
 */
#define TEMP_PREFIX	".t."
#define TEMP_AGE	(24 * 60 * 60)	/* seconds; see temp_sweep() */

/* The name of the entry, in the name of such a file; NULL: it is none. */
const char *temp_entry(const char *file);
/* "XX/.t.NAME", below q. */
const char *temp_path(const char *name, char out[SPOOL_PATH_MAX]);
/* Makes it, locked, open for writing; a stale one of this name is removed
 * first, as far as this process may. */
int	temp_open(const struct spool *, const char *name, bool in_hold,
	    struct fault *);
/* By its maker, when the entry has its name or was given up.  A session may
 * not, and has to ask the runner. */
int	temp_remove(const struct spool *, const char *name, bool in_hold,
	    struct fault *);
/* Removes it, in both places, if nobody needs it: the entry has its own name, or
 * nobody has it locked and it was not written to for so many seconds.  Says
 * whether. */
bool	temp_sweep(const struct spool *, const char *name, int64_t age);
/* The same of a file elsewhere, as drop(8) begins it. */
bool	temp_sweep_at(int dirfd, const char *path, int64_t age);

#endif
