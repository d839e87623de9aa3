/* SPDX-License-Identifier: ISC */
#ifndef POLICY_PANEL_H
#define POLICY_PANEL_H

#include "base/arena.h"
#include "conf/conf.h"
#include "mail/address.h"
#include "policy/facts.h"
#include "policy/lists.h"
#include "policy/rule.h"
#include "policy/verdict.h"
#include "route/alias.h"

/*
 * All who have a say in whether mail is taken, asked in their order.  The
 * session and `godwit explain` ask the same functions, so that the one tells
 * what the other does.
 */
struct panel {
	const struct conf	*conf;
	struct lists		*lists;		/* may be NULL without lists */
	struct alias_book	*aliases;
};

/* One question. */
struct panel_case {
	const struct panel	*panel;
	const struct facts	*facts;
	struct arena		*arena;		/* of what is found */
	struct rule_trace	*trace;		/* or NULL */
};

/* May the connection, or the hello, go on? */
void	panel_connect(const struct panel_case *, struct verdict *);
void	panel_hello(const struct panel_case *, struct verdict *);
/* The sender, and the size that was declared.  Room is not asked for here. */
void	panel_mail(const struct panel_case *, struct verdict *);
/*
 * The recipient: may the client send to it at all, what do the rules say, who
 * is it in the end, and is a stranger welcome (facts->prober)?  The final
 * addresses are appended to finals unless the verdict is REFUSE or DISCARD.
 */
void	panel_rcpt(const struct panel_case *, address_vec *finals,
	    struct verdict *);
/*
 * The content has come, and facts->size is known.  The verdict is for the
 * message: REFUSE as soon as it is for one recipient, HOLD when it is for one,
 * DISCARD when it is for all.  given: the recipients that were taken, as they
 * were given.  False: nobody wanted to be asked again, and what was said at
 * RCPT stands.
 */
bool	panel_end(const struct panel_case *, const address_vec *given,
	    struct verdict *);
/* What one recipient's verdict adds to that of the message. */
void	panel_add(struct verdict *sum, const struct verdict *one,
	    struct arena *);

#endif
