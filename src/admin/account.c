/* SPDX-License-Identifier: ISC */
/*
 * What admin/explain has found, in words: each stage with the rules that were
 * asked, the decision about relaying, the aliases as a tree, where each final
 * address goes, and what the client would hear.
 *
 * Here nothing is found out and nothing decided, but how it is shown.  Texts
 * that came from outside are shown as they are to people, with control
 * characters as "?", and escaped as JSON wants it to programs.  The tree is
 * walked with a stack of its own, and every node is shown once.
 */
#include "admin/account.h"

#include "base/json.h"
#include "mail/status.h"

static const char *const answers[] = {
	[RULE_NO] = "no",
	[RULE_YES] = "yes",
	[RULE_LATER] = "later",
	[RULE_FAULT] = "fault",
};

const char *
account_result(const struct explanation *x)
{
	if (x->waits)
		return "undecided";
	switch (x->result) {
	case VERDICT_NONE:
	case VERDICT_ACCEPT:
		return "taken";
	case VERDICT_HOLD:
		return "held";
	case VERDICT_DISCARD:
		return "discarded";
	case VERDICT_REFUSE:
		break;
	}
	for (int i = STAGE_CONNECT; i <= STAGE_END; i++)
		if (x->stages[i].asked &&
		    x->stages[i].verdict.kind == VERDICT_REFUSE &&
		    fault_is_temporary(&x->stages[i].verdict.why))
			return "refused for now";
	return "refused";
}

/* What is said at this stage; nothing where the greeting or EHLO goes on. */
static void
put_reply(struct buf *b, const struct explanation *x, enum rule_stage stage)
{
	const struct verdict *v = &x->stages[stage].verdict;
	const struct verdict_reply *r;

	if (v->kind == VERDICT_REFUSE) {
		buf_printf(b, "%d ", v->why.reply);
		status_put(b, status_of_fault(&v->why));
		buf_printf(b, " %s", v->why.text);
	} else if (x->of_client && stage >= STAGE_MAIL) {
		r = verdict_welcome(stage);
		buf_printf(b, "%d ", r->code);
		status_put(b, r->status);
		buf_printf(b, " %s", r->text);
	}
}

static void
put_action(struct buf *b, const struct verdict *v)
{
	switch (v->kind) {
	case VERDICT_HOLD:
		buf_putz(b, ", and the message is set aside");
		break;
	case VERDICT_DISCARD:
		buf_putz(b, ", and it is thrown away");
		break;
	case VERDICT_NONE:
		if (v->spoken_for)
			buf_putz(b, ", and the end shows which rule decides");
		break;
	case VERDICT_ACCEPT:
	case VERDICT_REFUSE:
		break;
	}
	for (size_t i = 0; i < v->headers.n; i++)
		buf_printf(b, "\n  adds \"%.*s\"",
		    STR_ARG(v->headers.p[i]->text));
}

/* ------------------------------------------------------------- rules ---- */

/* "  no     godwit.conf:7: reject client in 192.0.2.1 (client is ...)" */
static void
put_step(struct buf *b, const struct explanation *x,
    const struct rule_step *step)
{
	buf_printf(b, "  %-5s  ", answers[step->answer]);
	conf_put_origin(x->conf, step->rule->line, b);
	buf_putz(b, ": ");
	conf_put_rule(step->rule, b);
	if (step->because.n > 0)
		buf_printf(b, " (%.*s)", STR_ARG(step->because));
	buf_putc(b, '\n');
}

static void
put_step_json(struct buf *b, const struct explanation *x,
    const struct rule_step *step)
{
	struct buf text = { 0 };

	conf_put_origin(x->conf, step->rule->line, &text);
	buf_putz(b, "{\"from\":");
	json_put_string(b, buf_str(&text));
	buf_reset(&text);
	conf_put_rule(step->rule, &text);
	buf_putz(b, ",\"rule\":");
	json_put_string(b, buf_str(&text));
	buf_printf(b, ",\"answer\":\"%s\",\"because\":",
	    answers[step->answer]);
	json_put_string(b, step->because);
	buf_putc(b, '}');
	buf_free(&text);
}

/* ---------------------------------------------------------- relaying ---- */

static bool
is_ours(const struct explanation *x)
{
	return alias_is_local(x->conf, x->to.domain);
}

