/* SPDX-License-Identifier: ISC */
/*
 * From the words of a sentence to a rule, and back.
 *
 * One cursor goes over the words; each function takes what it understands and
 * leaves the rest to the next, so the sentence has one reading.  An error is
 * reported where it stands, with the words that are known there, and the rule
 * is left out whole: half a rule would let in what the other half refuses.
 *
 * What a rule may say is decided here, so that asking one cannot fail for the
 * way it is written: codes fit the action, a fact is known at the stage at
 * which the rule is to speak, a header field is one.  No rule has a word for
 * relaying: that is `relay`, in conf/sentence.
 *
 * conf/sentence and conf/conf are the callers.  Files that a rule names are not
 * opened here: every program reads the configuration, few ask the rules.
 */
#include "conf/clause.h"

#include "base/die.h"
#include "base/num.h"
#include "base/utf8.h"
#include "conf/listener.h"
#include "mail/domain.h"
#include "mail/nfc.h"

#define TEXT_LONGEST	400	/* of a reply: it stays one line or two */
#define FIELD_LONGEST	998	/* RFC 5322 2.1.1 */
#define RULES_MAX	10000

struct cursor {
	struct conf		*conf;
	const struct statement	*s;
	size_t			 i;	/* the next word */
	struct reader_errors	*errors;
};

static const char *const condition_words[] = {
	"client", "helo", "from", "to", "login", "secure", "local", "on",
	"size", "recipients", "and", "not", "at", "with", NULL
};

static const char *const stage_known[] = { "connect", "hello", "mail", "rcpt",
    "end", NULL };

static bool
expect(struct cursor *c, const char *what, const char *const *known)
{
	reader_expected(c->errors, c->s, c->i, what, known);
	return false;
}

static bool
is_next(const struct cursor *c, const char *word)
{
	return c->i < c->s->words.n &&
	    str_eq(c->s->words.p[c->i].text, str_of(word));
}

static bool
skip(struct cursor *c, const char *word)
{
	if (!is_next(c, word))
		return false;
	c->i++;
	return true;
}

/* The next word, "" at the end of the line. */
static struct str
peek(const struct cursor *c)
{
	return c->i < c->s->words.n ? c->s->words.p[c->i].text : STR_NONE;
}

/* ------------------------------------------------------------ values ---- */

/* A domain, of a pattern too, in A-labels and lower case. */
static bool
fold_pattern(struct arena *arena, struct str text, struct str *out)
{
	if (!utf8_is_ascii(text))
		return setting_domain(arena, text, out);
	*out = domain_fold(arena, text);
	return true;
}

/* ann@example.org, @example.org, postmaster@*, <>. */
static bool
parse_address(struct cursor *c, struct rule_value *v)
{
	struct arena *arena = &c->conf->arena;
	struct str text = peek(c), domain, local;
	size_t at = str_rfind(text, '@');

	v->text = STR("<>");
	if (str_eq(text, STR("<>")))
		return true;
	if (at + 1 >= text.n ||
	    !fold_pattern(arena, str_from(text, at + 1), &domain))
		return expect(c, "an address such as ann@example.org, "
		    "@example.org, *@*.example.org or <>", NULL);
	local = at == 0 ? STR("*") : str_slice(text, 0, at);
	v->text = arena_printf(arena, "%.*s@%.*s",
	    STR_ARG(nfc_fold(arena, local)), STR_ARG(domain));
	return true;
}

static bool
parse_network(struct cursor *c, struct rule_value *v)
{
	v->kind = VALUE_NETWORK;
	return ipnet_parse(peek(c), &v->net) || expect(c, "a network such as "
	    "192.0.2.0/24 or 2001:db8::/32, \"file\", \"db\" or "
	    "\"dnsbl\"", NULL);
}

static bool
parse_on(struct cursor *c, struct rule_value *v)
{
	return listener_parse_on(&c->conf->arena, peek(c), v) || expect(c,
	    "a service such as \"smtp\" or \"submission\", or the address, "
	    "port or name of a \"listen\"", setting_services());
}

static bool
parse_name(struct cursor *c, struct rule_value *v)
{
	if (peek(c).n > 0 && !rule_is_reserved(peek(c)) &&
	    fold_pattern(&c->conf->arena, peek(c), &v->text))
		return true;
	return expect(c, "a name such as mx.example.org or *.example.org",
	    NULL);
}

