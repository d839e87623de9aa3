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
#define GREY_FORGET	(2 * 86400)	/* seconds: who never came again */
#define GREY_KEEP	(36 * 86400)	/* who did */

struct grey_slot {
	uint64_t	tag;		/* 0: there is none */
	uint32_t	first, last;	/* wall seconds */
	uint32_t	passes;
};

/* Of one attempt; made by grey_tag(), and never 0. */
struct grey_tags {
	uint64_t	triplet;	/* its slot */
	uint64_t	network;	/* and that of the network alone */
	uint64_t	site, host;	/* who shares the room with whom */
};

struct grey {
	int		fd;		/* -1: there is none */
	uint64_t	key[2];
};

/* Makes it when it is missing, or is no such file (then *anew); owned by uid and
 * gid, if these are not -1.  Needs the right to write in the spool. */
int	grey_make(const char *spool, uid_t uid, gid_t gid, bool *anew,
	    struct fault *);
/* Fails when it is missing; then fd is -1. */
int	grey_open(struct grey *, const char *spool, bool writable,
	    struct fault *);
void	grey_close(struct grey *);

/* What a slot about these bytes is called; never 0. */
uint64_t grey_tag(const struct grey *, struct str);
/* A time of the future is no time: the clock was set back. */
bool	grey_is_alive(const struct grey_slot *, uint32_t now);
/* False: the file cannot be read. */
bool	grey_find(const struct grey *, const struct grey_tags *,
	    struct grey_slot *triplet, struct grey_slot *network);
/* One of the two, as of slot->last; over that of the same tag, else over one
 * that costs nobody more than his share.  False: that cannot be written. */
bool	grey_save(const struct grey *, const struct grey_tags *,
	    const struct grey_slot *);
/* What cannot be written must not be asked: closes it, and nobody can read it,
 * in no process, until it is made anew. */
void	grey_spoil(struct grey *);

#endif