static void
put_relay(struct buf *b, const struct explanation *x)
{
	switch (x->ground) {
	case GROUND_LOCAL:
		buf_putz(b, "a program of this machine may send everywhere");
		return;
	case GROUND_LOOPBACK:
		buf_putz(b, "this machine may send everywhere");
		return;
	case GROUND_NETWORK:
		buf_putz(b, "relay for ");
		ipnet_put(b, &x->conf->relay.p[x->network]);
		buf_putz(b, " (");
		conf_put_origin(x->conf, x->conf->from.relay_lines.p[x->network],
		    b);
		buf_putz(b, "): the client may send everywhere");
		return;
	case GROUND_LOGIN:
		buf_printf(b, "%.*s has logged in and may send everywhere",
		    STR_ARG(x->facts.login));
		return;
	case GROUND_NONE:
		break;
	}
	buf_printf(b, "the client may not relay, and %.*s is %s",
	    STR_ARG(x->to.domain.n > 0 ? x->to.domain : x->conf->hostname),
	    is_ours(x) ? "delivered here" : "not delivered here");
}

/* ------------------------------------------------------------ sender ---- */

/* "/etc/godwit/senders:3: bob has @example.org" */
static void
put_list(struct buf *b, const struct explanation *x)
{
	const struct senders_answer *a = &x->sender;

	buf_puts(b, x->conf->login.senders_list.text);
	if (a->line > 0)
		buf_printf(b, ":%u", a->line);
	buf_printf(b, ": %.*s", STR_ARG(a->key));
	if (a->may)
		buf_printf(b, " has %.*s", STR_ARG(a->pattern));
	else
		buf_putz(b, " has no such address");
}

static void
put_sender(struct buf *b, const struct explanation *x)
{
	const struct senders_answer *a = &x->sender;

	buf_printf(b, "%.*s %s <", STR_ARG(x->facts.login), a->may ?
	    "may send as" : "may not send as");
	address_put(b, x->facts.sender);
	buf_putz(b, ">: ");
	switch (a->ground) {
	case SENDERS_GROUND_NULL:
		buf_putz(b, "everybody may");
		return;
	case SENDERS_GROUND_OWN:
		buf_putz(b, a->may ? "it is his own" : "it is not his own");
		break;
	case SENDERS_GROUND_LIST:
		put_list(b, x);
		break;
	case SENDERS_GROUND_ANY:
		buf_putz(b, "login senders any");
		break;
	}
	buf_putz(b, " (");
	conf_put_origin(x->conf, x->conf->login.senders_line, b);
	buf_putc(b, ')');
}

/* ----------------------------------------------------------- aliases ---- */

/* " (/etc/aliases:3, /etc/aliases.db)" */
static void
put_source(struct buf *b, const struct explanation *x,
    const struct explain_step *s)
{
	buf_putz(b, " (");
	if (s->line > 0)
		buf_printf(b, "%.*s:%u, ", STR_ARG(x->conf->aliases), s->line);
	buf_printf(b, "%.*s)", STR_ARG(s->step.database));
}

static void
put_kind(struct buf *b, const struct alias_step *s)
{
	address_put(b, &s->address);
	switch (s->kind) {
	case ALIAS_STEP_ALIAS:
		buf_printf(b, ": alias %.*s, which is %.*s", STR_ARG(s->key),
		    STR_ARG(s->value));
		return;
	case ALIAS_STEP_AGAIN:
		buf_printf(b, ": alias %.*s again", STR_ARG(s->key));
		return;
	case ALIAS_STEP_INCLUDE:
		buf_printf(b, "what is in %.*s", STR_ARG(s->value));
		return;
	case ALIAS_STEP_USER:
		buf_printf(b, ": user %.*s of this machine",
		    STR_ARG(s->value));
		return;
	case ALIAS_STEP_POSTMASTER:
		buf_putz(b, ": no such user or alias, so it is root's");
		return;
	case ALIAS_STEP_AWAY:
		buf_putz(b, ": not delivered here");
		return;
	}
}

static void
put_node(struct buf *b, const struct explanation *x,
    const struct explain_step *s)
{
	put_kind(b, &s->step);
	if (s->step.place.n > 0)
		buf_printf(b, ", named in %.*s", STR_ARG(s->step.place));
	if (s->step.kind == ALIAS_STEP_ALIAS)
		put_source(b, x, s);
}

/* The next child of the alias behind step i, or the number of steps. */
static size_t
next_child(const struct explanation *x, struct str parent, size_t i)
{
	while (i < x->steps.n && !str_eq(x->steps.p[i].step.parent, parent))
		i++;
	return i;
}

