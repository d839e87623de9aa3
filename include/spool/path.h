/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_PATH_H
#define SPOOL_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/fault.h"
#include "base/str.h"

/*
 * Where things lie in the spool:
 *
 *	q/XX/NAME	entries, one file a message, in 256 directories
 *	q/XX/.t.NAME	being made, where unnamed files are not known
 *	hold/NAME	set aside by an operator, or by a rule when it came
 *	corrupt/NAME	set aside because they cannot be trusted
 *	drop/NAME	left by sendmail(1) while the daemon was away
 *	journal		marks that could not be written into their entries
 *	index/XX	when the entries of q/XX are due: a hint, of the queue's
 *
 * An entry's name is its id: 18 characters of base 32, ten of the time in
 * milliseconds and eight of chance.  A bounce about it bears its name with
 * "-b1" and so on behind it and lies in the same directory.
 */
#define SPOOL_JOURNAL	"journal"
#define SPOOL_ID_LEN	18
#define SPOOL_NAME_MAX	32		/* with the NUL */
#define SPOOL_PATH_MAX	(SPOOL_NAME_MAX + 16)
#define SPOOL_SHARDS	256
#define SPOOL_INDEX	"index"

struct spool {
	int	root;		/* the spool itself, or -1 */
	int	q;		/* its q, or -1 */
	int	hold;		/* its hold, or -1 */
	bool	dir_sync;	/* a link must be followed by a sync of its
				 * directory on this file system */
	bool	temporaries;	/* it is known to make no unnamed files, so
				 * an entry begins under a temporary name */
	int	*shards;	/* then these are open, else NULL */
	mode_t	mode;		/* of a new entry */
	uint8_t	boot_id[16];	/* of this boot, for the arrival */
};

struct spool_owner {
	uid_t	uid;		/* of the queue runner */
	gid_t	gid;
	gid_t	drop_gid;	/* who may write to drop/ */
};

/* Makes what is missing; owner NULL: everything is mine (no privilege). */
int	spool_make(const char *path, const struct spool_owner *,
	    struct fault *);
/*
 * Opens it; to be called before privilege is given up.  writer_only: only
 * entries will be made (a session): the root is not kept open.  foreign: the
 * entries are to be opened by another user, the queue runner, through its
 * group; their maker cannot open them again.
 */
int	spool_open(struct spool *, const char *path, bool writer_only,
	    bool foreign, struct fault *);
void	spool_close(struct spool *);

void	spool_name_new(char name[SPOOL_NAME_MAX], int64_t wall_ms);
bool	spool_name_is_valid(struct str);
/* "XX/NAME", below q. */
const char *spool_entry_path(const char *name, char out[SPOOL_PATH_MAX]);
/* "XX" */
void	spool_shard(const char *name, char out[3]);
/* Moves an entry aside for good, to "corrupt" or "hold"; and back. */
int	spool_set_aside(const struct spool *, const char *name,
	    const char *where, struct fault *);
int	spool_bring_back(const struct spool *, const char *name,
	    const char *where, struct fault *);
int	spool_remove(const struct spool *, const char *name, struct fault *);
/* Makes the names in the entry's directory durable. */
int	spool_sync_shard(const struct spool *, const char *name,
	    struct fault *);

#endif
