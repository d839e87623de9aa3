/* SPDX-License-Identifier: ISC */
/*
 * Why is this mail taken, and where does it go?
 *
 * The question is made into the words of a session (MAIL FROM:<...> SIZE=...,
 * RCPT TO:<...>), parsed as a session parses them, put before the same panel
 * with the same facts, and what is left is routed as the queue routes it.  So
 * there is nothing here that decides; what is added is that each step is
 * written down, and that the world is asked by admin/world.  Two things are
 * left out because they belong to the moment: the free space of the spool and
 * the budgets of clients.
 *
 * Called by `godwit explain`, as any user: a list or an alias file that the
 * caller may not read is told as the temporary refusal that it would be.
 * Nothing but name servers is asked, and nothing changes.  admin/account tells
 * what was found.
 */
#include "admin/explain.h"

#include <string.h>

#include "base/num.h"
#include "conf/extension.h"
#include "conf/listener.h"
#include "map/build.h"
#include "policy/panel.h"
#include "smtp/ext.h"
#include "smtp/param.h"

/* As if all had been offered that are not switched off. */
static struct param_context
offered(const struct explanation *x)
{
	return (struct param_context){ .enabled = ~extension_off(x->conf) };
}

int
explain_option(struct explain_question *q, char *const *argv)
{
	const struct {
		const char	 *name;
		const char	**value;
	} options[] = {
		{ "--client", &q->client }, { "--name", &q->name },
		{ "--helo", &q->helo }, { "--from", &q->from },
		{ "--to", &q->to }, { "--size", &q->size },
		{ "--login", &q->login }, { "--on", &q->on },
	};

	if (strcmp(argv[0], "--tls") == 0) {
		q->tls = true;
		return 1;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(argv[0], options[i].name) != 0)
			continue;
		*options[i].value = argv[1];
		return argv[1] == NULL ? -1 : 2;
	}
	return 0;
}

bool
explain_is_about_a_client(const struct explain_question *q)
{
	return q->client != NULL || q->name != NULL || q->helo != NULL ||
	    q->from != NULL || q->size != NULL || q->login != NULL ||
	    q->on != NULL || q->tls;
}

/* ------------------------------------------------------------- facts ---- */

/* Of several listeners that are meant it is the first, and before all the first
 * that this client's address can reach. */
static const struct conf_listen *
choose(const struct conf *conf, const struct rule_value *v,
    const struct ip *client)
{
	for (size_t i = 0; i < conf->listens.n; i++) {
		const struct conf_listen *l = &conf->listens.p[i];

		if (l->ip.family == client->family &&
		    listener_fits(v, l->service, l))
			return l;
	}
	return listener_find(conf, v);
}

static int
find_listener(struct explanation *x, const char *word, struct fault *why)
{
	struct facts *f = &x->facts;
	struct rule_value v;

	if (!listener_parse_on(&x->arena, str_of(word != NULL ? word :
	    setting_services()[f->service]), &v))
		return fault_permanent(why, 554, 3, 5,
		    "\"%s\" is no service and no listener", word);
	f->listener = choose(x->conf, &v, &f->client_ip);
	if (f->listener != NULL) {
		f->service = f->listener->service;
		/* Of whoever comes there a proxy tells. */
		f->reported = f->listener->proxies.nets.n > 0;
	}
	else if (v.kind == VALUE_NUMBER)
		f->service = (enum conf_service)v.number;
	else
		return fault_permanent(why, 554, 3, 5,
		    "no \"listen\" is on %s", word);
	return 0;
}

/* How a client greets of whom that is not said. */
static struct str
default_helo(struct explanation *x)
{
	struct buf text = { 0 };
	struct str helo;

	if (x->facts.local)
		return x->conf->hostname;
	buf_putc(&text, '[');
	ip_put_literal(&text, &x->facts.client_ip);
	buf_putc(&text, ']');
	helo = arena_str(&x->arena, buf_str(&text));
	buf_free(&text);
	return helo;
}

static int
set_facts(struct explanation *x, const struct explain_question *q,
    struct fault *why)
{
	struct facts *f = &x->facts;

	f->local = q->client == NULL;
	if (q->client != NULL && !ip_parse(str_of(q->client), &f->client_ip))
		return fault_permanent(why, 554, 3, 5,
		    "\"%s\" is no address of a client", q->client);
	f->client_name = str_of(q->name);
	f->login = str_of(q->login);
	f->helo = q->helo != NULL ? str_of(q->helo) : default_helo(x);
	if ((!f->local || q->on != NULL) && find_listener(x, q->on, why) < 0)
		return -1;
	/* A program of ours comes by the local socket, whatever else is asked. */
	if (f->local) {
		f->listener = NULL;
		f->reported = false;
	}
	if (q->name == NULL && !f->reported && ip_is_loopback(&f->client_ip))
		f->client_name = STR("localhost");
	f->secure = q->tls || f->service == SERVICE_SUBMISSIONS;
	return 0;
}

