/* SPDX-License-Identifier: ISC */
#ifndef MAP_DB_H
#define MAP_DB_H

#include <stdbool.h>
#include "map/map.h"

/*
 * Berkeley DB hash files as Postfix and sendmail read and write them: keys and
 * values with their terminating NUL.  Nothing outside this module knows the
 * library.  It never reads a DB_CONFIG (no environment home), and its messages
 * go to the fault, not to standard error.
 */
/* Opens read-only.  A missing file is *missing = true and NULL; for want of
 * memory it fails as for any other reason, because the process that accepts
 * opens the aliases too, and must not die of it. */
struct map *db_open(const char *path, bool *missing, struct fault *);
/* Is the file that db_open() found still the one under that path, unchanged?
 * One stat(2). */
bool	db_is_current(const struct map *);

/* A longer key is never found, and never written. */
#define DB_KEY_LONGEST	1024

/* Writing: into a new file, put in place by db_writer_commit(). */
struct db_writer;
struct db_writer *db_writer_new(const char *path, struct fault *);
/* -1 with a fault.  A key that is there already keeps its first value: 0 and
 * *duplicate. */
int	db_writer_put(struct db_writer *, struct str key, struct str value,
	    bool *duplicate, struct fault *);
/* Syncs, renames over path; frees the writer in every case. */
int	db_writer_commit(struct db_writer *, struct fault *);
void	db_writer_abort(struct db_writer *);	/* NULL is harmless */

#endif
