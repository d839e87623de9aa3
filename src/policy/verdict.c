/* SPDX-License-Identifier: ISC */
/*
 * A verdict, and what is said when there is none.
 *
 * Small on purpose: verdicts are made by policy/rule and policy/panel and
 * obeyed by smtpd; the command that explains them shows them with the same
 * words, which is why these are here and not in a session.  Always
 * true: a refusal has a fault, and the fault is the reply.
 */
#include "policy/verdict.h"

#include "base/die.h"

bool
verdict_ends(const struct verdict *v)
{
	return v->kind == VERDICT_REFUSE &&
	    (v->why.reply == 421 || v->why.reply == 521);
}

void
verdict_refuse(struct verdict *v, const struct fault *why)
{
	v->kind = VERDICT_REFUSE;
	v->why = *why;
}

const struct verdict_reply *
verdict_welcome(enum rule_stage stage)
{
	static const struct verdict_reply mail = { 250, { 2, 1, 0 }, "Ok" };
	static const struct verdict_reply rcpt = { 250, { 2, 1, 5 }, "Ok" };
	static const struct verdict_reply end = { 250, { 2, 0, 0 }, "Ok" };

	switch (stage) {
	case STAGE_MAIL:
		return &mail;
	case STAGE_RCPT:
		return &rcpt;
	case STAGE_END:
		return &end;
	case STAGE_CONNECT:
	case STAGE_HELLO:
		break;
	}
	bug("that stage has an answer of its own");
}
