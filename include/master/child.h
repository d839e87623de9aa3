/* SPDX-License-Identifier: ISC */
#ifndef MASTER_CHILD_H
#define MASTER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/ip.h"
#include "master/budget.h"

/* The sessions that are alive, found by their process, and whose connection
 * each has. */
struct child {
	pid_t			pid;	/* 0: a free slot */
	bool			told;	/* ip is whom a proxy has named, */
	bool			speaks;	/* who may name others (XCLIENT) */
	struct ip		ip;
	struct budget_seat	seat;
	int64_t			since;	/* as children_add() was told */
	uint32_t		number;	/* no other that lives has it */
	bool			asked;	/* to leave: master/eviction */
};

/* As it lies in memory, also in that which others read. */
struct child_table {
	uint64_t	serial;		/* of the master: later ones have more */
	uint32_t	turn;		/* odd: it is being changed */
	uint32_t	bits;
	uint32_t	expected;	/* not 0: one may be alive that is not
					 * there yet */
	struct child	child[];	/* 1 << bits slots */
};

#define CHILDREN_BITS_MAX	18
#define CHILDREN_ROOM	(sizeof(struct child_table) + \
	    ((size_t)1 << CHILDREN_BITS_MAX) * sizeof(struct child))

struct children {
	struct child_table	*table;
	uint32_t		*numbers;	/* from the n-th on they are free */
	struct child_table	*shown;		/* a copy, for others; or NULL */
	uint64_t		 serial;	/* of it */
	size_t			 n, max;
};

/* Takes all memory that it will ever need, where no child can see it: later
 * there may be none.  room, if not NULL, is CHILDREN_ROOM bytes in which others
 * can ask; what stood there is forgotten.  Once another has begun with the same
 * room, under another serial, it is left to that one. */
void	children_init(struct children *, size_t max, void *room,
	    uint64_t serial);
void	children_free(struct children *);
/* There must be room for it.  Its number, less than max, is known before. */
uint32_t children_next(const struct children *);
void	children_add(struct children *, pid_t, const struct ip *,
	    const struct budget_seat *, int64_t now);
/* A proxy, or who may name others, has said whose connection this child's is. */
void	children_tell(struct children *, pid_t, const struct ip *,
	    bool speaks);
/* Until the next is added or removed; NULL: it is none of them. */
struct child *children_find(const struct children *, pid_t);
/* All of them in some order: the first with *at 0, which moves on; NULL: that was
 * the last. */
struct child *children_walk(const struct children *, size_t *at);
/* False: it was none of them. */
bool	children_remove(struct children *, pid_t, struct budget_seat *);

/* Before the fork of the next one, where others can ask; over with its
 * children_add(), or, if there is none, with this. */
void	children_expect(struct children *);
void	children_expect_no_more(struct children *);
/* The same by another process, of such a file of a master that has ended. */
void	children_expect_none(int fd);

/* In another process, which sees the room change. */
struct child_sight {
	bool		found;		/* else it is not there, or not yet */
	bool		expected;	/* some child is, that is not there yet */
	uint64_t	serial;		/* of its master */
	struct child	child;
};
void	children_ask(const void *room, pid_t, struct child_sight *);

#endif