/* ann, ann@example.org, *@example.org or @example.org; "*" is anybody. */
static bool
parse_login(struct cursor *c, struct rule_value *v)
{
	struct arena *arena = &c->conf->arena;
	struct str text = peek(c), domain;
	size_t at = str_rfind(text, '@');

	if (at + 1 == text.n || text.n == 0 || rule_is_reserved(text) ||
	    (at < text.n &&
	    !fold_pattern(arena, str_from(text, at + 1), &domain)))
		return expect(c, "the name of a login", NULL);
	v->text = at == 0 ? STR("*") :
	    nfc_fold(arena, str_slice(text, 0, at));
	if (at < text.n)
		v->text = arena_printf(arena, "%.*s@%.*s", STR_ARG(v->text),
		    STR_ARG(domain));
	return true;
}

/* forged, malformed, unknown, confirmed; any other word is a name, but for one
 * that is almost one of these. */
static bool
parse_helo(struct cursor *c, struct rule_value *v)
{
	const char *const *words = rule_helo_words();
	struct str text = peek(c);

	for (unsigned i = 0; words[i] != NULL; i++)
		if (is_next(c, words[i])) {
			v->kind = VALUE_HELO;
			v->number = i;
			return true;
		}
	if (str_find(text, '.') == text.n && str_find(text, '*') == text.n &&
	    reader_nearest(domain_fold(&c->conf->arena, text), words) != NULL)
		return expect(c, "\"forged\", \"malformed\", \"unknown\", "
		    "\"confirmed\" or a name that is not so near to these",
		    words);
	return parse_name(c, v);
}

static bool
parse_literal(struct cursor *c, enum rule_fact fact, struct rule_value *v)
{
	v->kind = VALUE_PATTERN;
	switch (fact) {
	case FACT_CLIENT:
		return parse_network(c, v);
	case FACT_ON:
		return parse_on(c, v);
	case FACT_HELO:
		return parse_helo(c, v);
	case FACT_LOGIN:
		return parse_login(c, v);
	case FACT_NAME:
		return parse_name(c, v);
	case FACT_FROM:
	case FACT_TO:
		return parse_address(c, v);
	case FACT_LOCAL:
	case FACT_SECURE:
	case FACT_SIZE:
	case FACT_RECIPIENTS:
		break;
	}
	bug("a fact without values");
}

/* "file" and "db" were skipped; their path is next. */
static bool
parse_list(struct cursor *c, enum rule_value_kind kind, struct rule_value *v)
{
	struct rules *rules = &c->conf->rules;

	if (!str_starts(peek(c), STR("/")))
		return expect(c, "an absolute path", NULL);
	if (rules->lists >= RULE_LISTS_MAX) {
		reader_error(c->errors, c->s->words.p[c->i].place, "expected "
		    "at most %d lists in all rules", RULE_LISTS_MAX);
		return false;
	}
	v->kind = kind;
	v->text = arena_str(&c->conf->arena, peek(c));
	v->number = rules->lists++;
	return true;
}

/* As of the setting, without a weight. */
static bool
parse_zone(struct cursor *c, struct rule_value *v)
{
	v->kind = VALUE_DNSBL;
	return setting_domain(&c->conf->arena, peek(c), &v->text) ||
	    expect(c, "the domain of a DNS list", NULL);
}

static bool
parse_value(struct cursor *c, enum rule_fact fact, struct rule_value *v)
{
	bool ok;

	*v = (struct rule_value){ .text = STR_NONE };
	if (fact != FACT_ON && skip(c, "file"))
		ok = parse_list(c, VALUE_FILE, v);
	else if (fact != FACT_ON && skip(c, "db"))
		ok = parse_list(c, VALUE_DB, v);
	else if (fact == FACT_CLIENT && skip(c, "dnsbl"))
		ok = parse_zone(c, v);
	else
		ok = parse_literal(c, fact, v);
	if (ok)
		c->i++;
	return ok;
}

static bool
parse_values(struct cursor *c, struct rule_term *term)
{
	struct rule_value v;

	if (!skip(c, "is") && !skip(c, "in"))
		(void)skip(c, "matching");
	do {
		if (!parse_value(c, term->fact, &v))
			return false;
		vec_push(&c->conf->arena, &term->values, v);
	} while (skip(c, "or"));
	return true;
}