/* An alias is expanded once, so the depth is bounded by the aliases' own. */
static void
put_tree(struct buf *b, const struct explanation *x)
{
	struct { struct str parent; size_t at; } stack[ALIAS_DEPTH_MAX + 2];
	const struct explain_step *s;
	size_t depth = 1;

	stack[0].parent = STR_NONE;
	stack[0].at = 0;
	while (depth > 0) {
		size_t i = next_child(x, stack[depth - 1].parent,
		    stack[depth - 1].at);

		if (i == x->steps.n) {
			depth--;
			continue;
		}
		stack[depth - 1].at = i + 1;
		s = &x->steps.p[i];
		buf_printf(b, "%*s", (int)(2 * depth), "");
		put_node(b, x, s);
		buf_putc(b, '\n');
		if (s->step.kind != ALIAS_STEP_ALIAS || depth > ALIAS_DEPTH_MAX)
			continue;
		stack[depth].parent = s->step.key;
		stack[depth++].at = 0;
	}
}

static const char *
name_step(enum alias_step_kind kind)
{
	switch (kind) {
	case ALIAS_STEP_ALIAS:
		return "alias";
	case ALIAS_STEP_AGAIN:
		return "again";
	case ALIAS_STEP_INCLUDE:
		return "include";
	case ALIAS_STEP_USER:
		return "user";
	case ALIAS_STEP_POSTMASTER:
		return "postmaster";
	case ALIAS_STEP_AWAY:
		break;
	}
	return "away";
}

static void
put_member(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "\"%s\":", name);
	json_put_string(b, value);
}

static void
put_node_json(struct buf *b, const struct explanation *x,
    const struct explain_step *step)
{
	const struct alias_step *s = &step->step;
	struct buf text = { 0 };

	address_put(&text, &s->address);
	buf_putc(b, '{');
	put_member(b, "kind", str_of(name_step(s->kind)));
	buf_putc(b, ',');
	put_member(b, "parent", s->parent);
	buf_putc(b, ',');
	put_member(b, "address", buf_str(&text));
	buf_putc(b, ',');
	put_member(b, "key", s->key);
	buf_putc(b, ',');
	put_member(b, "value", s->value);
	buf_putc(b, ',');
	put_member(b, "database", s->database);
	buf_reset(&text);
	if (step->line > 0)
		buf_printf(&text, "%.*s:%u", STR_ARG(x->conf->aliases),
		    step->line);
	buf_putc(b, ',');
	put_member(b, "from", buf_str(&text));
	buf_putc(b, ',');
	put_member(b, "place", s->place);
	buf_putc(b, '}');
	buf_free(&text);
}

/* ------------------------------------------------------------ routes ---- */

static void
put_place(struct buf *b, const struct explanation *x,
    const struct explain_route *r)
{
	const struct next *n = &r->next;

	if (!r->known) {
		buf_printf(b, "nowhere: %s", r->why.text);
		return;
	}
	switch (n->kind) {
	case NEXT_LOCAL:
		buf_printf(b, "the user %.*s", STR_ARG(n->user));
		return;
	case NEXT_RELAY:
		break;
	}
	buf_printf(b, "%s %.*s, port %u", n->mx ? "the mail servers of" :
	    "the host", STR_ARG(n->host), (unsigned)n->port);
	if (n->line > 0) {
		buf_putz(b, " (");
		conf_put_origin(x->conf, n->line, b);
		buf_putc(b, ')');
	}
}

static void
put_route_json(struct buf *b, const struct explanation *x,
    const struct explain_route *r)
{
	struct buf text = { 0 };

	address_put(&text, &r->address);
	buf_putc(b, '{');
	put_member(b, "address", buf_str(&text));
	buf_reset(&text);
	put_place(&text, x, r);
	buf_putc(b, ',');
	put_member(b, "to", buf_str(&text));
	buf_putc(b, ',');
	put_member(b, "key", r->known ? r->next.key : STR_NONE);
	buf_putc(b, '}');
	buf_free(&text);
}

/* ------------------------------------------------------------- whole ---- */

