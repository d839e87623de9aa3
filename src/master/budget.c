/* SPDX-License-Identifier: ISC */
/*
 * Who may have how much of this host (SECURITY 4.6).  Pure bookkeeping: the
 * master asks at each connection, before the fork; time comes in as a number.
 *
 * A guest is counted in one to three scopes: its address (IPv6: the /64, which
 * is what one customer's one network has), the network around it, and for IPv6
 * the site around that.  A proxy, or who may use XCLIENT, is counted in none of
 * them, until it has told for whom it stands; then that one is.
 *
 * All sessions together are parted by rank (enum budget_rank), so that neither
 * strangers nor those who do not log in keep each other out, nor a user.
 *
 * The table has a fixed number of entries, found by a keyed hash, so that no
 * stranger can choose collisions.  Those without open sessions are listed in the
 * order in which they were left; a new client takes a fresh one or the oldest.
 * It has nothing to lose: with the default limits 300 guests a second take at
 * most 54,000 of 65,536 entries in the minute after which a bucket is full again.
 * Who has brought mail or logged in has: he is in a list of his own, where half
 * of all entries are safe from those who have not.
 *
 * Always true: each step costs the same however many clients and sessions there
 * are, nothing is allocated after the start, and no session can see or change
 * any of this (mem_apart).  A new generation of the master begins with an empty
 * budget; the sessions of the old one are the old one's.
 */
#include "master/budget.h"

#include <string.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/table.h"
#include "master/regulars.h"

enum {
	ENTRIES_MIN = 65536,
	KEPT_PERCENT = 15,		/* not for strangers; */
	CALLERS_PERCENT = 10,		/* of all: not for ours, either */
	CALLER_PERCENT = 5,		/* of these, for one address; */
	CALLER_LEAST = 3,		/* or so many */
	GOOD_PERCENT = 5,
	FAILED_HANDSHAKE = 5,		/* as dear as so many */
	NETWORK_TIMES = 3,		/* what a network may, of a client's; */
	SITE_TIMES = 3,			/* and a site, of a network's */
	ANSWERS = 1000,			/* refusals answered in a second */
	LINES = 5,			/* of refusals, logged in a second */
};

#define SECOND		INT64_C(1000000)	/* in microseconds */
#define MINUTE		(60 * SECOND)

enum scope {
	SCOPE_LOCAL,			/* a uid */
	SCOPE_CLIENT4,
	SCOPE_NETWORK4,
	SCOPE_CLIENT6,
	SCOPE_NETWORK6,
	SCOPE_SITE6,
	SCOPES,
};

/* The number of leading bits of the address that are one client, network or
 * site. */
static const unsigned scope_bits[SCOPES] = { 32, 32, 24, 64, 56, 48 };

/* A bucket of tokens is kept as one number, the time at which it will be full
 * again: an entry that was never used, all zero, has a full one.  This is what one
 * connection takes, and how much there is when it is full; both in microseconds of
 * its filling.  one 0: no limit. */
struct rate {
	int64_t	one, all;
};

struct limit {
	uint64_t	most;		/* at once */
	struct rate	rate;
	struct rate	handshakes, commands;
};

struct entry {
	uint64_t	prefix;
	int64_t		full_at;
	int64_t		handshakes_at, commands_at;	/* are full */
	struct regular_deeds did;
	uint32_t	next;		/* in the chain of its hash */
	uint32_t	older, newer;	/* in the list of idle ones */
	uint32_t	open;		/* 0: it is in that list */
	enum scope	scope;
};

/* Places in the array of entries are numbers from 1; 0 is none.  Place 0
 * itself holds the two ends of the list of idle ones, place max + 1 those of
 * the list of those that are to be remembered. */
struct budget {
	size_t		 size;		/* of all of it */
	struct limit	 limit[SCOPES];
	uint64_t	 sessions, kept, kept_for_good;
	uint64_t	 for_callers, for_a_caller;
	struct rate	 rate;
	uint64_t	 open, sitting[BUDGET_RANKS];
	int64_t		 full_at[BUDGET_RANKS], answers_at, lines_at;
	uint64_t	 unlogged;
	uint64_t	 key[2];
	uint32_t	 used, max;	/* entries */
	uint32_t	 remembered;	/* of those that are idle */
	uint32_t	 mask;		/* of the hash */
	uint32_t	*head;
	struct entry	*entry;
	struct regulars	*regulars;	/* or NULL */
};

/* --------------------------------------------------------- the buckets --- */