/* A path, whether or not it was given as one. */
static struct str
put_path(struct explanation *x, const char *keyword, const char *text)
{
	bool bare = text == NULL || text[0] != '<';

	return arena_printf(&x->arena, "%s:%s%s%s", keyword, bare ? "<" : "",
	    text != NULL ? text : "", bare ? ">" : "");
}

/* The words of MAIL. */
static int
parse_mail(struct explanation *x, const struct explain_question *q,
    struct fault *why)
{
	struct param_context context = offered(x);
	struct envelope *e = &x->envelope;
	struct str args = put_path(x, "FROM", q->from);
	uint64_t n;

	if ((context.enabled & EXT_SMTPUTF8) != 0)
		args = arena_printf(&x->arena, "%.*s SMTPUTF8", STR_ARG(args));
	if (q->size != NULL && num_parse_size(str_of(q->size), UINT64_MAX,
	    &n))
		args = arena_printf(&x->arena, "%.*s SIZE=%llu",
		    STR_ARG(args), (unsigned long long)n);
	else if (q->size != NULL)
		args = arena_printf(&x->arena, "%.*s SIZE=%s", STR_ARG(args),
		    q->size);
	if (param_mail(&x->arena, args, &context, e, why) < 0)
		return -1;
	if (e->sender.local.n > 0 && e->sender.domain.n == 0)
		e->sender.domain = x->conf->hostname;
	x->facts.sender = &e->sender;
	x->facts.size_declared = e->size_declared;
	return 0;
}

static int
parse_rcpt(struct explanation *x, const struct explain_question *q,
    struct fault *why)
{
	struct param_context context = offered(x);
	struct str args = put_path(x, "TO", q->to);
	struct recipient to;

	if (param_rcpt(&x->arena, args, &context, &x->envelope, &to,
	    why) < 0)
		return -1;
	x->to = to.address;
	x->facts.recipient = &x->to;
	x->facts.recipients = 1;
	return 0;
}

/* ------------------------------------------------------------ asking ---- */

static void
keep_step(void *ctx, const struct alias_step *step)
{
	struct explanation *x = ctx;
	struct alias_step kept = *step;

	kept.database = arena_str(&x->arena, step->database);
	kept.place = arena_str(&x->arena, step->place);
	kept.parent = arena_str(&x->arena, step->parent);
	kept.address = address_copy(&x->arena, &step->address);
	kept.key = arena_str(&x->arena, step->key);
	kept.value = arena_str(&x->arena, step->value);
	vec_push(&x->arena, &x->steps, ((struct explain_step){ kept, 0 }));
}

struct search {
	struct explanation	*x;
	struct build_report	 report;
};

/* What was changed since it was compiled is not where the alias is from. */
static int
match(void *ctx, struct str key, struct str value, bool *duplicate,
    struct fault *why)
{
	struct search *s = ctx;

	(void)duplicate;
	(void)why;
	for (size_t i = 0; i < s->x->steps.n; i++) {
		struct explain_step *p = &s->x->steps.p[i];

		if (p->line == 0 && str_eq(p->step.key, key) &&
		    str_eq(p->step.value, value))
			p->line = s->report.line;
	}
	return 0;
}

/* Where the aliases are written, as far as the caller may read that. */
static void
find_lines(struct explanation *x)
{
	struct search s = { .x = x };
	struct fault ignored;

	if (x->steps.n > 0)
		(void)build_parse_file(x->conf->aliases.p, match, NULL, &s,
		    &s.report, &ignored);
}

/* The verdict of a stage; true: it is a refusal. */
static bool
ask_stage(struct explanation *x, const struct panel *panel,
    enum rule_stage stage, address_vec *finals)
{
	struct explain_stage *s = &x->stages[stage];
	const struct panel_case c = { panel, &x->facts, &x->arena, &s->trace };
	address_vec given = { 0 };

	s->asked = true;
	s->trace.arena = &x->arena;
	switch (stage) {
	case STAGE_CONNECT:
		panel_connect(&c, &s->verdict);
		break;
	case STAGE_HELLO:
		panel_hello(&c, &s->verdict);
		break;
	case STAGE_MAIL:
		panel_mail(&c, &s->verdict);
		break;
	case STAGE_RCPT:
		panel_rcpt(&c, finals, &s->verdict);
		break;
	case STAGE_END:
		vec_push(&x->arena, &given, x->to);
		s->asked = panel_end(&c, &given, &s->verdict);
		break;
	}
	if (s->asked && s->verdict.kind != VERDICT_NONE)
		x->result = s->verdict.kind;
	return s->verdict.kind == VERDICT_REFUSE;
}