/* over 10M, under 100 */
static bool
parse_amount(struct cursor *c, struct rule_term *term)
{
	static const char *const words[] = { "over", "under", NULL };
	struct rule_value v = { .kind = VALUE_OVER };
	bool size = term->fact == FACT_SIZE;

	if (skip(c, "under"))
		v.kind = VALUE_UNDER;
	else if (!skip(c, "over"))
		return expect(c, "\"over\" or \"under\"", words);
	if (!(size ? num_parse_size(peek(c), UINT64_MAX, &v.number) :
	    num_parse(peek(c), UINT32_MAX, &v.number)))
		return expect(c, size ? "a size such as 10M" : "a number",
		    NULL);
	c->i++;
	vec_push(&c->conf->arena, &term->values, v);
	return true;
}

/* -------------------------------------------------------- conditions ---- */

static bool
find_fact(struct cursor *c, enum rule_fact *fact)
{
	static const enum rule_fact words[] = { FACT_CLIENT, FACT_LOCAL,
	    FACT_ON, FACT_SECURE, FACT_HELO, FACT_LOGIN, FACT_FROM, FACT_SIZE,
	    FACT_TO, FACT_RECIPIENTS };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (skip(c, rule_fact_word(words[i]))) {
			*fact = words[i];
			if (*fact == FACT_CLIENT && skip(c, "named"))
				*fact = FACT_NAME;
			return true;
		}
	return expect(c, "a condition: \"client\", \"helo\", \"from\", "
	    "\"to\", \"login\", \"secure\", \"local\", \"on\", \"size\" or "
	    "\"recipients\"", condition_words);
}

static bool
parse_term(struct cursor *c, struct rule_term *term)
{
	*term = (struct rule_term){ .negated = skip(c, "not") };
	if (!find_fact(c, &term->fact))
		return false;
	switch (term->fact) {
	case FACT_LOCAL:
	case FACT_SECURE:
		return true;
	case FACT_SIZE:
	case FACT_RECIPIENTS:
		return parse_amount(c, term);
	case FACT_CLIENT:
	case FACT_NAME:
	case FACT_ON:
	case FACT_HELO:
	case FACT_LOGIN:
	case FACT_FROM:
	case FACT_TO:
		break;
	}
	return parse_values(c, term);
}

static bool
is_over(const struct cursor *c)
{
	return c->i >= c->s->words.n || is_next(c, "at") ||
	    is_next(c, "with");
}

static bool
parse_terms(struct cursor *c, struct rule *rule)
{
	struct rule_term term;

	while (!is_over(c)) {
		if (!parse_term(c, &term))
			return false;
		vec_push(&c->conf->arena, &rule->terms, term);
		/* Behind "and" there must be another. */
		if (skip(c, "and") && is_over(c))
			return expect(c, "a condition behind \"and\"", NULL);
	}
	return true;
}

/* --------------------------------------------------- at, with, header --- */

/* A size that is declared says how much there is at least: that it is under
 * something is never known of it. */
static enum rule_stage
know(const struct rule_term *term)
{
	if (term->fact == FACT_SIZE &&
	    (term->values.p->kind == VALUE_UNDER) != term->negated)
		return STAGE_END;
	return rule_fact_stage(term->fact);
}

/* From RCPT on a rule about the size waits for it. */
static bool
check_stage(struct cursor *c, const struct rule *rule)
{
	struct place at = c->s->words.p[c->i].place;
	const struct rule_term *term = rule->terms.p;

	for (size_t i = 0; i < rule->terms.n && rule->stage < STAGE_RCPT;
	    i++, term++) {
		if (know(term) <= rule->stage)
			continue;
		reader_error(c->errors, at, "\"%s%s\" is not known at %s, "
		    "but from %s on", rule_fact_word(term->fact),
		    know(term) == STAGE_END ? " under" : "",
		    rule_stage_word(rule->stage), rule_stage_word(know(term)));
		return false;
	}
	return true;
}

static bool
parse_stage(struct cursor *c, struct rule *rule)
{
	unsigned i;

	if (!skip(c, "at"))
		return true;
	if (rule->action != RULE_REJECT && rule->action != RULE_DEFER) {
		reader_error(c->errors, c->s->words.p[c->i - 1].place,
		    "%s has no \"at\": only reject and defer say something",
		    rule_action_word(rule->action));
		return false;
	}
	for (i = STAGE_CONNECT; i <= STAGE_END; i++)
		if (is_next(c, rule_stage_word((enum rule_stage)i))) {
			rule->stage = (enum rule_stage)i;
			if (!check_stage(c, rule))
				return false;
			c->i++;
			return true;
		}
	return expect(c, "\"connect\", \"hello\", \"mail\", \"rcpt\" or "
	    "\"end\"", stage_known);
}

