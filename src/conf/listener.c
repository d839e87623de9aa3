/* SPDX-License-Identifier: ISC */
/*
 * Listeners: the setting `listen', and the word of rules that tells them apart.
 *
 * One statement is one listener, or two where it names no address: one for each
 * family.  Several may have the same name, and are the same to a rule then.
 *
 * A rule speaks of a listener as the configuration has it.  Where that says no
 * address, one listener takes what comes to any of the machine's, and no rule
 * can tell these apart; one that tries to is an error and not a rule that never
 * holds.  The same goes for a name or a port that nobody listens on: a slip
 * there would leave a door open without a word.
 *
 * conf/sentence, conf/clause and conf/conf are the callers, and whoever asks
 * rules.
 */
#include "conf/listener.h"

#include "os/iface.h"

#include "conf/endpoint.h"
#include "conf/network.h"
#include "conf/reader.h"

#define OWN_MAX		64	/* addresses of this machine */
#define NAME_MAX_HERE	32	/* as of a user */

static const uint16_t ports[] = {
	[SERVICE_SMTP] = 25,
	[SERVICE_SUBMISSION] = 587,
	[SERVICE_SUBMISSIONS] = 465,
};

static const char *const listen_words[] = { "smtp", "submission",
    "submissions", "none", NULL };

static bool
find_service(struct str word, enum conf_service *service)
{
	const char *const *words = setting_services();

	for (unsigned i = 0; words[i] != NULL; i++)
		if (str_eq(word, str_of(words[i]))) {
			*service = (enum conf_service)i;
			return true;
		}
	return false;
}

/* A word that can be nothing else in any sentence. */
static bool
is_name(struct str word)
{
	enum conf_service service;

	if (word.n == 0 || word.n > NAME_MAX_HERE || !str_is_alpha(word.p[0]))
		return false;
	for (size_t i = 0; i < word.n; i++)
		if (!str_is_alnum(word.p[i]) && word.p[i] != '-' &&
		    word.p[i] != '_')
			return false;
	return !find_service(word, &service) && !rule_is_reserved(word) &&
	    !str_eq(word, STR("none"));
}

/* ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT, PORT, :PORT; what is not said stays
 * as it is. */
static bool
parse_where(struct str word, struct ip *ip, uint16_t *port)
{
	struct endpoint at;

	if (word.n == 0)
		return false;
	if (endpoint_parse_port(word, port))
		return true;
	if (!endpoint_parse(word, &at))
		return false;
	if (at.port != 0)
		*port = at.port;
	return (at.host.n == 0 && !at.brackets) ||
	    endpoint_parse_ip(at.host, ip);
}

/* ------------------------------------------------------------- listen --- */

/* Without an address: all of them, of both families. */
static void
add(struct conf *conf, struct conf_listen in)
{
	if (in.ip.family != 0) {
		vec_push(&conf->arena, &conf->listens, in);
		return;
	}
	in.ip = (struct ip){ .family = 4 };
	vec_push(&conf->arena, &conf->listens, in);
	in.ip = (struct ip){ .family = 6 };
	vec_push(&conf->arena, &conf->listens, in);
}

static struct str
word_at(const struct statement *s, size_t i)
{
	return i < s->words.n ? s->words.p[i].text : STR_NONE;
}

/* From word 2 up to word n, where the proxies begin. */
static bool
parse_parts(struct conf *conf, const struct statement *s, size_t n,
    struct conf_listen *in, struct reader_errors *e)
{
	size_t i = 2;

	if (i < n && str_eq(word_at(s, i), STR("on"))) {
		if (++i >= n || !parse_where(word_at(s, i), &in->ip,
		    &in->port)) {
			reader_expected(e, s, i < n ? i : s->words.n,
			    "an address, [ADDRESS]:PORT or a port", NULL);
			return false;
		}
		i++;
	}
	if (i < n && str_eq(word_at(s, i), STR("as"))) {
		if (++i >= n || !is_name(word_at(s, i))) {
			reader_expected(e, s, i < n ? i : s->words.n,
			    "a name such as \"outside\", of letters, digits "
			    "and -, that has no other meaning", NULL);
			return false;
		}
		in->name = arena_str(&conf->arena, word_at(s, i++));
	}
	if (i < n)
		reader_expected(e, s, i, i == 2 ? "\"on\", \"as\" or "
		    "\"proxy\"" : "the end of the line", NULL);
	return i >= n;
}

void
listener_parse(struct conf *conf, const struct statement *s,
    struct reader_errors *e)
{
	struct conf_listen in = { .line = s->place.line };
	size_t n;

	if (str_eq(word_at(s, 1), STR("none"))) {
		if (s->words.n > 2)
			reader_expected(e, s, 2, "the end of the line", NULL);
		else
			conf->from.listen_none = s->place.line;
		return;
	}
	if (!find_service(word_at(s, 1), &in.service)) {
		reader_expected(e, s, 1, "\"smtp\", \"submission\", "
		    "\"submissions\" or \"none\"", listen_words);
		return;
	}
	if (conf->listens.n + 2 > CONF_LISTENS_MAX) {
		reader_error(e, s->place, "expected at most %d addresses to "
		    "listen on", CONF_LISTENS_MAX);
		return;
	}
	in.port = ports[in.service];
	n = network_parse_proxies(conf, s, &in.proxies, e);
	if (parse_parts(conf, s, n, &in, e))
		add(conf, in);
}

size_t
listener_count(const struct conf *conf)
{
	return conf->from.listen_none != 0 ? 1 : conf->listens.n;
}

