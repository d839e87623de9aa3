/* SPDX-License-Identifier: ISC */
#ifndef WARDEN_SUPPLY_H
#define WARDEN_SUPPLY_H

#include <stdbool.h>
#include "auth/slow.h"
#include "conf/conf.h"
#include "master/cage.h"
#include "master/roster.h"
#include "spool/grey.h"

/* What sessions need to learn of strangers, and may not make themselves: a tray
 * of lines to the resolver, the greylist, and who knows the passwords. */

/* By the warden, for a new generation: a tray of its own (-1 where nobody asks;
 * what was there is closed), and a greylist if there was none.  Logs. */
void	supply_renew(const struct conf *, const struct cage *, int tray[2]);
/* By master and runner, while they may still open it.  Logs; fd is -1 when
 * there is none. */
void	supply_open_grey(const struct conf *, struct grey *, bool writable);
/* How many descriptors the master needs for those who wait to be greeted. */
int	supply_descriptors(const struct conf *);
/* Becomes the relay of names; never returns. */
void	supply_be_relay(const struct conf *, const struct cage *,
	    const int tray[2]) __attribute__((noreturn));
/* By the master, while it may still make one: where sessions tell who has come
 * through a proxy (priv/usher); -1 where nobody does.  Dies. */
void	supply_open_desk(const struct conf *, const struct cage *,
	    int desk[2]);
/* Becomes the doorkeeper, who listens there; never returns.  failures: as
 * of doorkeeper_run(). */
void	supply_be_doorkeeper(const struct conf *, const struct cage *,
	    struct rosters *, void *failures, int listener)
	    __attribute__((noreturn));

#endif