static bool
refuse(struct explanation *x, enum rule_stage stage, const struct fault *why)
{
	x->stages[stage].asked = true;
	verdict_refuse(&x->stages[stage].verdict, why);
	x->result = VERDICT_REFUSE;
	return false;
}

/* As the panel does, which says no more than no. */
static void
find_sender(struct explanation *x, const struct panel *panel)
{
	struct fault ignored;

	x->sender_asked = x->facts.login.n > 0 && senders_ask(x->conf,
	    panel->lists, x->facts.login, x->facts.sender, &x->arena,
	    &x->sender, &ignored) == 0;
}

static void
find_ground(struct explanation *x)
{
	x->relay_asked = true;
	x->ground = checks_ground(x->conf, &x->facts);
	for (x->network = 0; x->network < x->conf->relay.n; x->network++)
		if (ipnet_has(&x->conf->relay.p[x->network],
		    &x->facts.client_ip))
			break;
}

static bool
has_to_wait(const struct explanation *x)
{
	const struct rule_trace *t = &x->stages[STAGE_RCPT].trace;

	for (size_t i = 0; i < t->steps.n; i++)
		if (t->steps.p[i].answer == RULE_LATER)
			return true;
	return false;
}

/* The content: asked for only where its size is known. */
static bool
ask_end(struct explanation *x, const struct panel *panel, bool sized)
{
	if (x->result == VERDICT_DISCARD)
		return true;
	if (!sized) {
		x->waits = has_to_wait(x);
		return true;
	}
	x->facts.size = x->facts.size_declared;
	if (rule_is_due(&x->conf->rules, STAGE_END))
		x->result = VERDICT_NONE;
	return !ask_stage(x, panel, STAGE_END, NULL);
}

/* A whole transaction; false: it was refused on the way. */
static bool
ask_all(struct explanation *x, const struct panel *panel,
    const struct explain_question *q, address_vec *finals)
{
	struct fault why;

	if (ask_stage(x, panel, STAGE_CONNECT, NULL) ||
	    ask_stage(x, panel, STAGE_HELLO, NULL))
		return false;
	if (parse_mail(x, q, &why) < 0)
		return refuse(x, STAGE_MAIL, &why);
	find_sender(x, panel);
	if (ask_stage(x, panel, STAGE_MAIL, NULL))
		return false;
	x->result = VERDICT_NONE;
	if (parse_rcpt(x, q, &why) < 0)
		return refuse(x, STAGE_RCPT, &why);
	find_ground(x);
	return !ask_stage(x, panel, STAGE_RCPT, finals) &&
	    ask_end(x, panel, q->size != NULL);
}

/* Nothing but who it is. */
static bool
ask_address(struct explanation *x, const struct panel *panel,
    const struct explain_question *q, address_vec *finals)
{
	struct fault why;

	if (parse_rcpt(x, q, &why) < 0 || alias_expand(panel->aliases,
	    &x->arena, &x->to, finals, &why) < 0)
		return refuse(x, STAGE_RCPT, &why);
	return true;
}

static void
find_routes(struct explanation *x, const address_vec *finals)
{
	for (size_t i = 0; i < finals->n; i++) {
		struct explain_route r = { .address = finals->p[i] };

		r.known = next_find(x->conf, &x->arena, &r.address, &r.next,
		    &r.why) == 0;
		vec_push(&x->arena, &x->routes, r);
	}
}

int
explain_ask(struct explanation *x, const struct conf *conf,
    struct lists *lists, const struct explain_question *q, struct fault *why)
{
	struct panel panel = { .conf = conf, .lists = lists };
	address_vec finals = { 0 };
	bool taken;

	*x = (struct explanation){ .conf = conf, .world.grey.fd = -1 };
	x->of_client = explain_is_about_a_client(q);
	if (q->to == NULL)
		return fault_permanent(why, 554, 3, 5, "mail to whom?");
	if (set_facts(x, q, why) < 0)
		return -1;
	world_ask(&x->world, conf, &x->arena, &x->facts);
	panel.aliases = alias_book_new(conf);
	alias_book_watch(panel.aliases, keep_step, x);
	taken = x->of_client ? ask_all(x, &panel, q, &finals) :
	    ask_address(x, &panel, q, &finals);
	alias_book_free(panel.aliases);
	find_lines(x);
	if (taken)
		find_routes(x, &finals);
	return 0;
}

void
explain_free(struct explanation *x)
{
	world_free(&x->world);
	arena_free(&x->arena);
}
