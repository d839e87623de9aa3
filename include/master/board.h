/* SPDX-License-Identifier: ISC */
#ifndef MASTER_BOARD_H
#define MASTER_BOARD_H

#include "master/stress.h"
#include "spool/health.h"
#include "visit/peer.h"
#include "visit/tally.h"

/*
 * What the master knows that all its sessions should, and writes where they
 * read it: that there is little left, and that the disk has failed.
 */
struct board {
	struct stress	 stress;
	struct health	 health;
	struct notices	*notices;
};

/* notices: where they are written (os/pane). */
void	board_init(struct board *, const struct conf_budget *,
	    struct notices *);
/* There was no memory, process or descriptor for somebody. */
void	board_lack(struct board *);
/* So many ms one has waited to be accepted. */
void	board_waited(struct board *, unsigned ms, int64_t now);
/* A session has ended and had this to say. */
void	board_hear(struct board *, const struct tally *, int64_t now);
/* Is it stress, with so many sessions?  To be asked once a second while there
 * is something to do, or it is.  Logs when it begins and ends. */
void	board_look(struct board *, uint64_t open, int64_t now);
/* The session of that number is to leave, or (new) it is not. */
void	board_send_away(struct board *, uint32_t number, bool);
/* With so many sessions, is it worth asking whether who comes had to wait? */
bool	board_wonders(const struct board *, uint64_t open);
bool	board_is_stressed(const struct board *);

#endif
