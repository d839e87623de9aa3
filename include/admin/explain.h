/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_EXPLAIN_H
#define ADMIN_EXPLAIN_H

#include <stdbool.h>
#include "admin/world.h"
#include "base/arena.h"
#include "base/fault.h"
#include "base/vec.h"
#include "conf/conf.h"
#include "mail/envelope.h"
#include "policy/checks.h"
#include "policy/rule.h"
#include "policy/senders.h"
#include "policy/verdict.h"
#include "route/alias.h"
#include "route/next.h"

/*
 * What would be decided about a message, by the functions that decide it, and
 * why.
 */

/* As it was asked on the command line; NULL: not said. */
struct explain_question {
	const char	*client;	/* NULL: a program of this machine */
	const char	*name;		/* of the client */
	const char	*helo;
	const char	*from;
	const char	*to;
	const char	*size;
	const char	*login;
	const char	*on;
	bool		 tls;
};

/*
 * Is argv[0] an option of it?  Returns how many words it takes (0: it is none,
 * 1 or 2), and -1 when its value is missing.
 */
int	explain_option(struct explain_question *, char *const *argv);
/* Is there anything in it beside the recipient? */
bool	explain_is_about_a_client(const struct explain_question *);

struct explain_stage {
	bool			 asked;
	struct rule_trace	 trace;
	struct verdict		 verdict;
};

struct explain_step {
	struct alias_step	step;
	unsigned		line;	/* of the aliases' source, which has
					 * the alias so; 0: it has not */
};

struct explain_route {
	struct address	address;
	bool		known;
	struct next	next;
	struct fault	why;		/* when it is not */
};

struct explanation {
	struct arena		 arena;
	const struct conf	*conf;
	bool			 of_client;	/* or of an address alone */
	struct facts		 facts;
	struct world		 world;		/* facts.prober */
	struct envelope		 envelope;
	struct address		 to;
	struct explain_stage	 stages[STAGE_END + 1];
	bool			 sender_asked;
	struct senders_answer	 sender;
	bool			 relay_asked;
	enum checks_ground	 ground;
	size_t			 network;	/* of GROUND_NETWORK */
	VEC(struct explain_step) steps;
	VEC(struct explain_route) routes;
	enum verdict_kind	 result;
	bool			 waits;		/* for a size: none was said */
};

/* Asks, the DNS too.  -1 with a permanent fault when the question makes no sense. */
int	explain_ask(struct explanation *, const struct conf *, struct lists *,
	    const struct explain_question *, struct fault *);
void	explain_free(struct explanation *);

#endif
