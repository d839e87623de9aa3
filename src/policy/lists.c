/* SPDX-License-Identifier: ISC */
/*
 * The lists of the rules: text files, which are read whole when the daemon
 * starts or reads its configuration again, and Berkeley DB files, which are
 * opened where they are asked, never by root, and opened again when they were
 * replaced (SECURITY R-17).
 *
 * A file that cannot be read, or has a malformed line, is an error of the
 * configuration, with file, line and column: there is no half list.  A
 * database that cannot be asked is a temporary fault of whoever wanted to know.
 * It is never read as "not in the list".
 *
 * Made by the warden, godwit check and godwit explain; asked by policy/rule.
 * The master opens the databases before it forks, so that a session inherits
 * them; its one look at each file costs a call, and only when a rule asks.
 */
#include "policy/lists.h"

#include "base/die.h"
#include "base/mem.h"
#include "mail/fold.h"
#include "map/cidr.h"
#include "map/db.h"
#include "map/flat.h"
#include "os/clock.h"

#define CHECK_EVERY_MS	1000

struct list {
	const struct rule_value	*value;
	enum lists_kind		 kind;
	struct map		*map;	/* DB: NULL while it is not open */
	bool			 shared;	/* the map is another's */
	int64_t			 checked;
};

struct lists {
	struct arena	 arena;
	size_t		 n;
	struct list	*list;		/* by rule_value.number */
};

enum lists_kind
lists_kind_of(enum rule_fact fact)
{
	switch (fact) {
	case FACT_CLIENT:
		return LISTS_IP;
	case FACT_FROM:
	case FACT_TO:
		return LISTS_ADDRESS;
	case FACT_NAME:
	case FACT_HELO:
		return LISTS_NAME;
	case FACT_LOGIN:
		return LISTS_USER;
	case FACT_LOCAL:
	case FACT_ON:
	case FACT_SECURE:
	case FACT_SIZE:
	case FACT_RECIPIENTS:
		break;
	}
	bug("a fact that is in no list");
}

/* ---------------------------------------------------- opening, closing -- */

static struct map *
load(const struct list *l, struct buf *errors)
{
	const char *path = l->value->text.p;

	switch (l->kind) {
	case LISTS_IP:
		return cidr_load(path, errors);
	case LISTS_NAME:
		return flat_load(path, FLAT_NAMES, errors);
	case LISTS_USER:
		return flat_load(path, FLAT_USERS, errors);
	case LISTS_LOGIN:
		return flat_load(path, FLAT_LOGINS, errors);
	case LISTS_ADDRESS:
		break;
	}
	return flat_load(path, FLAT_ADDRESSES, errors);
}

/* One that was read already, for another rule. */
static const struct list *
find_same(const struct lists *lists, const struct list *l)
{
	for (const struct list *k = lists->list; k < l; k++)
		if (k->kind == l->kind && k->value->kind == l->value->kind &&
		    str_eq(k->value->text, l->value->text))
			return k;
	return NULL;
}

static bool
open_list(struct lists *lists, struct list *l, struct buf *errors)
{
	const struct list *same = find_same(lists, l);

	if (l->value->kind == VALUE_DB)
		return true;
	if (same != NULL) {
		l->map = same->map;
		l->shared = true;
		return true;
	}
	l->map = load(l, errors);
	return l->map != NULL;
}

static void
note_value(struct lists *lists, const struct rule_value *v,
    enum lists_kind kind)
{
	must(v->number < lists->n);
	lists->list[v->number].value = v;
	lists->list[v->number].kind = kind;
}

static void
note_values(struct lists *lists, const struct rule_term *term)
{
	for (size_t i = 0; i < term->values.n; i++) {
		const struct rule_value *v = &term->values.p[i];

		if (v->kind == VALUE_FILE || v->kind == VALUE_DB)
			note_value(lists, v, lists_kind_of(term->fact));
	}
}

struct lists *
lists_open(const struct conf *conf, struct buf *errors)
{
	struct lists *lists = mem_alloc(sizeof(*lists));
	const struct rules *rules = &conf->rules;
	bool ok = true;

	lists->n = rules->lists;
	lists->list = arena_alloc(&lists->arena,
	    lists->n * sizeof(*lists->list));
	for (size_t i = 0; i < rules->n; i++)
		for (size_t k = 0; k < rules->p[i].terms.n; k++)
			note_values(lists, &rules->p[i].terms.p[k]);
	if (conf->login.senders == SENDERS_LISTED)
		note_value(lists, &conf->login.senders_list, LISTS_LOGIN);
	for (size_t i = 0; i < lists->n; i++)
		ok = open_list(lists, &lists->list[i], errors) && ok;
	if (ok)
		return lists;
	lists_free(lists);
	return NULL;
}

void
lists_free(struct lists *lists)
{
	if (lists == NULL)
		return;
	for (size_t i = 0; i < lists->n; i++)
		if (!lists->list[i].shared)
			map_close(lists->list[i].map);
	arena_free(&lists->arena);
	mem_free(lists);
}

/* The database as it is now. */
static int
refresh(struct list *l, struct fault *why)
{
	int64_t now = clock_mono_ms();
	bool missing;

	if (l->map != NULL && now - l->checked < CHECK_EVERY_MS)
		return 0;
	l->checked = now;
	if (l->map != NULL && db_is_current(l->map))
		return 0;
	map_close(l->map);
	l->map = db_open(l->value->text.p, &missing, why);
	if (l->map != NULL)
		return 0;
	return -1;
}

void
lists_warm(struct lists *lists)
{
	struct fault ignored;

	for (size_t i = 0; i < lists->n; i++)
		if (lists->list[i].value->kind == VALUE_DB)
			(void)refresh(&lists->list[i], &ignored);
}