/* n in a period; burst times as many when it is full. */
static struct rate
rate_of(uint64_t n, int64_t period, int burst)
{
	if (n == 0)
		return (struct rate){ 0, 0 };
	return (struct rate){ period / (int64_t)n, burst * period };
}

static bool
has_token(int64_t full_at, const struct rate *r, int64_t now)
{
	int64_t missing = full_at > now ? full_at - now : 0;

	return r->one == 0 || missing + r->one <= r->all;
}

static void
take_token(int64_t *full_at, const struct rate *r, int64_t now)
{
	if (*full_at < now)
		*full_at = now;
	*full_at += r->one;
}

/* Afterwards, when it is known what a session cost, and whether they are there or
 * not; but never more than a minute's debt. */
static void
charge(int64_t *full_at, const struct rate *r, unsigned n, int64_t now)
{
	int64_t most = now + 2 * r->all;

	if (r->one == 0 || n == 0)
		return;
	if (*full_at < now)
		*full_at = now;
	*full_at += (int64_t)n * r->one;
	if (*full_at > most)
		*full_at = most;
}

/* ------------------------------------------------------- start and end --- */

static uint64_t
at_once(uint64_t n, uint64_t times, uint64_t parts)
{
	if (n == 0)
		return UINT64_MAX;
	n = n * times / parts;
	return n == 0 ? 1 : n;
}

static void
set_costs(struct limit *limit, const struct conf_budget *c, uint64_t times)
{
	limit->handshakes = rate_of(c->handshakes * times, MINUTE, 1);
	limit->commands = rate_of(c->commands * times, MINUTE, 1);
}

/* SECURITY 4.6: 60 for a /24, 50 for a /56, 150 for a /48. */
static void
set_limits(struct budget *b, const struct conf_budget *c)
{
	struct rate client = rate_of(c->new_per_client, MINUTE, 1);
	struct rate network = rate_of(c->new_per_network, MINUTE, 1);
	uint64_t each = at_once(c->per_client, 1, 1);

	b->limit[SCOPE_LOCAL].most = each;
	b->limit[SCOPE_CLIENT4].most = b->limit[SCOPE_CLIENT6].most = each;
	b->limit[SCOPE_CLIENT4].rate = b->limit[SCOPE_CLIENT6].rate = client;
	b->limit[SCOPE_NETWORK4].most = at_once(c->per_network, 1, 1);
	b->limit[SCOPE_NETWORK6].most = at_once(c->per_network, 5, 6);
	b->limit[SCOPE_NETWORK4].rate = b->limit[SCOPE_NETWORK6].rate = network;
	set_costs(&b->limit[SCOPE_CLIENT4], c, 1);
	set_costs(&b->limit[SCOPE_CLIENT6], c, 1);
	set_costs(&b->limit[SCOPE_NETWORK4], c, NETWORK_TIMES);
	set_costs(&b->limit[SCOPE_NETWORK6], c, NETWORK_TIMES);
	set_costs(&b->limit[SCOPE_SITE6], c, NETWORK_TIMES * SITE_TIMES);
	b->limit[SCOPE_SITE6].most = at_once(c->per_network, 5, 2);
	b->limit[SCOPE_SITE6].rate = rate_of(SITE_TIMES * c->new_per_network,
	    MINUTE, 1);
	b->rate = rate_of(c->new_per_second, SECOND, 2);
	b->sessions = c->most;
	b->kept = c->most * KEPT_PERCENT / 100;
	b->kept_for_good = c->most * GOOD_PERCENT / 100;
	b->for_callers = at_once(c->most, CALLERS_PERCENT, 100);
	b->for_a_caller = at_once(b->for_callers, CALLER_PERCENT, 100);
	if (b->for_a_caller < CALLER_LEAST)
		b->for_a_caller = CALLER_LEAST;
	if (c->per_client == 0)
		b->for_a_caller = UINT64_MAX;
}

struct budget *
budget_new(const struct conf_budget *c, void *room)
{
	uint32_t max = ENTRIES_MIN;
	struct budget *b;
	size_t size;

	while (max / (BUDGET_SCOPES + 1) < c->most)
		max *= 2;
	size = sizeof(*b) + (max + (size_t)2) * sizeof(struct entry) +
	    max * sizeof(uint32_t);
	b = mem_apart(size);
	b->size = size;
	b->max = max;
	b->mask = max - 1;
	b->entry = (struct entry *)(b + 1);
	b->head = (uint32_t *)(b->entry + max + 2);
	b->entry[max + 1].older = b->entry[max + 1].newer = max + 1;
	table_draw_key(b->key);
	b->regulars = room;
	set_limits(b, c);
	return b;
}