unsigned
listener_format(const struct conf *conf, size_t i, struct buf *out)
{
	const struct conf_listen *in;
	char name[IP_TEXT_MAX];

	if (conf->from.listen_none != 0) {
		buf_putz(out, "none");
		return conf->from.listen_none;
	}
	in = &conf->listens.p[i];
	buf_printf(out, "%s on ", setting_services()[in->service]);
	endpoint_put(out, str_of(ip_format(&in->ip, name)), in->port);
	if (in->name.n > 0)
		buf_printf(out, " as %.*s", STR_ARG(in->name));
	if (in->proxies.nets.n > 0) {
		buf_putz(out, " proxy from ");
		network_format(&in->proxies, out);
	}
	return in->line;
}

/* ----------------------------------------------------------------- on --- */

bool
listener_parse_on(struct arena *arena, struct str word, struct rule_value *v)
{
	enum conf_service service;
	uint16_t port = 0;

	*v = (struct rule_value){ .kind = VALUE_NUMBER };
	if (find_service(word, &service)) {
		v->number = service;
		return true;
	}
	v->kind = VALUE_PLACE;
	if (parse_where(word, &v->net.ip, &port)) {
		v->number = port;
		return true;
	}
	v->kind = VALUE_LISTENER;
	v->text = arena_str(arena, word);
	return is_name(word);
}

void
listener_put_on(const struct rule_value *v, struct buf *out)
{
	char ip[IP_TEXT_MAX];

	if (v->kind == VALUE_NUMBER)
		buf_putz(out, setting_services()[v->number]);
	else if (v->kind == VALUE_LISTENER)
		buf_puts(out, v->text);
	else if (v->net.ip.family == 0)
		buf_printf(out, "%u", (unsigned)v->number);
	else if (v->number == 0)
		buf_putz(out, ip_format(&v->net.ip, ip));
	else
		endpoint_put(out, str_of(ip_format(&v->net.ip, ip)),
		    (uint16_t)v->number);
}

bool
listener_fits(const struct rule_value *v, enum conf_service service,
    const struct conf_listen *l)
{
	if (v->kind == VALUE_NUMBER)
		return v->number == service;
	if (l == NULL)
		return false;
	if (v->kind == VALUE_LISTENER)
		return str_eq(v->text, l->name);
	return (v->net.ip.family == 0 || ip_eq(&v->net.ip, &l->ip)) &&
	    (v->number == 0 || v->number == l->port);
}

const struct conf_listen *
listener_find(const struct conf *conf, const struct rule_value *v)
{
	for (size_t i = 0; i < conf->listens.n; i++)
		if (listener_fits(v, conf->listens.p[i].service,
		    &conf->listens.p[i]))
			return &conf->listens.p[i];
	return NULL;
}

void
listener_put_place(const struct conf_listen *l, struct buf *out)
{
	char ip[IP_TEXT_MAX];

	endpoint_put(out, str_of(ip_format(&l->ip, ip)), l->port);
	if (l->name.n > 0)
		buf_printf(out, ", %.*s", STR_ARG(l->name));
}

void
listener_find_own(struct conf *conf)
{
	struct ip own[OWN_MAX];
	size_t n = iface_addresses(own, OWN_MAX);

	for (size_t i = 0; i < n; i++)
		vec_push(&conf->arena, &conf->own, own[i]);
}

/* -------------------------------------------------------------- check --- */

static struct place
place_of(unsigned line)
{
	return (struct place){ line, 1 };
}

/* Would the second of two listeners find its port taken? */
static bool
collide(const struct conf_listen *a, const struct conf_listen *b)
{
	return a->port == b->port && a->ip.family == b->ip.family &&
	    (ip_eq(&a->ip, &b->ip) || ip_is_any(&a->ip) || ip_is_any(&b->ip));
}

static void
check_ports(const struct conf *conf, struct reader_errors *e)
{
	const struct conf_listen *p = conf->listens.p;
	char name[IP_TEXT_MAX];
	size_t i, j;

	for (i = 0; i < conf->listens.n; i++)
		for (j = 0; j < i; j++)
			if (collide(&p[i], &p[j])) {
				reader_error(e, place_of(p[i].line),
				    "port %u of %s is taken by line %u "
				    "already", (unsigned)p[i].port,
				    ip_format(&p[i].ip, name), p[j].line);
				break;
			}
}

static void
check_term(const struct conf *conf, const struct rule *rule,
    const struct rule_term *term, struct reader_errors *e)
{
	struct buf word = { 0 };

	for (size_t i = 0; i < term->values.n; i++) {
		const struct rule_value *v = &term->values.p[i];

		if (v->kind == VALUE_NUMBER || listener_find(conf, v) != NULL)
			continue;
		buf_reset(&word);
		listener_put_on(v, &word);
		reader_error(e, place_of(rule->line), "on %s: expected "
		    "\"smtp\", \"submission\" or \"submissions\", or the "
		    "address, port or name of a \"listen\"", buf_cstr(&word));
	}
	buf_free(&word);
}

void
listener_check(const struct conf *conf, struct reader_errors *e)
{
	const struct rules *rules = &conf->rules;

	if (conf->from.listen_none != 0 && conf->listens.n > 0)
		reader_error(e, place_of(conf->from.listen_none), "listen none, "
		    "but line %u listens", conf->listens.p[0].line);
	check_ports(conf, e);
	for (size_t i = 0; i < rules->n; i++)
		for (size_t k = 0; k < rules->p[i].terms.n; k++)
			if (rules->p[i].terms.p[k].fact == FACT_ON)
				check_term(conf, &rules->p[i],
				    &rules->p[i].terms.p[k], e);
}