/* The reply's code at the front of the text, if there is one. */
static void
cut_code(struct str *text, struct rule *rule)
{
	uint64_t code;

	if (text->n < 3 || (text->n > 3 && text->p[3] != ' ') ||
	    !num_parse(str_slice(*text, 0, 3), 999, &code))
		return;
	rule->code = (int)code;
	*text = str_trim(str_from(*text, 3));
}

static bool
is_code_of(const struct rule *rule)
{
	int n = rule->code;

	return rule->action == RULE_REJECT ? n == 521 ||
	    (n >= 550 && n <= 559) : n == 421 || (n >= 450 && n <= 459);
}

static bool
is_printable(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] >= 0x7f)
			return false;
	return true;
}

static bool
parse_reply(struct cursor *c, struct rule *rule)
{
	struct str text = peek(c);

	cut_code(&text, rule);
	if (!is_code_of(rule))
		return expect(c, rule->action == RULE_REJECT ?
		    "a code of 550 to 559 or 521" :
		    "a code of 450 to 459 or 421", NULL);
	if (status_cut(&text, &rule->status) &&
	    rule->status.class != rule->code / 100)
		return expect(c, "a status of the same class as the code",
		    NULL);
	rule->text = arena_str(&c->conf->arena, text);
	return true;
}

static bool
parse_with(struct cursor *c, struct rule *rule)
{
	if (!skip(c, "with"))
		return true;
	if (rule->action == RULE_ACCEPT || rule->action == RULE_HEADER) {
		reader_error(c->errors, c->s->words.p[c->i - 1].place,
		    "%s has no \"with\": it has nothing to say",
		    rule_action_word(rule->action));
		return false;
	}
	if (c->i >= c->s->words.n || peek(c).n == 0 ||
	    peek(c).n > TEXT_LONGEST || !is_printable(peek(c)))
		return expect(c, "a text in quotes, of ASCII and not too long",
		    NULL);
	if (rule->action == RULE_REJECT || rule->action == RULE_DEFER) {
		if (!parse_reply(c, rule))
			return false;
	} else
		rule->text = arena_str(&c->conf->arena, peek(c));
	c->i++;
	return true;
}

/* RFC 5322 2.2: a name of printable characters, a colon, a value. */
static bool
is_field(struct str text)
{
	size_t colon = str_find(text, ':');

	if (colon == 0 || colon == text.n || text.n > FIELD_LONGEST ||
	    str_find(str_slice(text, 0, colon), ' ') != colon)
		return false;
	return is_printable(text) && str_trim(str_from(text, colon + 1)).n > 0;
}

static bool
parse_header(struct cursor *c, struct rule *rule)
{
	if (!is_field(peek(c)))
		return expect(c, "a header field in quotes, such as "
		    "\"X-Spam: maybe\"", NULL);
	rule->text = arena_str(&c->conf->arena, peek(c));
	c->i++;
	(void)skip(c, "if");
	return true;
}

/* What it does when nothing is said. */
static void
fill(struct rule *rule, const struct setting *set)
{
	unsigned i;

	for (i = RULE_ACCEPT; i <= RULE_HEADER; i++)
		if (str_eq(str_of(set->name),
		    str_of(rule_action_word((enum rule_action)i))))
			rule->action = (enum rule_action)i;
	rule->stage = STAGE_RCPT;
	rule->code = rule->action == RULE_DEFER ? 450 : 554;
	rule->status = (struct status){ rule->code / 100, 7, 1 };
}

void
clause_parse(struct conf *conf, const struct setting *set,
    const struct statement *s, struct reader_errors *e)
{
	struct cursor c = { conf, s, 1, e };
	struct rule rule = { .line = s->place.line };
	struct rules *rules = &conf->rules;

	fill(&rule, set);
	if ((rule.action == RULE_HEADER && !parse_header(&c, &rule)) ||
	    !parse_terms(&c, &rule) || !parse_stage(&c, &rule) ||
	    !parse_with(&c, &rule))
		return;
	if (c.i < s->words.n) {
		expect(&c, "the end of the line", NULL);
		return;
	}
	if (rules->n >= RULES_MAX) {
		reader_error(e, s->place, "expected at most %d rules",
		    RULES_MAX);
		return;
	}
	rules->stages |= 1U << rule.stage;
	if (rule_has_size(&rule) && rule.stage == STAGE_RCPT)
		rules->stages |= 1U << STAGE_END;
	vec_push(&conf->arena, rules, rule);
	rules->may_hold |= rule.action == RULE_HOLD;
}