void
budget_free(struct budget *b)
{
	if (b != NULL)
		mem_apart_free(b, b->size);
}

/* ----------------------------------------------------------- the table --- */

static uint64_t
prefix_of(const struct ip *ip, unsigned bits)
{
	uint64_t prefix = 0;

	for (size_t i = 0; i < sizeof(prefix); i++)
		prefix = prefix << 8 | ip->b[i];
	/* An IPv4 address is the upper half. */
	return prefix & ~UINT64_C(0) << (64 - bits);
}

static uint32_t *
chain_of(const struct budget *b, enum scope scope, uint64_t prefix)
{
	uint64_t words[2] = { prefix, scope };

	return &b->head[table_hash(b->key, str_span(words, sizeof(words))) &
	    b->mask];
}

static uint32_t
find(const struct budget *b, enum scope scope, uint64_t prefix)
{
	uint32_t i = *chain_of(b, scope, prefix);

	while (i != 0 && (b->entry[i].prefix != prefix ||
	    b->entry[i].scope != scope))
		i = b->entry[i].next;
	return i;
}

/* It does not change while the entry is idle. */
static bool
is_remembered(const struct entry *e)
{
	return e->did.good_at != 0 || e->did.login_at != 0;
}

static void
unlist(struct budget *b, uint32_t i)
{
	struct entry *e = &b->entry[i];

	b->entry[e->older].newer = e->newer;
	b->entry[e->newer].older = e->older;
	b->remembered -= is_remembered(e);
}

/* As the newest of those that are idle. */
static void
list(struct budget *b, uint32_t i)
{
	struct entry *e = &b->entry[i];
	uint32_t end = is_remembered(e) ? b->max + 1 : 0;

	e->newer = end;
	e->older = b->entry[end].older;
	b->entry[e->older].newer = i;
	b->entry[end].older = i;
	b->remembered += is_remembered(e);
}

/* The oldest that is idle.  There is one: all sessions together can hold fewer
 * entries than there are. */
static uint32_t
find_idle(const struct budget *b)
{
	uint32_t i = b->entry[0].newer;

	if (i == 0 || b->remembered > b->max / 2)
		i = b->entry[b->max + 1].newer;
	must(i != 0 && i <= b->max);
	return i;
}

static void
unchain(struct budget *b, uint32_t i)
{
	uint32_t *at = chain_of(b, b->entry[i].scope, b->entry[i].prefix);

	while (*at != i)
		at = &b->entry[*at].next;
	*at = b->entry[i].next;
}

/* An entry that nobody needs, with a first session. */
static uint32_t
make(struct budget *b, enum scope scope, uint64_t prefix)
{
	uint32_t i, *head;

	if (b->used < b->max) {
		i = ++b->used;
	} else {
		i = find_idle(b);
		unlist(b, i);
		unchain(b, i);
	}
	head = chain_of(b, scope, prefix);
	b->entry[i] = (struct entry){ .prefix = prefix, .scope = scope,
	    .next = *head, .open = 1 };
	*head = i;
	return i;
}

static void
open_one(struct budget *b, uint32_t i)
{
	if (b->entry[i].open++ == 0)
		unlist(b, i);
}

/* --------------------------------------------------------- the decision --- */

/* The scopes of a guest, one behind the other from *first on.  Who is trusted has
 * no limits but those of his address, and none of new connections. */
static unsigned
scopes_of(const struct budget_guest *g, enum scope *first)
{
	if (g->is_proxy) {
		*first = SCOPE_CLIENT4;
		return 0;
	}
	switch (g->ip.family) {
	case 4:
		*first = SCOPE_CLIENT4;
		return g->trusted ? 1 : 2;
	case 6:
		*first = SCOPE_CLIENT6;
		return g->trusted ? 1 : 3;
	default:
		*first = SCOPE_LOCAL;
		return 1;
	}
}

/* Where a guest would be counted. */
struct place {
	enum scope	first;
	unsigned	n;
	uint64_t	prefix[BUDGET_SCOPES];
	uint32_t	at[BUDGET_SCOPES];	/* 0: nobody of it is known */
	struct regular_deeds did;	/* its address */
};

static void
look_back(const struct budget *b, struct place *p)
{
	const struct entry *e = &b->entry[p->at[0]];

	p->did = e->did;
	if (p->n > 0 && p->at[0] == 0 && b->regulars != NULL)
		p->did = regulars_find(b->regulars, p->first, p->prefix[0]);
}

