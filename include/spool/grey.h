/* SPDX-License-Identifier: ISC */
#ifndef SPOOL_GREY_H
#define SPOOL_GREY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/fault.h"
#include "base/str.h"

/*
 * The memory of the greylist: a file of slots, found by a keyed hash of what
 * they are about.  The queue runner writes it, sessions read it; nothing in it
 * is worth a sync, and a slot that is lost costs somebody a few minutes.
 */
#define GREY_FILE	"greylist"	/* below the spool */

struct grey_slot {
	uint64_t	tag;		/* 0: free */
	uint32_t	first, last;	/* wall seconds */
	uint32_t	passes;
};

struct grey {
	int		fd;		/* -1: there is none */
	uint64_t	key[2];
};

/* Makes it when it is missing, or is no such file; owned by uid and gid, if
 * these are not -1.  Needs the right to write in the spool. */
int	grey_make(const char *spool, uid_t uid, gid_t gid, struct fault *);
/* Fails when it is missing; then fd is -1. */
int	grey_open(struct grey *, const char *spool, bool writable,
	    struct fault *);
void	grey_close(struct grey *);

/* What a slot about these bytes is called; never 0. */
uint64_t grey_tag(const struct grey *, struct str);
/* 1; 0: there is no slot of that tag; -1: the file cannot be read. */
int	grey_find(const struct grey *, uint64_t tag, struct grey_slot *);
/* Over the slot of the same tag; else over a free one, one that was never
 * passed, or the one that was not seen for the longest time.  False: that
 * cannot be written. */
bool	grey_save(const struct grey *, const struct grey_slot *);
/* What cannot be written must not be asked: closes it, and nobody can read it,
 * in no process, until it is made anew. */
void	grey_spoil(struct grey *);

#endif
