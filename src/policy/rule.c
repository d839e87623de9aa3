/* SPDX-License-Identifier: ISC */
/*
 * The rules, asked: facts and rules in, one verdict out.
 *
 *	for each rule, in the order of the file
 *	    for each condition
 *	        no        the rule does not hold; the next one
 *	        not known the rule has to wait for the content
 *	    all hold      header: noted, and on; else: that is the verdict
 *
 * The first rule that holds decides, and of one that waits it is open whether
 * it will be the first.  Those that can only refuse keep no other from deciding
 * meanwhile, since the worst is that it is refused later.  Behind one that might
 * spare the mail something nothing is decided, but that some rule will speak
 * for the mail, if one that does so holds.  All is asked again at the end of the
 * content.
 *
 * A declared size (RFC 1870) is the client's word, and believed to its own harm
 * alone: that there will be at least so much, for a refusal.  "Under" is never
 * known before the content.
 *
 * Pure but for the lists and the prober, which are asked where a condition
 * names them and all before it in its rule hold.  A list that cannot be asked
 * is a temporary refusal, whatever the rule would have done: mail waits until
 * somebody has mended it, and nobody slips through meanwhile.
 *
 * No rule can open relaying, because that is decided before any is asked
 * (policy/checks), by facts that no rule can change.
 *
 * Called by policy/panel for the session and for `godwit explain`; a trace
 * changes nothing but what is written down.
 */
#include "policy/rule.h"

#include "base/die.h"
#include "base/num.h"
#include "conf/listener.h"
#include "mail/domain.h"
#include "mail/fold.h"
#include "policy/helo.h"

#define UNKNOWN_YET	2	/* beside 1, 0 and -1 */

struct judging {
	const struct rule_asking *in;
	struct arena	scratch;
	struct str	sender, recipient;	/* as rules see them; or p NULL */
	struct buf	because;
	struct fault	why;
};

/* ------------------------------------------------------------- facts ---- */

/* "ann@example.org" in lower case and A-labels, "<>". */
static struct str
fold_address(struct judging *j, const struct address *a)
{
	if (address_is_null(a))
		return STR("<>");
	/* A bare name is one of ours. */
	return fold_mailbox(&j->scratch, a->local, a->domain.n > 0 ?
	    a->domain : j->in->conf->hostname);
}

static struct str
text_of(struct judging *j, const struct address *a, struct str *kept)
{
	if (kept->p == NULL && a != NULL)
		*kept = fold_address(j, a);
	return *kept;
}

/* The fact that texts are held against; -1: it cannot be told. */
static int
find_subject(struct judging *j, enum rule_fact fact, struct lists_subject *s)
{
	const struct facts *f = j->in->facts;

	s->kind = lists_kind_of(fact);
	switch (fact) {
	case FACT_CLIENT:
		s->ip = f->client_ip;
		return 0;
	case FACT_NAME:
		if (facts_client_name(f, &s->text, &j->why) < 0)
			return -1;
		s->text = domain_fold(&j->scratch, s->text);
		return 0;
	case FACT_HELO:
		s->text = domain_fold(&j->scratch, f->helo);
		return 0;
	case FACT_LOGIN:
		s->text = fold_login(&j->scratch, f->login);
		s->spelt = f->login;
		return 0;
	case FACT_FROM:
		s->text = text_of(j, f->sender, &j->sender);
		return 0;
	case FACT_TO:
		s->text = text_of(j, f->recipient, &j->recipient);
		return 0;
	case FACT_LOCAL:
	case FACT_ON:
	case FACT_SECURE:
	case FACT_SIZE:
	case FACT_RECIPIENTS:
		break;
	}
	bug("a fact without a text");
}

/* A size is that of the content as soon as there is one. */
static bool
is_certain(const struct judging *j, enum rule_fact fact)
{
	return fact != FACT_SIZE || j->in->stage == STAGE_END;
}

/* What is known of it; false: nothing is.  Of a size before the content that is
 * the client's word. */
static bool
find_amount(const struct judging *j, enum rule_fact fact, uint64_t *n)
{
	const struct facts *f = j->in->facts;

	if (fact == FACT_RECIPIENTS)
		*n = f->recipients;
	else if (j->in->stage == STAGE_END)
		*n = f->size;
	else
		*n = f->size_declared;
	return is_certain(j, fact) || *n > 0;
}

