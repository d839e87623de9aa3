/* SPDX-License-Identifier: ISC */
#ifndef MASTER_BUDGET_H
#define MASTER_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include "base/ip.h"
#include "conf/conf.h"
#include "visit/tally.h"

/*
 * How much of this host each client may have: sessions at once and new
 * connections in a time, by client, by network and in all.  Times are
 * clock_boot_ms(), or whatever else only grows.
 */
struct budget;

/* Who is at the door. */
struct budget_guest {
	struct ip	ip;		/* family 0: a local program, whose uid
					 * stands in the first 4 bytes */
	bool		trusted;	/* one of ours (policy/checks) */
	bool		submits;	/* on a submission port */
	bool		is_root;	/* on the local socket */
	bool		is_proxy;	/* stands for one whom it has not yet
					 * named, by PROXY or XCLIENT: only the
					 * limits of all together hold */
};

enum budget_answer {
	BUDGET_WELCOME,
	BUDGET_FULL,			/* no session is left */
	BUDGET_CLIENT_FULL,		/* ... for this client */
	BUDGET_NETWORK_FULL,
	BUDGET_CLIENT_FAST,		/* too many new connections */
	BUDGET_NETWORK_FAST,
	BUDGET_FAST,			/* ... from everywhere */
	BUDGET_HANDSHAKES,		/* too many of TLS */
	BUDGET_COMMANDS,		/* too many that led to nothing */
};

/* Of all sessions each has its share, and no one takes another's. */
enum budget_rank {
	RANK_STRANGER,			/* on port 25 */
	RANK_CALLER,			/* on a submission port; no user yet */
	RANK_OURS,			/* trusted, or a user, or from where one
					 * has logged in within a day */
};
#define BUDGET_RANKS	3

/* Where a guest is counted; to be given back by budget_leave(). */
#define BUDGET_SCOPES	3

struct budget_seat {
	uint32_t	at[BUDGET_SCOPES];	/* 0: nowhere; at[0] is that of
						 * a proxy alone */
	enum budget_rank rank;
	bool		submits;		/* on a submission port */
};

/* Takes all memory that it will ever need, where no child can see it.  The
 * limits are copied.  room, if not NULL, is REGULARS_ROOM bytes (master/regulars) that outlive the
 * process, zero at first, and are not in its children either: who has brought
 * mail or logged in is written there, and known to who comes after us. */
struct budget *budget_new(const struct conf_budget *, void *room);
void	budget_free(struct budget *);
/* May it come in?  If so it is counted, and *seat says where; if not, nothing
 * has changed but that the refusal is known. */
enum budget_answer budget_enter(struct budget *, const struct budget_guest *,
	    int64_t now, struct budget_seat *seat);
/* Who sits there has said for whom he stands, which is no proxy; on which port
 * that is the seat knows.  If that one is welcome, the seat is its own from now on
 * and nobody else's; if not, the seat is as before.  Of all together it has been
 * counted by budget_enter(). */
enum budget_answer budget_introduce(struct budget *,
	    const struct budget_guest *, int64_t now, struct budget_seat *);
/* A user has logged in who sits there. */
void	budget_log_in(struct budget *, int64_t now, struct budget_seat *);
void	budget_leave(struct budget *, const struct budget_seat *);
/* What a session had to say at its end; before it leaves. */
void	budget_charge(struct budget *, const struct budget_seat *,
	    const struct tally *, int64_t now);
/* Sessions of the network that is counted for this one; 0: none is. */
uint64_t budget_neighbours(const struct budget *, const struct budget_seat *);
/* Sessions at this moment. */
uint64_t budget_open(const struct budget *);
/* Shall one who was refused be told so?  Not when there are too many. */
bool	budget_may_answer(struct budget *, int64_t now);
/* Shall a refusal be logged?  The others are counted. */
bool	budget_may_log(struct budget *, int64_t now);
/* How many were not, since the last call. */
uint64_t budget_unlogged(struct budget *);

#endif