static void
look(const struct budget *b, const struct budget_guest *g, struct place *p)
{
	p->n = scopes_of(g, &p->first);
	p->at[0] = 0;
	for (unsigned k = 0; k < p->n; k++) {
		p->prefix[k] = prefix_of(&g->ip, scope_bits[p->first + k]);
		p->at[k] = find(b, p->first + k, p->prefix[k]);
	}
	look_back(b, p);
}

static bool
is_lately(int64_t at, int64_t now)
{
	return at != 0 && now - at < REGULARS_DAY;
}

/* By its own address, the first of its places.  A proxy of ours that has named
 * nobody yet is nobody's: it brings strangers. */
static enum budget_rank
rank_of(const struct budget_guest *g, const struct place *p, int64_t now)
{
	if ((g->trusted && !g->is_proxy) || is_lately(p->did.login_at, now))
		return RANK_OURS;
	return g->submits ? RANK_CALLER : RANK_STRANGER;
}

/* Who has logged in from there once is no caller any more. */
static bool
is_crowd(const struct budget *b, enum budget_rank rank, const struct place *p)
{
	return rank == RANK_CALLER &&
	    b->entry[p->at[0]].open >= b->for_a_caller;
}

/* Nobody gets at the sessions that are kept for others. */
static bool
has_no_share(const struct budget *b, enum budget_rank rank,
    const struct place *p, int64_t now)
{
	uint64_t kept = b->kept;

	switch (rank) {
	case RANK_STRANGER:
		if (!is_lately(p->did.good_at, now))
			kept += b->kept_for_good;
		return b->sitting[rank] >= b->sessions - kept;
	case RANK_CALLER:
		return b->sitting[rank] >= b->for_callers;
	case RANK_OURS:
		break;
	}
	return false;
}

/* What its address and its networks allow. */
static enum budget_answer
judge(const struct budget *b, const struct budget_guest *g,
    const struct place *p, int64_t now)
{
	const struct limit *limit = &b->limit[p->first];

	for (unsigned k = 0; k < p->n && !g->is_root; k++)
		if (b->entry[p->at[k]].open >= limit[k].most)
			return k == 0 ? BUDGET_CLIENT_FULL :
			    BUDGET_NETWORK_FULL;
	for (unsigned k = 0; k < p->n && !g->trusted; k++) {
		const struct entry *e = &b->entry[p->at[k]];

		if (!has_token(e->full_at, &limit[k].rate, now))
			return k == 0 ? BUDGET_CLIENT_FAST :
			    BUDGET_NETWORK_FAST;
		if (!has_token(e->handshakes_at, &limit[k].handshakes, now))
			return BUDGET_HANDSHAKES;
		if (!has_token(e->commands_at, &limit[k].commands, now))
			return BUDGET_COMMANDS;
	}
	return BUDGET_WELCOME;
}

static void
sit(struct budget *b, const struct budget_guest *g, const struct place *p,
    int64_t now, struct budget_seat *seat)
{
	memcpy(seat->at, p->at, sizeof(uint32_t) * p->n);
	/* First those that are there: making one may take any that is idle. */
	for (unsigned k = 0; k < p->n; k++)
		if (seat->at[k] != 0)
			open_one(b, seat->at[k]);
	for (unsigned k = 0; k < p->n; k++) {
		if (seat->at[k] == 0) {
			seat->at[k] = make(b, p->first + k, p->prefix[k]);
			if (k == 0)
				b->entry[seat->at[k]].did = p->did;
		}
		if (!g->trusted)
			take_token(&b->entry[seat->at[k]].full_at,
			    &b->limit[p->first + k].rate, now);
	}
}

enum budget_answer
budget_enter(struct budget *b, const struct budget_guest *g, int64_t ms,
    struct budget_seat *seat)
{
	int64_t now = ms * 1000, *full_at;
	enum budget_answer answer;
	struct place p;

	look(b, g, &p);
	*seat = (struct budget_seat){ .rank = rank_of(g, &p, now),
	    .submits = g->submits };
	if (b->open >= b->sessions || is_crowd(b, seat->rank, &p) ||
	    has_no_share(b, seat->rank, &p, now))
		return BUDGET_FULL;
	answer = judge(b, g, &p, now);
	if (answer != BUDGET_WELCOME)
		return answer;
	full_at = &b->full_at[seat->rank];
	if (seat->rank != RANK_OURS && !has_token(*full_at, &b->rate, now))
		return BUDGET_FAST;
	sit(b, g, &p, now, seat);
	if (seat->rank != RANK_OURS)
		take_token(full_at, &b->rate, now);
	b->open++;
	b->sitting[seat->rank]++;
	return BUDGET_WELCOME;
}