/* -------------------------------------------------------- conditions ---- */

/* Who cannot be found on a list is not on it; but nobody is refused because he
 * cannot be found there. */
static int
ask_dnsbl(struct judging *j, const struct rule_term *term,
    const struct rule_value *v, struct str *key)
{
	int r = facts_is_listed(j->in->facts, v->text);

	if (r > 0)
		*key = v->text;
	if (r >= 0 || !term->negated)
		return r > 0;
	return fault_temporary(&j->why, 450, 7, 1,
	    "Client host rejected: a DNS list cannot be asked now");
}

/* Most of it can be told without a question. */
static int
ask_helo(struct judging *j, enum rule_helo what, struct str *key)
{
	const struct facts *f = j->in->facts;
	bool malformed = helo_is_malformed(f->helo);
	struct ip ip;
	int r = 0;

	switch (what) {
	case HELO_FORGED:
		r = helo_is_forged(j->in->conf, f);
		break;
	case HELO_MALFORMED:
		r = malformed;
		break;
	case HELO_UNKNOWN:
	case HELO_CONFIRMED:
		if (malformed)
			r = what == HELO_UNKNOWN;
		else if (domain_is_literal(f->helo, &ip))
			r = what == HELO_CONFIRMED && ip_eq(&ip, &f->client_ip);
		else
			r = facts_helo_is(f, what, &j->why);
		break;
	}
	if (r == 1)
		*key = str_of(rule_helo_words()[what]);
	return r;
}

/* "/etc/godwit/blocked:3: 192.0.2.0/24", for a trace. */
static int
ask_list(struct judging *j, const struct rule_value *v,
    const struct lists_subject *s, struct str *key)
{
	struct lists_hit hit;
	struct buf text = { 0 };
	int r = lists_find(j->in->lists, v, s, &j->scratch, &hit, &j->why);

	if (r != 1 || j->in->trace == NULL)
		return r;
	buf_puts(&text, v->text);
	if (hit.line > 0)
		buf_printf(&text, ":%u", hit.line);
	buf_printf(&text, ": %.*s", STR_ARG(hit.key));
	*key = arena_str(&j->scratch, buf_str(&text));
	buf_free(&text);
	return r;
}

/* What it takes to tell whether a value is it. */
enum cost { COST_NONE, COST_CALL, COST_QUESTION, COSTS };

static enum cost
cost_of(const struct rule_value *v)
{
	if (v->kind == VALUE_DB)
		return COST_CALL;
	if (v->kind == VALUE_DNSBL || (v->kind == VALUE_HELO &&
	    (v->number == HELO_UNKNOWN || v->number == HELO_CONFIRMED)))
		return COST_QUESTION;
	return COST_NONE;
}

static int
ask_value(struct judging *j, const struct rule_term *term,
    const struct rule_value *v, const struct lists_subject *s,
    struct str *key)
{
	if (v->kind == VALUE_NETWORK)
		return ipnet_has(&v->net, &s->ip);
	if (v->kind == VALUE_DNSBL)
		return ask_dnsbl(j, term, v, key);
	if (v->kind == VALUE_HELO)
		return ask_helo(j, (enum rule_helo)v->number, key);
	if (v->kind != VALUE_PATTERN)
		return ask_list(j, v, s, key);
	return s->text.n > 0 && rule_fits(v->text, s->text);
}

/* Any value does, so those go first that cost nothing; and what cannot be told
 * of one is wanted only if it is none of the others. */
static int
ask_text(struct judging *j, const struct rule_term *term, struct str *key)
{
	struct lists_subject s = { .text = STR_NONE };
	struct fault first;
	int one, r = find_subject(j, term->fact, &s);

	if (r < 0)
		return r;
	for (size_t i = 0; i < COSTS * term->values.n; i++) {
		const struct rule_value *v =
		    &term->values.p[i % term->values.n];

		if (cost_of(v) != i / term->values.n)
			continue;
		one = ask_value(j, term, v, &s, key);
		if (one == 1)
			return 1;
		if (one < 0 && r == 0) {
			first = j->why;
			r = -1;
		}
	}
	if (r < 0)
		j->why = first;
	return r;
}