/* --------------------------------------------------------- and back ----- */

size_t
clause_count(const struct conf *conf, const struct setting *set)
{
	size_t n = 0;

	while (clause_get(conf, set, n) != NULL)
		n++;
	return n;
}

const struct rule *
clause_get(const struct conf *conf, const struct setting *set, size_t i)
{
	const struct rule *rule;

	for (size_t k = 0; k < conf->rules.n; k++) {
		rule = &conf->rules.p[k];
		if (str_eq(str_of(set->name),
		    str_of(rule_action_word(rule->action))) && i-- == 0)
			return rule;
	}
	return NULL;
}

static void
put_value(struct buf *out, enum rule_fact fact, const struct rule_value *v)
{
	switch (v->kind) {
	case VALUE_NETWORK:
		ipnet_put(out, &v->net);
		return;
	case VALUE_FILE:
	case VALUE_DB:
		buf_putz(out, v->kind == VALUE_FILE ? "file " : "db ");
		break;
	case VALUE_DNSBL:
		buf_putz(out, "dnsbl ");
		break;
	case VALUE_HELO:
		buf_putz(out, rule_helo_words()[v->number]);
		return;
	case VALUE_NUMBER:
	case VALUE_PLACE:
	case VALUE_LISTENER:
		listener_put_on(v, out);
		return;
	case VALUE_OVER:
	case VALUE_UNDER:
		buf_putz(out, v->kind == VALUE_OVER ? "over " : "under ");
		if (fact == FACT_SIZE)
			num_format_size(out, v->number);
		else
			buf_printf(out, "%llu", (unsigned long long)v->number);
		return;
	case VALUE_PATTERN:
		break;
	}
	reader_put_word(out, v->text);
}

/* The word between a fact and its first value, where it reads well. */
static const char *
link_of(const struct rule_term *term)
{
	const struct rule_value *v = term->values.p;

	switch (v->kind) {
	case VALUE_PATTERN:
		return term->fact == FACT_HELO ? "is " : "";
	case VALUE_NETWORK:
	case VALUE_FILE:
	case VALUE_DB:
	case VALUE_DNSBL:
		return "in ";
	case VALUE_HELO:
	case VALUE_NUMBER:
	case VALUE_PLACE:
	case VALUE_LISTENER:
	case VALUE_OVER:
	case VALUE_UNDER:
		break;
	}
	return "";
}

static void
put_term(struct buf *out, const struct rule_term *term)
{
	buf_printf(out, "%s%s", term->negated ? "not " : "",
	    rule_fact_word(term->fact));
	for (size_t i = 0; i < term->values.n; i++) {
		buf_printf(out, " %s", i > 0 ? "or " : link_of(term));
		put_value(out, term->fact, &term->values.p[i]);
	}
}

static void
put_with(struct buf *out, const struct rule *rule)
{
	struct buf text = { 0 };

	if (rule->action == RULE_REJECT || rule->action == RULE_DEFER) {
		buf_printf(&text, "%d ", rule->code);
		status_put(&text, rule->status);
		buf_putz(&text, rule->text.n > 0 ? " " : "");
	}
	buf_puts(&text, rule->text);
	reader_put_word(out, buf_str(&text));
	buf_free(&text);
}

static bool
has_reply(const struct rule *rule)
{
	return rule->text.n > 0 || rule->status.subject != 7 ||
	    rule->status.detail != 1 ||
	    rule->code != (rule->action == RULE_DEFER ? 450 : 554);
}

void
clause_format(const struct rule *rule, struct buf *out)
{
	size_t begin = out->n;

	if (rule->action == RULE_HEADER) {
		reader_put_word(out, rule->text);
		buf_putz(out, rule->terms.n > 0 ? " if" : "");
	}
	for (size_t i = 0; i < rule->terms.n; i++) {
		buf_putz(out, i > 0 ? " and " : out->n > begin ? " " : "");
		put_term(out, &rule->terms.p[i]);
	}
	if (rule->stage != STAGE_RCPT)
		buf_printf(out, "%sat %s", out->n > begin ? " " : "",
		    rule_stage_word(rule->stage));
	if (rule->action != RULE_HEADER && has_reply(rule)) {
		buf_printf(out, "%swith ", out->n > begin ? " " : "");
		put_with(out, rule);
	}
}
