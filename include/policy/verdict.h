/* SPDX-License-Identifier: ISC */
#ifndef POLICY_VERDICT_H
#define POLICY_VERDICT_H

#include <stdbool.h>
#include "base/fault.h"
#include "base/vec.h"
#include "conf/rule.h"
#include "mail/address.h"
#include "mail/status.h"

/* What is decided about a client, a sender, a recipient or a message. */
enum verdict_kind {
	VERDICT_NONE,		/* nobody has anything to say */
	VERDICT_ACCEPT,		/* a rule said so: nobody else is asked */
	VERDICT_HOLD,
	VERDICT_DISCARD,
	VERDICT_REFUSE,		/* for good or for now: why */
};

struct verdict {
	enum verdict_kind	 kind;
	const struct rule	*rule;	/* that decided, or NULL */
	bool			 spoken_for;	/* NONE: which of the rules
					 * decides is seen at the end, but one
					 * of them will, as if by ACCEPT */
	struct fault		 why;	/* REFUSE: the reply */
	const struct address	*about;	/* HOLD, DISCARD at the end: one of
					 * the recipients for whom it is so */
	VEC(const struct rule *) headers;	/* whose fields are added */
};

/* The session is over when this has been said: 421, 521 (RFC 7504). */
bool	verdict_ends(const struct verdict *);
/* Makes it a refusal. */
void	verdict_refuse(struct verdict *, const struct fault *);

/* What is said to MAIL, RCPT and the content's end when nothing is wrong. */
struct verdict_reply {
	int		 code;
	struct status	 status;
	const char	*text;
};
const struct verdict_reply *verdict_welcome(enum rule_stage);

#endif