static void
put_stage(struct buf *b, const struct explanation *x, enum rule_stage stage)
{
	const struct explain_stage *s = &x->stages[stage];
	struct buf reply = { 0 };

	put_reply(&reply, x, stage);
	if (!s->asked || (s->trace.steps.n == 0 && reply.n == 0)) {
		buf_free(&reply);
		return;
	}
	buf_printf(b, "%s\n", rule_stage_word(stage));
	if (stage == STAGE_MAIL && x->sender_asked) {
		buf_putz(b, "  sender: ");
		put_sender(b, x);
		buf_putc(b, '\n');
	}
	if (stage == STAGE_RCPT && x->relay_asked) {
		buf_putz(b, "  relay: ");
		put_relay(b, x);
		buf_putc(b, '\n');
	}
	for (size_t i = 0; i < s->trace.steps.n; i++)
		put_step(b, x, &s->trace.steps.p[i]);
	if (reply.n > 0)
		buf_printf(b, "  says %s", buf_cstr(&reply));
	put_action(b, &s->verdict);
	buf_putc(b, '\n');
	buf_free(&reply);
}

static void
put_routes(struct buf *b, const struct explanation *x)
{
	if (x->routes.n == 0)
		return;
	buf_putz(b, "goes to\n");
	for (size_t i = 0; i < x->routes.n; i++) {
		buf_putz(b, "  ");
		address_put(b, &x->routes.p[i].address);
		buf_putz(b, ": ");
		put_place(b, x, &x->routes.p[i]);
		buf_putc(b, '\n');
	}
}

/* What came from outside must not move the cursor of a terminal. */
static void
clean(struct buf *b, size_t from)
{
	for (size_t i = from; i < b->n; i++)
		if (str_is_control(b->p[i]) && b->p[i] != '\n')
			b->p[i] = '?';
}

void
account_text(const struct explanation *x, struct buf *b)
{
	size_t from = b->n;

	world_put(b, &x->world);
	for (int i = STAGE_CONNECT; i <= STAGE_END; i++)
		put_stage(b, x, (enum rule_stage)i);
	if (x->steps.n > 0) {
		buf_putz(b, "aliases\n");
		put_tree(b, x);
	}
	put_routes(b, x);
	if (x->waits)
		buf_putz(b, "all is asked again when the size is known: "
		    "--size\n");
	if (x->of_client)
		buf_printf(b, "%s\n", account_result(x));
	clean(b, from);
}

static void
put_stage_json(struct buf *b, const struct explanation *x,
    enum rule_stage stage)
{
	const struct explain_stage *s = &x->stages[stage];
	struct buf reply = { 0 };

	put_reply(&reply, x, stage);
	buf_putc(b, '{');
	put_member(b, "stage", str_of(rule_stage_word(stage)));
	buf_putz(b, ",\"rules\":[");
	for (size_t i = 0; i < s->trace.steps.n; i++) {
		buf_putz(b, i > 0 ? "," : "");
		put_step_json(b, x, &s->trace.steps.p[i]);
	}
	buf_putz(b, "],\"headers\":[");
	for (size_t i = 0; i < s->verdict.headers.n; i++) {
		buf_putz(b, i > 0 ? "," : "");
		json_put_string(b, s->verdict.headers.p[i]->text);
	}
	buf_putz(b, "],");
	put_member(b, "reply", buf_str(&reply));
	buf_putc(b, '}');
	buf_free(&reply);
}

void
account_json(const struct explanation *x, struct buf *b)
{
	struct buf relay = { 0 };
	const char *comma = "";

	buf_putz(b, "{\"stages\":[");
	for (int i = STAGE_CONNECT; i <= STAGE_END; i++) {
		if (!x->stages[i].asked)
			continue;
		buf_putz(b, comma);
		put_stage_json(b, x, (enum rule_stage)i);
		comma = ",";
	}
	if (x->relay_asked)
		put_relay(&relay, x);
	buf_putz(b, "],");
	put_member(b, "relay", buf_str(&relay));
	buf_putc(b, ',');
	world_put_json(b, &x->world);
	buf_reset(&relay);
	if (x->sender_asked)
		put_sender(&relay, x);
	buf_putc(b, ',');
	put_member(b, "sender", buf_str(&relay));
	buf_putz(b, ",\"aliases\":[");
	for (size_t i = 0; i < x->steps.n; i++) {
		buf_putz(b, i > 0 ? "," : "");
		put_node_json(b, x, &x->steps.p[i]);
	}
	buf_putz(b, "],\"routes\":[");
	for (size_t i = 0; i < x->routes.n; i++) {
		buf_putz(b, i > 0 ? "," : "");
		put_route_json(b, x, &x->routes.p[i]);
	}
	buf_printf(b, "],\"waits\":%s,", x->waits ? "true" : "false");
	put_member(b, "result", str_of(account_result(x)));
	buf_putz(b, "}\n");
	buf_free(&relay);
}