void
lists_doubt(struct lists *lists)
{
	for (size_t i = 0; i < lists->n; i++)
		lists->list[i].checked = clock_mono_ms() - CHECK_EVERY_MS;
}

/* ------------------------------------------------------------ asking ---- */

struct question {
	struct map	*map;
	struct arena	*arena;
	struct lists_hit *hit;		/* out */
	struct str	*value;		/* out, or NULL: nobody wants it */
	struct fault	*why;
};

static int
ask(const struct question *q, struct str key)
{
	struct str value;
	int r = map_find(q->map, q->arena, key, &value, q->why);

	if (r == 1)
		q->hit->key = key;
	if (r == 1 && q->value != NULL)
		*q->value = value;
	return r;
}

/* "*.example.org", "*.org" for mx.example.org. */
static int
ask_parents(const struct question *q, struct str name)
{
	size_t dot;
	int r = 0;

	while (r == 0 && (dot = str_find(name, '.')) < name.n) {
		name = str_from(name, dot + 1);
		r = ask(q, arena_printf(q->arena, "*.%.*s", STR_ARG(name)));
	}
	return r;
}

static int
ask_name(const struct question *q, struct str name)
{
	int r = ask(q, name);

	return r != 0 ? r : ask_parents(q, name);
}

static int
ask_address(const struct question *q, struct str text)
{
	size_t at = str_rfind(text, '@');
	int r = ask(q, text);

	if (r == 0 && at < text.n)
		r = ask(q, str_from(text, at));
	if (r == 0 && at < text.n)
		r = ask_name(q, str_from(text, at + 1));
	return r;
}

/* In a database a network has the text of its own address. */
static int
ask_networks(const struct question *q, const struct ip *ip)
{
	static const uint8_t v4[] = { 24, 16, 8 }, v6[] = { 64, 56, 48, 32 };
	const uint8_t *bits = ip->family == 4 ? v4 : v6;
	size_t n = ip->family == 4 ? sizeof(v4) : sizeof(v6);
	struct buf text = { 0 };
	char name[IP_TEXT_MAX];
	int r = ask(q, arena_str(q->arena, str_of(ip_format(ip, name))));

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct ipnet net = { *ip, bits[i] };

		for (size_t k = bits[i] / 8; k < sizeof(net.ip.b); k++)
			net.ip.b[k] = 0;
		buf_reset(&text);
		ipnet_put(&text, &net);
		r = ask(q, arena_str(q->arena, buf_str(&text)));
	}
	buf_free(&text);
	return r;
}

static int
ask_ip(const struct question *q, const struct list *l, const struct ip *ip)
{
	const struct ipnet *net;
	struct buf text = { 0 };

	if (ip->family == 0)
		return 0;
	if (l->value->kind == VALUE_DB)
		return ask_networks(q, ip);
	net = cidr_find(l->map, ip);
	if (net == NULL)
		return 0;
	ipnet_put(&text, net);
	q->hit->key = arena_str(q->arena, buf_str(&text));
	q->hit->line = cidr_line(net);
	buf_free(&text);
	return 1;
}

/* Of keys that somebody else has compiled nobody knows whether they were
 * folded, and how: they are asked for as they are spelt first, and one that is
 * exactly this goes before one that only means the same. */
static int
ask_login(const struct question *q, const struct list *l,
    const struct lists_subject *s)
{
	int r = 0;

	if (s->text.n == 0)
		return 0;
	if (l->value->kind == VALUE_DB && !str_eq(s->text, s->spelt))
		r = ask(q, s->spelt);
	if (r == 0)
		r = s->kind == LISTS_USER ? ask_address(q, s->text) :
		    ask(q, s->text);
	return r;
}

static int
ask_list(const struct question *q, const struct list *l,
    const struct lists_subject *s)
{
	switch (s->kind) {
	case LISTS_IP:
		return ask_ip(q, l, &s->ip);
	case LISTS_NAME:
		return s->text.n == 0 ? 0 : ask_name(q, s->text);
	case LISTS_USER:
	case LISTS_LOGIN:
		return ask_login(q, l, s);
	case LISTS_ADDRESS:
		break;
	}
	return s->text.n == 0 ? 0 : ask_address(q, s->text);
}

static int
answer(struct question *q, struct list *l, const struct lists_subject *s)
{
	int r;

	if (l->value->kind == VALUE_DB && refresh(l, q->why) < 0)
		return -1;
	q->map = l->map;
	r = ask_list(q, l, s);
	if (r == 1 && l->value->kind == VALUE_FILE && l->kind != LISTS_IP)
		q->hit->line = flat_line(l->map, q->hit->key);
	if (r < 0) {			/* a file never fails */
		map_close(l->map);
		l->map = NULL;
	}
	return r;
}

int
lists_find(struct lists *lists, const struct rule_value *v,
    const struct lists_subject *s, struct arena *arena, struct lists_hit *hit,
    struct fault *why)
{
	struct question q = { .arena = arena, .hit = hit, .why = why };

	*hit = (struct lists_hit){ .line = 0 };
	must(v->number < lists->n);
	return answer(&q, &lists->list[v->number], s);
}

int
lists_get(struct lists *lists, const struct rule_value *v, struct str login,
    struct arena *arena, struct str *value, struct lists_hit *hit,
    struct fault *why)
{
	const struct lists_subject s = { .kind = LISTS_LOGIN,
	    .text = fold_login(arena, login), .spelt = login };
	struct question q = { .arena = arena, .hit = hit, .value = value,
	    .why = why };

	*hit = (struct lists_hit){ .line = 0 };
	must(v->number < lists->n);
	return answer(&q, &lists->list[v->number], &s);
}
