/* SPDX-License-Identifier: ISC */
#ifndef POLICY_NAMING_H
#define POLICY_NAMING_H

#include <stdbool.h>
#include "dns/ask.h"

/*
 * The name of a client, as the DNS has it both ways: a name that its address
 * points to (PTR), and that points back to the address.
 */
enum naming_verdict {
	NAMING_CONFIRMED,
	NAMING_NONE,		/* no PTR, or none that is a host's name */
	NAMING_FORGED,		/* no name points back */
	NAMING_UNKNOWN,		/* not asked, or no answer that says it */
};

#define NAMING_MAX	3	/* names of one address that are looked at */

struct naming {
	struct asker		*asker;
	struct ip		 ip;
	int			 pointer;	/* question */
	bool			 has_names;
	size_t			 n;
	struct str		 name[NAMING_MAX];
	int			 back[NAMING_MAX];	/* questions */
	enum naming_verdict	 verdict;
};

/* Asks the first question.  The asker must not be renewed before the end. */
void	naming_begin(struct naming *, struct asker *, const struct ip *);
/* Goes on with what ask_hear() has heard; true: nothing more is to come. */
bool	naming_advance(struct naming *);
/* Waits for it.  The name lives as the asker's answers do; STR_NONE unless it
 * is confirmed. */
enum naming_verdict naming_finish(struct naming *, struct str *name);

#endif