static void
rise(struct budget *b, const struct budget_seat *seat)
{
	for (unsigned k = 0; k < BUDGET_SCOPES; k++) {
		uint32_t i = seat->at[k];

		if (i == 0)
			continue;
		must(b->entry[i].open > 0);
		if (--b->entry[i].open == 0)
			list(b, i);
	}
}

static void
set_rank(struct budget *b, struct budget_seat *seat, enum budget_rank rank)
{
	b->sitting[seat->rank]--;
	seat->rank = rank;
	b->sitting[seat->rank]++;
}

enum budget_answer
budget_introduce(struct budget *b, const struct budget_guest *g, int64_t ms,
    struct budget_seat *seat)
{
	const struct budget_seat former = *seat;
	struct budget_guest who = *g;
	int64_t now = ms * 1000;
	enum budget_answer answer;
	enum budget_rank rank;
	struct place p;

	must(!g->is_proxy);
	who.submits = seat->submits;
	look(b, &who, &p);
	rank = rank_of(&who, &p, now);
	/* A seat of that share it has already, but not of that address. */
	if (is_crowd(b, rank, &p) ||
	    (rank != seat->rank && has_no_share(b, rank, &p, now)))
		return BUDGET_FULL;
	answer = judge(b, &who, &p, now);
	if (answer != BUDGET_WELCOME)
		return answer;
	memset(seat->at, 0, sizeof(seat->at));
	sit(b, &who, &p, now, seat);
	rise(b, &former);
	set_rank(b, seat, rank);
	return BUDGET_WELCOME;
}

static void
note_deeds(const struct budget *b, const struct entry *e)
{
	if (b->regulars != NULL)
		regulars_note(b->regulars, e->scope, e->prefix, &e->did);
}

static void
note_login(struct budget *b, const struct budget_seat *seat, int64_t now)
{
	if (seat->at[0] == 0)
		return;
	b->entry[seat->at[0]].did.login_at = now;
	note_deeds(b, &b->entry[seat->at[0]]);
}

void
budget_log_in(struct budget *b, int64_t ms, struct budget_seat *seat)
{
	note_login(b, seat, ms * 1000);
	set_rank(b, seat, RANK_OURS);
}

void
budget_charge(struct budget *b, const struct budget_seat *seat,
    const struct tally *t, int64_t ms)
{
	int64_t now = ms * 1000;
	unsigned handshakes = !t->handshake ? 0 : t->failed ?
	    FAILED_HANDSHAKE : 1;

	for (unsigned k = 0; k < BUDGET_SCOPES; k++) {
		struct entry *e = &b->entry[seat->at[k]];
		const struct limit *limit = &b->limit[e->scope];

		if (seat->at[k] == 0)
			continue;
		charge(&e->handshakes_at, &limit->handshakes, handshakes, now);
		charge(&e->commands_at, &limit->commands, t->idle, now);
		if (t->messages > 0 && k == 0) {
			e->did.good_at = now;
			note_deeds(b, e);
		}
	}
	if (t->login)
		note_login(b, seat, now);
}

uint64_t
budget_neighbours(const struct budget *b, const struct budget_seat *seat)
{
	return seat->at[1] == 0 ? 0 : b->entry[seat->at[1]].open;
}

uint64_t
budget_open(const struct budget *b)
{
	return b->open;
}

void
budget_leave(struct budget *b, const struct budget_seat *seat)
{
	rise(b, seat);
	b->open--;
	b->sitting[seat->rank]--;
}

/* -------------------------------------------------------- the refusals --- */

bool
budget_may_answer(struct budget *b, int64_t ms)
{
	static const struct rate r = { SECOND / ANSWERS, SECOND };

	if (!has_token(b->answers_at, &r, ms * 1000))
		return false;
	take_token(&b->answers_at, &r, ms * 1000);
	return true;
}

bool
budget_may_log(struct budget *b, int64_t ms)
{
	static const struct rate r = { SECOND / LINES, 2 * SECOND };

	if (!has_token(b->lines_at, &r, ms * 1000)) {
		b->unlogged++;
		return false;
	}
	take_token(&b->lines_at, &r, ms * 1000);
	return true;
}

uint64_t
budget_unlogged(struct budget *b)
{
	uint64_t n = b->unlogged;

	b->unlogged = 0;
	return n;
}
