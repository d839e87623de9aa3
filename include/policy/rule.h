/* SPDX-License-Identifier: ISC */
#ifndef POLICY_RULE_H
#define POLICY_RULE_H

#include "base/arena.h"
#include "conf/conf.h"
#include "policy/facts.h"
#include "policy/lists.h"
#include "policy/verdict.h"

/*
 * The rules of the configuration, asked.  What was found on the way can be
 * written down, so that whoever wants to know why sees what the decision saw.
 */
enum rule_answer {
	RULE_NO,
	RULE_YES,
	RULE_LATER,		/* so far yes, but something is not known */
	RULE_FAULT,		/* it could not be asked */
};

struct rule_step {
	const struct rule	*rule;
	enum rule_answer	 answer;
	struct str		 because;	/* "client is 192.0.2.1" */
};

struct rule_trace {
	struct arena		*arena;		/* of the texts, too */
	VEC(struct rule_step)	 steps;
};

struct rule_asking {
	const struct conf	*conf;
	struct lists		*lists;
	const struct facts	*facts;
	enum rule_stage		 stage;
	struct arena		*arena;		/* of verdict->headers */
	struct rule_trace	*trace;		/* or NULL */
};

/*
 * Asks the rules in their order until one decides.
 *
 * At RCPT and at END all are asked but those that speak at an earlier stage.
 * One that wants the size cannot decide at RCPT, unless it refuses what is
 * declared to be too large; and nor can one behind it that it might have kept
 * from being asked.  Then the verdict is NONE, perhaps spoken_for, and END
 * decides.
 *
 * At the stages before, those are asked that are written "at" that stage, and
 * of the others those that end the search without a refusal, where all that
 * they want is known.
 *
 * *verdict is set whole.
 */
void	rule_judge(const struct rule_asking *, struct verdict *verdict);
/* For the log: "<ann@example.org>: Sender address triggers HOLD action", or
 * what the rule says instead.  In the arena. */
struct str rule_reason(const struct rule *, const struct facts *,
	    struct arena *);
/* Is any rule to be asked at this stage? */
bool	rule_is_due(const struct rules *, enum rule_stage);

#endif
