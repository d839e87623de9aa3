/* SPDX-License-Identifier: ISC */
/*
 * Slowing down those who guess passwords.  After the first failure from an
 * address the next attempt waits a second, then two, four, up to five minutes;
 * a whole network has some failures more before the same happens to it.  Half
 * of the failures are forgotten with every ten quiet minutes.
 *
 * Attempts that are under way count as failures to come, but for the first few,
 * so that many connections at once are no way around it and a program that logs
 * in three times at once is not disturbed.  Nothing is forgiven for a success:
 * who has one good password may try it between two guesses.
 *
 * Failures are also written where the doorkeeper after a reload finds them, who
 * counts on; two of them may write at once for a while, and the worst that comes
 * of it is that a failure is forgotten.
 *
 * The table has a fixed size.  A place is sought among four neighbours and the
 * one that was quiet for longest is given away; who floods it with addresses
 * has to own them.
 */
#include "auth/slow.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/table.h"

enum {
	SETS = 1024,
	WAYS = 4,
	FIRST_MS = 1000,
	MOST_MS = 300 * 1000,
	FORGET_MS = 600 * 1000,		/* half of it */
	FREE_AT_ONCE = 3,		/* attempts side by side */
	FREE_OF_NETWORK = 10,		/* failures, and twice that at once */
};

struct place {
	struct ip	ip;
	uint8_t		bits;		/* 0: nobody's */
	uint16_t	failures;
	uint16_t	under_way;
	int64_t		last;		/* the last failure or attempt */
	int64_t		failed;		/* the last failure */
};

struct failures {
	uint64_t	key[2];
	struct place	places[SETS][WAYS];
};

_Static_assert(sizeof(struct failures) <= SLOW_ROOM, "SLOW_ROOM is too small");

struct slow {
	struct failures	t;
	struct failures	*kept;		/* for who comes after us, or NULL */
};

enum scope { SCOPE_CLIENT, SCOPE_NETWORK, SCOPES };

struct slow *
slow_new(void *room)
{
	struct slow *s = mem_alloc(sizeof(*s));

	s->kept = room;
	if (room != NULL)
		s->t = *s->kept;
	if (s->t.key[0] == 0)
		table_draw_key(s->t.key);
	if (room != NULL)
		memcpy(s->kept->key, s->t.key, sizeof(s->t.key));
	return s;
}

/* What is under way is this process's own. */
static void
keep(const struct slow *s, const struct place *p)
{
	ptrdiff_t i = p - &s->t.places[0][0];
	struct place *to;

	if (s->kept == NULL)
		return;
	to = &s->kept->places[i / WAYS][i % WAYS];
	*to = *p;
	to->under_way = 0;
}

void
slow_free(struct slow *s)
{
	mem_free(s);
}

/* A local program is counted by its user, who has no network. */
static enum scope
scopes_of(const struct ip *ip)
{
	return ip->family == 0 ? SCOPE_NETWORK : SCOPES;
}

static struct place
name_place(const struct ip *ip, enum scope scope)
{
	static const uint8_t bits[SCOPES][2] = { { 32, 64 }, { 24, 48 } };
	struct place p = { .ip = { .family = ip->family } };

	p.bits = ip->family == 0 ? 32 : bits[scope][ip->family == 6];
	memcpy(p.ip.b, ip->b, p.bits / 8);
	return p;
}

static struct place *
set_of(const struct slow *s, const struct place *p)
{
	uint8_t name[sizeof(p->ip.b) + 2];
	uint64_t h;

	memcpy(name, p->ip.b, sizeof(p->ip.b));
	name[sizeof(p->ip.b)] = p->ip.family;
	name[sizeof(p->ip.b) + 1] = p->bits;
	h = table_hash(s->t.key, str_span(name, sizeof(name)));
	return (struct place *)(uintptr_t)s->t.places[h % SETS];
}

static bool
is_same(const struct place *a, const struct place *b)
{
	return a->bits == b->bits && ip_eq(&a->ip, &b->ip);
}

static struct place *
find(const struct slow *s, const struct place *name)
{
	struct place *set = set_of(s, name);

	for (int i = 0; i < WAYS; i++)
		if (is_same(&set[i], name))
			return &set[i];
	return NULL;
}

/* The same, or one that is given up for it. */
static struct place *
take(struct slow *s, const struct place *name)
{
	struct place *set = set_of(s, name), *p = find(s, name);

	if (p != NULL)
		return p;
	p = &set[0];
	for (int i = 1; i < WAYS; i++)
		if (set[i].bits == 0 || (p->bits != 0 &&
		    (set[i].under_way == 0) >= (p->under_way == 0) &&
		    set[i].last < p->last))
			p = &set[i];
	*p = *name;
	return p;
}

static unsigned
failures_of(const struct place *p, int64_t now)
{
	int64_t quiet = (now - p->failed) / FORGET_MS;

	if (quiet <= 0)
		return p->failures;
	return quiet > 15 ? 0 : (unsigned)p->failures >> quiet;
}

static unsigned
over(unsigned n, unsigned free)
{
	return n > free ? n - free : 0;
}

/* When this place may try next. */
static int64_t
next_of(const struct place *p, enum scope scope, int64_t now)
{
	unsigned tolerance = scope == SCOPE_NETWORK ? FREE_OF_NETWORK : 0;
	unsigned n = over(failures_of(p, now), tolerance) +
	    over(p->under_way, FREE_AT_ONCE + 2 * tolerance);
	int64_t wait = FIRST_MS;

	if (n == 0)
		return now;
	while (--n > 0 && wait < MOST_MS)
		wait *= 2;
	return p->last + (wait < MOST_MS ? wait : MOST_MS);
}

int64_t
slow_wait(const struct slow *s, const struct ip *ip, int64_t now)
{
	int64_t wait = 0;

	for (enum scope scope = 0; scope < scopes_of(ip);
	    scope++) {
		struct place name = name_place(ip, scope);
		const struct place *p = find(s, &name);
		int64_t left = p == NULL ? 0 : next_of(p, scope, now) - now;

		if (left > wait)
			wait = left;
	}
	return wait;
}

bool
slow_has_room(const struct slow *s, const struct ip *ip, unsigned of_client,
    unsigned of_network)
{
	const unsigned most[SCOPES] = { of_client, of_network };

	for (enum scope scope = 0; scope < scopes_of(ip); scope++) {
		struct place name = name_place(ip, scope);
		const struct place *p = find(s, &name);

		if (p != NULL && p->under_way >= most[scope])
			return false;
	}
	return true;
}

void
slow_begin(struct slow *s, const struct ip *ip, int64_t at)
{
	for (enum scope scope = 0; scope < scopes_of(ip);
	    scope++) {
		struct place name = name_place(ip, scope);
		struct place *p = take(s, &name);

		if (p->under_way < UINT16_MAX)
			p->under_way++;
		if (p->last < at)
			p->last = at;
	}
}

void
slow_end(struct slow *s, const struct ip *ip, bool failed, int64_t now)
{
	for (enum scope scope = 0; scope < scopes_of(ip);
	    scope++) {
		struct place name = name_place(ip, scope);
		struct place *p = take(s, &name);

		if (p->under_way > 0)
			p->under_way--;
		if (!failed)
			continue;
		p->failures = (uint16_t)failures_of(p, now);
		if (p->failures < UINT16_MAX)
			p->failures++;
		p->failed = now;
		if (p->last < now)
			p->last = now;
		keep(s, p);
	}
}