static int
ask_amount(const struct judging *j, const struct rule_term *term)
{
	const struct rule_value *v = term->values.p;
	uint64_t n;

	if (!find_amount(j, term->fact, &n))
		return UNKNOWN_YET;
	if (is_certain(j, term->fact))
		return v->kind == VALUE_OVER ? n > v->number : n < v->number;
	/* There will be n or more. */
	if (v->kind == VALUE_OVER)
		return n > v->number ? 1 : UNKNOWN_YET;
	return n >= v->number ? 0 : UNKNOWN_YET;
}

/* Who has come to no listener is on none of them, and not on another one: where
 * one is meant, the condition does not hold, whichever way it is put. */
static int
ask_on(const struct judging *j, const struct rule_term *term)
{
	const struct facts *f = j->in->facts;
	bool meant = false;

	for (size_t i = 0; i < term->values.n; i++) {
		if (listener_fits(&term->values.p[i], f->service, f->listener))
			return !term->negated;
		meant |= term->values.p[i].kind != VALUE_NUMBER;
	}
	return term->negated && !(meant && f->listener == NULL);
}

/* 1, 0, -1 with j->why, UNKNOWN_YET; whichever action it is for. */
static int
ask_fact(struct judging *j, const struct rule_term *term, struct str *key)
{
	int r = 0;

	*key = STR_NONE;
	switch (term->fact) {
	case FACT_LOCAL:
		r = j->in->facts->local;
		break;
	case FACT_SECURE:
		r = j->in->facts->secure;
		break;
	case FACT_ON:
		return ask_on(j, term);
	case FACT_SIZE:
	case FACT_RECIPIENTS:
		r = ask_amount(j, term);
		break;
	case FACT_CLIENT:
	case FACT_NAME:
	case FACT_HELO:
	case FACT_LOGIN:
	case FACT_FROM:
	case FACT_TO:
		r = ask_text(j, term, key);
		break;
	}
	if (r == 0 || r == 1)
		r ^= term->negated;
	return r;
}

static bool
refuses(const struct rule *rule)
{
	return rule->action == RULE_REJECT || rule->action == RULE_DEFER;
}

/* Nobody gets anything for what he has only declared. */
static int
ask_term(struct judging *j, const struct rule *rule,
    const struct rule_term *term, struct str *key)
{
	int r = ask_fact(j, term, key);

	return r == 1 && !refuses(rule) && !is_certain(j, term->fact) ?
	    UNKNOWN_YET : r;
}

/* ----------------------------------------------------- what is noted ---- */

static void
put_amount(struct judging *j, enum rule_fact fact)
{
	uint64_t n;

	if (!find_amount(j, fact, &n))
		buf_putz(&j->because, " is not known before the content");
	else if (fact == FACT_SIZE) {
		buf_putz(&j->because, is_certain(j, fact) ? " is " :
		    " is said to be ");
		num_format_size(&j->because, n);
	} else
		buf_printf(&j->because, " is %llu", (unsigned long long)n);
}

static void
put_text(struct judging *j, enum rule_fact fact)
{
	struct lists_subject s = { .text = STR_NONE };
	char ip[IP_TEXT_MAX];

	if (find_subject(j, fact, &s) < 0) {
		buf_putz(&j->because, " cannot be told");
		return;
	}
	if (fact == FACT_CLIENT)
		s.text = str_of(ip_format(&s.ip, ip));
	buf_printf(&j->because, " is %.*s", STR_ARG(s.text.n > 0 ? s.text :
	    STR("none")));
}

/* "on smtp at 192.0.2.1:25, outside" */
static void
put_on(struct buf *b, const struct facts *f)
{
	buf_printf(b, " %s", setting_services()[f->service]);
	if (f->listener == NULL)
		return;
	buf_putz(b, " at ");
	listener_put_place(f->listener, b);
}

