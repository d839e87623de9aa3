/* SPDX-License-Identifier: ISC */
/*
 * Sentences about DNS lists (RFC 5782): where one is asked, what being listed
 * weighs, and which of its answers count.
 *
 *	dnsbl zen.example weight 2 when 127.0.0.2-11 as "zen"
 *
 * Rows of both kinds stand in one vector in the order of the file, because
 * they are asked together and added up.  A zone may have several rows that
 * weigh its answers differently; it is asked once all the same.  What an
 * answer means that no list may give is not said here (policy/dnsbl).
 */
#include "conf/dnslist.h"

#include "base/bytes.h"
#include "base/num.h"

#define WEIGHT_MAX	1000
#define LABEL_MAX	100

static const char *const words[] = { "weight", "when", "as", NULL };

static bool
is_white(const struct setting *set)
{
	return str_eq(str_of(set->name), STR("dnswl"));
}

/* 127.0.0.2, or 127.0.0.2-11 for a span of last numbers. */
static bool
parse_codes(struct str text, struct conf_codes *out)
{
	size_t dash = str_find(text, '-');
	struct ip ip;
	uint64_t last;

	if (!ip_parse(str_slice(text, 0, dash), &ip) || ip.family != 4)
		return false;
	out->low = out->high = bytes_get_be32(ip.b);
	if (dash == text.n)
		return true;
	if (!num_parse(str_from(text, dash + 1), 255, &last) ||
	    last < ip.b[3])
		return false;
	out->high += (uint32_t)last - ip.b[3];
	return true;
}

/* The codes from word *i on; false: there is none. */
static bool
parse_when(struct conf *conf, const struct statement *s, size_t *i,
    struct conf_dnslist *row)
{
	struct conf_codes codes;
	size_t before = row->when.n;

	while (*i < s->words.n && parse_codes(s->words.p[*i].text, &codes)) {
		vec_push(&conf->arena, &row->when, codes);
		++*i;
	}
	return row->when.n > before;
}

/* One clause; false when it was reported. */
static bool
parse_clause(struct conf *conf, const struct statement *s, size_t *i,
    struct conf_dnslist *row, struct reader_errors *e)
{
	struct str word = s->words.p[*i].text;
	size_t at = ++*i;
	struct str value = at < s->words.n ? s->words.p[at].text : STR_NONE;

	if (str_eq(word, STR("when"))) {
		if (parse_when(conf, s, i, row))
			return true;
		reader_expected(e, s, at, "an address such as 127.0.0.2 or "
		    "127.0.0.2-11", NULL);
	} else if (str_eq(word, STR("weight"))) {
		++*i;
		if (num_parse(value, WEIGHT_MAX, &row->weight))
			return true;
		reader_expected(e, s, at, "a number from 0 to 1000", NULL);
	} else if (str_eq(word, STR("as"))) {
		++*i;
		row->label = arena_str(&conf->arena, value);
		if (value.n > 0 && value.n <= LABEL_MAX)
			return true;
		reader_expected(e, s, at, "a name for the list", NULL);
	} else
		reader_expected(e, s, at - 1,
		    "\"weight\", \"when\" or \"as\"", words);
	return false;
}

void
dnslist_parse(struct conf *conf, const struct setting *set,
    const struct statement *s, struct reader_errors *e)
{
	struct conf_dnslist row = { .white = is_white(set), .weight = 1,
	    .line = s->place.line };
	size_t i = 2;

	if (conf->guest.lists.n == DNSLISTS_MAX) {
		reader_error(e, s->place, "expected at most %d rows of DNS "
		    "lists", DNSLISTS_MAX);
		return;
	}
	if (s->words.n < 2 || !setting_domain(&conf->arena,
	    s->words.p[1].text, &row.zone)) {
		reader_expected(e, s, 1, "the domain of a DNS list", NULL);
		return;
	}
	while (i < s->words.n)
		if (!parse_clause(conf, s, &i, &row, e))
			return;
	vec_push(&conf->arena, &conf->guest.lists, row);
}

size_t
dnslist_count(const struct conf *conf, const struct setting *set)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->guest.lists.n; i++)
		n += conf->guest.lists.p[i].white == is_white(set);
	return n;
}

static void
put_codes(struct buf *out, const struct conf_codes *codes)
{
	buf_printf(out, " %u.%u.%u.%u", codes->low >> 24,
	    codes->low >> 16 & 255, codes->low >> 8 & 255, codes->low & 255);
	if (codes->high != codes->low)
		buf_printf(out, "-%u", codes->high & 255);
}

unsigned
dnslist_format(const struct conf *conf, const struct setting *set, size_t i,
    struct buf *out)
{
	const struct conf_dnslist *row = conf->guest.lists.p;

	for (; row->white != is_white(set) || i-- > 0; row++)
		;
	buf_printf(out, "%.*s weight %llu", STR_ARG(row->zone),
	    (unsigned long long)row->weight);
	if (row->when.n > 0)
		buf_putz(out, " when");
	for (size_t k = 0; k < row->when.n; k++)
		put_codes(out, &row->when.p[k]);
	if (row->label.n > 0) {
		buf_putz(out, " as ");
		reader_put_word(out, row->label);
	}
	return row->line;
}

/* Each zone is asked once, whoever wants to know. */
static void
add_zone(struct conf *conf, struct str zone, unsigned line,
    struct reader_errors *e)
{
	struct conf_guest *g = &conf->guest;

	for (size_t i = 0; i < g->zones.n; i++)
		if (str_eq(g->zones.p[i], zone))
			return;
	if (g->zones.n == DNSLISTS_MAX)
		reader_error(e, (struct place){ line, 1 }, "expected at most "
		    "%d DNS lists", DNSLISTS_MAX);
	else
		vec_push(&conf->arena, &g->zones, zone);
}

static void
gather_term(struct conf *conf, const struct rule_term *term, unsigned line,
    struct reader_errors *e)
{
	conf->guest.rules_name |= term->fact == FACT_NAME;
	for (size_t i = 0; i < term->values.n; i++) {
		const struct rule_value *v = &term->values.p[i];

		if (v->kind == VALUE_DNSBL)
			add_zone(conf, v->text, line, e);
		if (v->kind == VALUE_HELO) {
			conf->guest.rules_own |= v->number == HELO_FORGED;
			conf->guest.rules_helo |= v->number == HELO_UNKNOWN ||
			    v->number == HELO_CONFIRMED;
		}
	}
}

void
dnslist_gather(struct conf *conf, struct reader_errors *e)
{
	for (size_t i = 0; i < conf->guest.lists.n; i++)
		add_zone(conf, conf->guest.lists.p[i].zone,
		    conf->guest.lists.p[i].line, e);
	for (size_t i = 0; i < conf->rules.n; i++) {
		const struct rule *rule = &conf->rules.p[i];

		for (size_t k = 0; k < rule->terms.n; k++)
			gather_term(conf, &rule->terms.p[k], rule->line, e);
	}
}
