/* SPDX-License-Identifier: ISC */
#ifndef MASTER_REGULARS_H
#define MASTER_REGULARS_H

#include <stdint.h>

/*
 * Addresses that have done well, in memory that outlives the master: one who comes
 * after it knows them.  The memory is REGULARS_ROOM bytes, zero at first.
 */
#define REGULARS_ROOM	((size_t)1024 * 1024)

struct regulars;

/* So long is it worth something, in the same time. */
#define REGULARS_DAY	(24 * 3600 * INT64_C(1000000))

/* Microseconds of master/budget's clock; 0: never. */
struct regular_deeds {
	int64_t	good_at;		/* brought a message */
	int64_t	login_at;		/* a user logged in */
};

/* By the kind of the address and its leading bits; all 0: it is not known. */
struct regular_deeds regulars_find(const struct regulars *, uint32_t kind,
	    uint64_t prefix);
/* The latest of what it did is now.  Where there is no room for all, mail gives way
 * to logins. */
void	regulars_note(struct regulars *, uint32_t kind, uint64_t prefix,
	    const struct regular_deeds *);

#endif