/* "client is 192.0.2.1 (192.0.2.0/24)" */
static void
note_term(struct judging *j, const struct rule_term *term, struct str key)
{
	const struct facts *f = j->in->facts;

	buf_printf(&j->because, "%s%s", j->because.n > 0 ? ", " : "",
	    rule_fact_word(term->fact));
	switch (term->fact) {
	case FACT_LOCAL:
		buf_putz(&j->because, f->local ? ": yes" : ": no");
		break;
	case FACT_SECURE:
		buf_putz(&j->because, f->secure ? ": yes" : ": no");
		break;
	case FACT_ON:
		put_on(&j->because, f);
		break;
	case FACT_SIZE:
	case FACT_RECIPIENTS:
		put_amount(j, term->fact);
		break;
	case FACT_CLIENT:
	case FACT_NAME:
	case FACT_HELO:
	case FACT_LOGIN:
	case FACT_FROM:
	case FACT_TO:
		put_text(j, term->fact);
		break;
	}
	if (key.n > 0)
		buf_printf(&j->because, " (%.*s)", STR_ARG(key));
}

static void
note_rule(struct judging *j, const struct rule *rule, enum rule_answer answer)
{
	struct rule_trace *trace = j->in->trace;
	struct rule_step step = { rule, answer, STR_NONE };

	if (trace == NULL)
		return;
	if (answer == RULE_FAULT)
		buf_printf(&j->because, "%s%s", j->because.n > 0 ? ": " : "",
		    j->why.text);
	step.because = arena_str(trace->arena, buf_str(&j->because));
	vec_push(trace->arena, &trace->steps, step);
}

/* -------------------------------------------------------------- rules --- */

static enum rule_answer
answer_of(int r)
{
	return r == UNKNOWN_YET ? RULE_LATER : r == 0 ? RULE_NO :
	    r == 1 ? RULE_YES : RULE_FAULT;
}

/* A condition that does not hold decides, whatever is not known, or cannot be
 * told, of the others. */
static enum rule_answer
ask_rule(struct judging *j, const struct rule *rule)
{
	enum rule_answer one, answer = j->in->stage == STAGE_RCPT &&
	    rule->stage == STAGE_END ? RULE_LATER : RULE_YES;
	bool traced = j->in->trace != NULL;
	struct fault *first = NULL;
	struct str key;

	buf_reset(&j->because);
	for (size_t i = 0; i < rule->terms.n && answer != RULE_NO; i++) {
		one = answer_of(ask_term(j, rule, &rule->terms.p[i], &key));
		if (one == RULE_NO)
			buf_reset(&j->because);
		if (traced)
			note_term(j, &rule->terms.p[i], key);
		if (one == RULE_FAULT && first == NULL) {
			first = arena_alloc(&j->scratch, sizeof(*first));
			*first = j->why;
		}
		if (one == RULE_NO || one == RULE_FAULT ||
		    (one == RULE_LATER && answer == RULE_YES))
			answer = one;
	}
	if (answer == RULE_FAULT)
		j->why = *first;
	note_rule(j, rule, answer);
	return answer;
}

static bool
knows_all(const struct rule *rule, enum rule_stage stage)
{
	for (size_t i = 0; i < rule->terms.n; i++)
		if (rule_fact_stage(rule->terms.p[i].fact) > stage)
			return false;
	return true;
}

/* Is this the stage for this rule? */
static bool
is_asked(const struct rule *rule, enum rule_stage stage)
{
	if (stage >= STAGE_RCPT)
		return rule->stage >= STAGE_RCPT;
	if (refuses(rule))
		return rule->stage == stage;
	return rule->action != RULE_HEADER && knows_all(rule, stage);
}

/* ------------------------------------------------------------ verdict --- */

static struct str
show_address(struct arena *arena, const struct address *a)
{
	return a == NULL ? STR_NONE : address_text(arena, a);
}

static struct str
show_client(struct arena *arena, const struct facts *f)
{
	char ip[IP_TEXT_MAX];

	if (f->local)
		return STR("local");
	return arena_printf(arena, "%.*s[%s]",
	    STR_ARG(f->client_name.n > 0 ? f->client_name : STR("unknown")),
	    ip_format(&f->client_ip, ip));
}

