/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_WORLD_H
#define ADMIN_WORLD_H

#include <stdbool.h>
#include "base/arena.h"
#include "policy/facts.h"
#include "policy/stranger.h"
#include "spool/grey.h"

/*
 * What the world says of a client, asked for `godwit explain` as a session asks
 * it: of the same name servers, judged by the same functions.
 */
enum world_grey {
	WORLD_GREY_OFF,		/* it makes this client not wait */
	WORLD_GREY_SHUT,	/* the caller may not read it */
	WORLD_GREY_ASKED,
};

enum world_greeting {		/* the name in HELO, to the DNS */
	WORLD_GREETING_UNTOLD,
	WORLD_GREETING_UNKNOWN,
	WORLD_GREETING_KNOWN,
	WORLD_GREETING_CONFIRMED,
};

struct world_trouble {
	enum dnsbl_trouble	kind;
	struct ip		answer;
};

struct world {
	struct prober		 prober;
	const struct conf	*conf;
	bool			 asked;		/* there was something to ask */
	struct stranger		 stranger;
	struct dnsbl_memory	*memory;
	struct world_trouble	 trouble[DNSBL_ZONES_MAX];
	struct grey		 grey;
	enum world_greeting	 greeting;	/* where a rule wanted it */
	enum world_grey		 greylist;
	uint32_t		 wait;		/* seconds, by the greylist */
};

/* Asks, and becomes the prober of the facts, unless nobody asks about such a
 * client.  A name that the facts have already is not asked for.  Takes seconds
 * where name servers are silent. */
void	world_ask(struct world *, const struct conf *, struct arena *,
	    struct facts *);
void	world_free(struct world *);

/* What was found, for people, and as a member of an object for programs. */
void	world_put(struct buf *, const struct world *);
void	world_put_json(struct buf *, const struct world *);

#endif
