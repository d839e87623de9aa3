/* SPDX-License-Identifier: ISC */
#ifndef POLICY_STRANGER_H
#define POLICY_STRANGER_H

#include <stdbool.h>
#include "base/arena.h"
#include "conf/conf.h"
#include "dns/ask.h"
#include "policy/dnsbl.h"
#include "policy/facts.h"
#include "policy/greylist.h"
#include "policy/helo.h"
#include "policy/naming.h"

/*
 * All that the world says of one client: its name, and the lists that have it.
 * The session asks over a line that it was given, `godwit explain` over a
 * socket of its own.
 */
struct stranger {
	const struct conf	*conf;
	struct arena		*arena;		/* of what is found */
	struct ip		 ip;
	struct asker		*asker;		/* NULL: nobody can be asked */
	bool			 asks_name;
	bool			 asks_lists;
	bool			 asks_helo;
	bool			 is_named;	/* nobody waits for it now */
	bool			 is_judged;	/* by the lists */
	bool			 is_listed;	/* on too many of them */
	struct naming		 naming;
	enum naming_verdict	 verdict;
	struct str		 name;		/* "unknown" if it has none */
	struct helo_lookup	 helo;		/* the last that was asked for */
	struct dnsbl		 lists;
	struct str		 reason;	/* of the list; may be empty */
};

/* Is there anything to be learnt of a client of this service?  ours: it may
 * relay. */
bool	stranger_is_wanted(const struct conf *, enum conf_service, bool ours);
/* Decides what is to be asked; nothing is yet. */
void	stranger_init(struct stranger *, const struct conf *, struct arena *,
	    enum conf_service, bool ours, const struct ip *);
/* Some that are to leave at once?  HELO's (asks_helo) may come later, or never. */
bool	stranger_has_questions(const struct stranger *);
/* Sends all questions, if there are any; fd as asker_new() wants it. */
void	stranger_ask(struct stranger *, struct dnsbl_memory *, int fd);
void	stranger_free(struct stranger *);

/* Goes on with what ask_hear() has heard; true: the name can be told. */
bool	stranger_advance(struct stranger *);
/* Waits for the name, or gives it up; from now on it is what it is. */
void	stranger_know(struct stranger *, bool wait);
/* The name, for a prober: 1, 0, or -1 with 450 4.7.1. */
int	stranger_tell_name(const struct stranger *, struct str *name,
	    struct fault *);

/* Looks a greeting up, which is a name, unless it was the last one; waits.  For a
 * prober: 1, 0, or -1 with 450 4.7.1. */
int	stranger_tell_helo(struct stranger *, struct str helo, enum rule_helo,
	    struct fault *);

/* Waits for the lists and adds them up.  True the first time. */
bool	stranger_judge(struct stranger *);
/* When that is done: is it on too many?  554 5.7.1. */
int	stranger_check_lists(const struct stranger *, struct fault *);
/* A white list speaks for it. */
bool	stranger_is_praised(const struct stranger *);

/* Does mail of this client to this service have to come again? */
bool	stranger_is_greylisted(const struct conf *, enum conf_service,
	    bool ours);
/* What the greylist says of the sender and the recipient in the facts: 450
 * 4.7.1 and *left, in seconds, or 0.  tags are what is to be noted of it. */
int	stranger_check_greylist(const struct conf *, const struct grey *,
	    const struct facts *, struct grey_tags *, uint32_t now,
	    uint32_t *left, struct fault *);

#endif