/* Who is meant, in the words that programs look for in Postfix's log. */
static struct str
describe(const struct rule *rule, const struct facts *f, struct arena *arena,
    const char **what)
{
	*what = "Client host";
	if (rule->terms.n == 0)
		return show_client(arena, f);
	switch (rule->terms.p[0].fact) {
	case FACT_CLIENT:
	case FACT_NAME:
	case FACT_LOCAL:
	case FACT_ON:
	case FACT_SECURE:
		break;
	case FACT_HELO:
		*what = "Helo command";
		return f->helo;
	case FACT_LOGIN:
	case FACT_FROM:
	case FACT_SIZE:
		*what = "Sender address";
		return show_address(arena, f->sender);
	case FACT_TO:
	case FACT_RECIPIENTS:
		*what = "Recipient address";
		return show_address(arena, f->recipient);
	}
	return show_client(arena, f);
}

struct str
rule_reason(const struct rule *rule, const struct facts *f,
    struct arena *arena)
{
	const char *what;
	struct str who = describe(rule, f, arena, &what);

	if (rule->text.n > 0)
		return arena_printf(arena, "<%.*s>: %s: %.*s", STR_ARG(who),
		    what, STR_ARG(rule->text));
	return arena_printf(arena, "<%.*s>: %s triggers %s action",
	    STR_ARG(who), what, rule->action == RULE_HOLD ? "HOLD" :
	    "DISCARD");
}

static void
refuse(struct judging *j, const struct rule *rule, struct fault *why)
{
	struct str who, text = rule->text;
	const char *what;

	if (text.n == 0) {
		who = describe(rule, j->in->facts, &j->scratch, &what);
		text = arena_printf(&j->scratch,
		    "<%.*s>: %s rejected: Access denied", STR_ARG(who), what);
	}
	if (rule->action == RULE_DEFER)
		fault_temporary(why, rule->code, rule->status.subject,
		    rule->status.detail, "%.*s", STR_ARG(text));
	else
		fault_permanent(why, rule->code, rule->status.subject,
		    rule->status.detail, "%.*s", STR_ARG(text));
}

static bool
speaks_for(const struct rule *rule)
{
	return rule->action == RULE_ACCEPT || rule->action == RULE_HOLD;
}

static void
decide(struct judging *j, const struct rule *rule, struct verdict *v)
{
	if (rule->action != RULE_HEADER)
		v->rule = rule;
	switch (rule->action) {
	case RULE_ACCEPT:
		v->kind = VERDICT_ACCEPT;
		break;
	case RULE_REJECT:
	case RULE_DEFER:
		v->kind = VERDICT_REFUSE;
		refuse(j, rule, &v->why);
		break;
	case RULE_HOLD:
		v->kind = VERDICT_HOLD;
		break;
	case RULE_DISCARD:
		v->kind = VERDICT_DISCARD;
		break;
	case RULE_HEADER:
		vec_push(j->in->arena, &v->headers, rule);
		break;
	}
}

/* True: the search is over.  *mercy: a rule before this one has to wait, and might
 * do something else than refuse, so that nothing can be decided. */
static bool
weigh(struct judging *j, const struct rule *rule, enum rule_answer answer,
    bool *mercy, struct verdict *v)
{
	switch (answer) {
	case RULE_NO:
		return false;
	case RULE_FAULT:
		v->rule = rule;
		verdict_refuse(v, &j->why);
		return true;
	case RULE_LATER:
		/* Before RCPT nobody waits: what speaks there speaks there
		 * or never. */
		if (rule->action == RULE_HEADER || j->in->stage < STAGE_RCPT)
			return false;
		*mercy |= !refuses(rule);
		return false;
	case RULE_YES:
		break;
	}
	if (rule->action == RULE_HEADER || !*mercy)
		decide(j, rule, v);
	else
		v->spoken_for = speaks_for(rule);
	return rule->action != RULE_HEADER;
}

void
rule_judge(const struct rule_asking *in, struct verdict *v)
{
	struct judging j = { .in = in };
	const struct rules *rules = &in->conf->rules;
	const struct rule *rule;
	bool mercy = false;

	*v = (struct verdict){ .kind = VERDICT_NONE };
	for (size_t i = 0; i < rules->n; i++) {
		rule = &rules->p[i];
		if (is_asked(rule, in->stage) &&
		    weigh(&j, rule, ask_rule(&j, rule), &mercy, v))
			break;
	}
	buf_free(&j.because);
	arena_free(&j.scratch);
}

bool
rule_is_due(const struct rules *rules, enum rule_stage stage)
{
	return (rules->stages & (1U << stage)) != 0;
}
