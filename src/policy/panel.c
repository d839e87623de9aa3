/* SPDX-License-Identifier: ISC */
/*
 * The panel: who is asked, and in which order.
 *
 *	connect, hello	the rules that are written "at" them
 *	mail		must he log in first; the size that is declared; as
 *			whom a login may send; then such rules
 *	rcpt		relaying, the rules, who the recipient is, and what the
 *			world says of the client, where no rule has spoken for
 *			it, or will
 *	end		the rules again, where one of them wants the size
 *
 * Relaying comes first and alone: what a rule accepts has passed it.  The rules
 * come before the aliases, so that a stranger who is to be refused learns
 * nothing about who exists.  The world comes last: who does not exist need not
 * be tried again.  Whoever is to have a say later gets a seat here,
 * and both the session and `godwit explain` hear him.
 *
 * Always true: without rules nothing here costs more than the checks before it.
 */
#include "policy/panel.h"

#include "policy/checks.h"
#include "policy/senders.h"

static void
judge(const struct panel_case *c, enum rule_stage stage,
    const struct facts *facts, struct verdict *v)
{
	const struct rule_asking in = {
		.conf = c->panel->conf,
		.lists = c->panel->lists,
		.facts = facts,
		.stage = stage,
		.arena = c->arena,
		.trace = c->trace,
	};

	rule_judge(&in, v);
}

static void
judge_if_due(const struct panel_case *c, enum rule_stage stage,
    struct verdict *v)
{
	*v = (struct verdict){ .kind = VERDICT_NONE };
	if (rule_is_due(&c->panel->conf->rules, stage))
		judge(c, stage, c->facts, v);
}

void
panel_connect(const struct panel_case *c, struct verdict *v)
{
	judge_if_due(c, STAGE_CONNECT, v);
}

void
panel_hello(const struct panel_case *c, struct verdict *v)
{
	judge_if_due(c, STAGE_HELLO, v);
}

void
panel_mail(const struct panel_case *c, struct verdict *v)
{
	struct fault why;

	*v = (struct verdict){ .kind = VERDICT_NONE };
	if (checks_submitter(c->panel->conf, c->facts, &why) < 0 ||
	    checks_qualified(c->panel->conf, c->facts, false, &why) < 0 ||
	    checks_size(c->panel->conf, c->facts->size_declared, &why) < 0 ||
	    senders_check(c->panel->conf, c->panel->lists, c->facts, c->arena,
	    &why) < 0)
		verdict_refuse(v, &why);
	else
		judge_if_due(c, STAGE_MAIL, v);
}

void
panel_rcpt(const struct panel_case *c, address_vec *finals, struct verdict *v)
{
	struct fault why;
	size_t before = finals->n;

	*v = (struct verdict){ .kind = VERDICT_NONE };
	if (checks_recipient(c->panel->conf, c->facts, &why) < 0 ||
	    checks_qualified(c->panel->conf, c->facts, true, &why) < 0) {
		verdict_refuse(v, &why);
		return;
	}
	if (c->panel->conf->rules.n > 0)
		judge(c, STAGE_RCPT, c->facts, v);
	if (v->kind == VERDICT_REFUSE || v->kind == VERDICT_DISCARD)
		return;
	if (alias_expand(c->panel->aliases, c->arena, c->facts->recipient,
	    finals, &why) < 0) {
		verdict_refuse(v, &why);
	} else if (v->kind == VERDICT_NONE && !v->spoken_for &&
	    facts_check_client(c->facts, &why) < 0) {
		finals->n = before;
		verdict_refuse(v, &why);
	}
}

static bool
has_rule(const struct verdict *v, const struct rule *rule)
{
	for (size_t i = 0; i < v->headers.n; i++)
		if (v->headers.p[i] == rule)
			return true;
	return false;
}

void
panel_add(struct verdict *sum, const struct verdict *one, struct arena *arena)
{
	for (size_t i = 0; i < one->headers.n; i++)
		if (!has_rule(sum, one->headers.p[i]))
			vec_push(arena, &sum->headers, one->headers.p[i]);
	if (one->kind == VERDICT_HOLD && sum->kind != VERDICT_HOLD) {
		sum->kind = VERDICT_HOLD;
		sum->rule = one->rule;
		sum->about = one->about;
	}
}

bool
panel_end(const struct panel_case *c, const address_vec *given,
    struct verdict *v)
{
	struct facts facts = *c->facts;
	struct verdict one, discards = { .rule = NULL };
	bool all = true;

	*v = (struct verdict){ .kind = VERDICT_NONE };
	if (!rule_is_due(&c->panel->conf->rules, STAGE_END))
		return false;
	for (size_t i = 0; i < given->n; i++) {
		facts.recipient = &given->p[i];
		judge(c, STAGE_END, &facts, &one);
		one.about = facts.recipient;
		if (one.kind == VERDICT_REFUSE) {
			*v = one;
			return true;
		}
		if (one.kind == VERDICT_DISCARD)
			discards = one;
		else
			all = false;
		panel_add(v, &one, c->arena);
	}
	if (all && discards.rule != NULL) {
		v->kind = VERDICT_DISCARD;
		v->rule = discards.rule;
		v->about = discards.about;
	}
	return true;
}
