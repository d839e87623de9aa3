/* SPDX-License-Identifier: ISC */
#ifndef AUTH_SLOW_H
#define AUTH_SLOW_H

#include <stdbool.h>
#include <stdint.h>
#include "base/ip.h"

/*
 * How long a client has to wait before it may try to log in, by the failures
 * that came from its address (IPv6: /64) and its network (/24, /48).  Times are
 * milliseconds of a clock that only grows.
 */
struct slow;

/* room, if not NULL, is SLOW_ROOM bytes that outlive the process, zero at first:
 * what failed before is known again, and what fails is written there, by two
 * processes at a time, too. */
#define SLOW_ROOM	(256 * 1024)
struct slow *slow_new(void *room);
void	slow_free(struct slow *);
/* Milliseconds until it may; 0: now. */
int64_t	slow_wait(const struct slow *, const struct ip *, int64_t now);
/* Are fewer than so many attempts of its address and of its network under
 * way? */
bool	slow_has_room(const struct slow *, const struct ip *,
	    unsigned of_client, unsigned of_network);
/* It will try at that time: until slow_end() others of its place count it as a
 * failure to come, beyond the first few. */
void	slow_begin(struct slow *, const struct ip *, int64_t at);
void	slow_end(struct slow *, const struct ip *, bool failed, int64_t now);

#endif
