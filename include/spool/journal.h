/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_JOURNAL_H
#define SPOOL_JOURNAL_H

#include <stdbool.h>
#include <time.h>
#include "base/arena.h"
#include "base/fault.h"
#include "base/table.h"
#include "spool/path.h"

/*
 * Deliveries whose mark could not be written into their entry: kept in another
 * place of the disk, spool/journal, so that they are not made again.  Records
 * of a fixed size, name, index and checksum; a torn one counts as none, and so
 * does one of zeros, of which the file is full: its room is taken before it is
 * needed, so that a full disk does not stand in the way of a note.
 */
#define JOURNAL_ROOM	(64 * 1024)	/* bytes; a thousand notes */

struct journal {
	struct arena	arena;
	struct table	done;		/* "NAME index" */
	size_t		n;
	int64_t		next;		/* no free place in front of it */
	struct timespec	read_at;	/* its file's time when it was read */
};

/* Reads what is there; a missing file is an empty one. */
int	journal_load(struct journal *, const struct spool *, struct fault *);
/* Reads again what another runner may have noted since.  True: something. */
bool	journal_update(struct journal *, const struct spool *);
/* Takes the room, as far as it is missing, on stable storage. */
int	journal_reserve(const struct spool *, struct fault *);
void	journal_free(struct journal *);
/* Notes one more, on stable storage when 0 is returned; in memory always. */
int	journal_add(struct journal *, const struct spool *, const char *name,
	    uint32_t index, struct fault *);
bool	journal_has(const struct journal *, const char *name, uint32_t index);
/* Every one of them has been marked, or its entry is gone: they are wiped out,
 * but for what another runner (one that is ending) has noted meanwhile.  While
 * one of the entries is on hold all are kept. */
int	journal_clear(struct journal *, const struct spool *, struct fault *);

#endif
