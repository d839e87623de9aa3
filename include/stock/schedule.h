/* SPDX-License-Identifier: ISC */
#ifndef STOCK_SCHEDULE_H
#define STOCK_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "conf/conf.h"

/*
 * When what is due: a heap by time, and the arithmetic of trying again.  Pure:
 * the time is always given, in milliseconds of the boot clock for the heap.
 */
struct due {
	int64_t	at;		/* clock_boot_ms */
	size_t	place;		/* in the heap + 1; 0: not in it */
};

struct schedule {
	struct due	**heap;
	size_t		  n, cap;
};

void	schedule_free(struct schedule *);	/* the members are not ours */
/* Enters, or moves to another time. */
void	schedule_put(struct schedule *, struct due *, int64_t at);
void	schedule_remove(struct schedule *, struct due *);	/* harmless */
/* The earliest, or NULL. */
struct due *schedule_first(const struct schedule *);

/* What a deferral needs to know to be scheduled; wall seconds. */
struct retry {
	int64_t		now, arrival;
	uint16_t	attempts;	/* made, this one included */
	bool		is_bounce;	/* null sender: lifetime-bounce */
	uint32_t	chance;		/* any number: spreads the attempts */
};

/*
 * Wall seconds of the next attempt: retry-first, doubled for each attempt up
 * to retry-most, spread by an eighth to either side.
 */
int64_t	schedule_next(const struct conf *, const struct retry *);
/* Too old to be tried again: its lifetime has passed and it had its attempts
 * (a machine that slept, or a clock that jumped, does not bounce what was
 * hardly tried). */
bool	schedule_is_expired(const struct conf *, const struct retry *);
#define SCHEDULE_ATTEMPTS_MIN	4

#endif
