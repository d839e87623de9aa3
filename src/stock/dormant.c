/* SPDX-License-Identifier: ISC */
/*
 * What only waits, as a name and a time.
 *
 * A small hash table for each of the spool's directories, of records and not of
 * pointers to them: sixteen bytes an entry and the free places between.  A
 * record is found by its name, with a keyed hash, because who leaves a file in
 * drop/ chooses its name.  Taking one out moves the ones behind it up, so there
 * are no graves.
 *
 * There is no order by time.  Each table knows before when none of it is due;
 * when that has come all of it is looked at, which for four thousand records
 * (a million in all) takes some microseconds, and not more often than once a
 * second for each thousand.
 *
 * The runner's children know nothing of it: a fork does not copy great tables.
 *
 * Called by stock/stock; the survey uses a second one for what it has read from
 * the index.
 */

#include "stock/dormant.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/table.h"
#include "os/private.h"

enum {
	ROUSED = 1,		/* the due time of such */
	FIRST_CAP = 8,
	PRIVATE_CAP = 256,	/* from here on no child inherits a table */
	A_SECOND = 1024,	/* records of a table looked at, about */
};

void
dormant_init(struct dormant *d)
{
	memset(d, 0, sizeof(*d));
	for (unsigned i = 0; i < SPOOL_SHARDS; i++)
		d->shard[i].earliest = DORMANT_NEVER;
	d->earliest = d->low = DORMANT_NEVER;
	if (getrandom(d->key, sizeof(d->key), 0) != (ssize_t)sizeof(d->key))
		die("getrandom: %s", strerror(errno));
}

static struct dormant_record *
new_table(uint32_t cap)
{
	if (cap >= PRIVATE_CAP)
		return private_alloc(cap * sizeof(struct dormant_record));
	return mem_array(cap, sizeof(struct dormant_record));
}

static void
free_table(struct dormant_record *p, uint32_t cap)
{
	if (cap >= PRIVATE_CAP)
		private_free(p, cap * sizeof(*p));
	else
		mem_free(p);
}

void
dormant_clear(struct dormant *d)
{
	for (unsigned i = 0; i < SPOOL_SHARDS; i++)
		free_table(d->shard[i].p, d->shard[i].cap);
	dormant_init(d);
}

static uint32_t
home(const struct dormant *d, const struct dormant_shard *s,
    const uint8_t name[PACK_SIZE])
{
	return (uint32_t)table_hash(d->key, str_span(name, PACK_SIZE)) &
	    (s->cap - 1);
}

/* Its place, or the free one where it would lie; cap must not be 0. */
static uint32_t
place(const struct dormant *d, const struct dormant_shard *s,
    const uint8_t name[PACK_SIZE])
{
	uint32_t i = home(d, s, name);

	while (s->p[i].due != 0 && memcmp(s->p[i].name, name, PACK_SIZE) != 0)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static void
grow(const struct dormant *d, struct dormant_shard *s)
{
	struct dormant_shard old = *s;

	must(old.cap <= UINT32_MAX / 2);
	s->cap = old.cap == 0 ? FIRST_CAP : 2 * old.cap;
	s->p = new_table(s->cap);
	for (uint32_t i = 0; i < old.cap; i++)
		if (old.p[i].due != 0)
			s->p[place(d, s, old.p[i].name)] = old.p[i];
	free_table(old.p, old.cap);
}

/* The records behind a place that has become free move up, as far as each may
 * without lying before its home. */
static void
take_out(struct dormant *d, struct dormant_shard *s, uint32_t hole)
{
	uint32_t mask = s->cap - 1;

	for (uint32_t i = (hole + 1) & mask; s->p[i].due != 0;
	    i = (i + 1) & mask) {
		uint32_t h = home(d, s, s->p[i].name);

		if (((i - h) & mask) < ((i - hole) & mask))
			continue;
		s->p[hole] = s->p[i];
		hole = i;
	}
	s->p[hole].due = 0;
	s->n--;
	d->n--;
}

static bool
enter(struct dormant *d, const char *name, uint32_t due, uint32_t news)
{
	uint8_t packed[PACK_SIZE];
	struct dormant_shard *s;
	unsigned shard;
	uint32_t i;

	must(due > ROUSED);
	if (!pack_name(name, packed))
		return false;
	shard = pack_shard(packed);
	s = &d->shard[shard];
	if (s->n >= s->cap / 4 * 3) {
		grow(d, s);
		if (shard == d->at)
			d->slot = 0;	/* they lie elsewhere now */
	}
	i = place(d, s, packed);
	if (s->p[i].due == 0) {
		memcpy(s->p[i].name, packed, PACK_SIZE);
		s->n++;
		d->n++;
	}
	s->p[i].due = due;
	s->news += s->news < UINT32_MAX / 2 ? news : 0;
	if (due < s->earliest)
		s->earliest = due;
	if (shard == d->at && due < d->low)
		d->low = due;
	if (due < d->earliest)
		d->earliest = due;
	return true;
}

bool
dormant_put(struct dormant *d, const char *name, uint32_t due)
{
	return enter(d, name, due, 1);
}

bool
dormant_restore(struct dormant *d, const char *name, uint32_t due)
{
	return enter(d, name, due, 0);
}

/* NULL: it is not here. */
static const struct dormant_shard *
find(const struct dormant *d, const char *name, uint32_t *slot)
{
	uint8_t packed[PACK_SIZE];
	const struct dormant_shard *s;

	if (d->n == 0 || !pack_name(name, packed))
		return NULL;
	s = &d->shard[pack_shard(packed)];
	if (s->n == 0)
		return NULL;
	*slot = place(d, s, packed);
	return s->p[*slot].due != 0 ? s : NULL;
}

uint32_t
dormant_find(const struct dormant *d, const char *name)
{
	uint32_t slot;
	const struct dormant_shard *s = find(d, name, &slot);

	return s != NULL ? s->p[slot].due : 0;
}

bool
dormant_remove(struct dormant *d, const char *name)
{
	uint32_t slot;
	const struct dormant_shard *found = find(d, name, &slot);
	struct dormant_shard *s;

	if (found == NULL)
		return false;
	s = &d->shard[found - d->shard];
	take_out(d, s, slot);
	/* One that was not looked at may lie where others were. */
	if (s == &d->shard[d->at])
		d->slot = 0;
	return true;
}

void
dormant_rouse(struct dormant *d)
{
	for (unsigned i = 0; i < SPOOL_SHARDS; i++) {
		struct dormant_shard *s = &d->shard[i];

		for (uint32_t k = 0; k < s->cap; k++)
			if (s->p[k].due != 0)
				s->p[k].due = ROUSED;
		s->earliest = s->n > 0 ? ROUSED : DORMANT_NEVER;
		s->visited = 0;
	}
	d->at = 0;
	d->slot = 0;
	d->low = DORMANT_NEVER;
	d->earliest = d->n > 0 ? ROUSED : DORMANT_NEVER;
}

void
dormant_spoil(struct dormant *d, unsigned shard)
{
	d->shard[shard].news = UINT32_MAX / 2;
}

/* When all of it is to be looked at again. */
static uint32_t
visit_at(const struct dormant_shard *s)
{
	uint32_t rested = s->visited + s->n / A_SECOND;

	if (s->n == 0)
		return DORMANT_NEVER;
	return s->earliest > rested ? s->earliest : rested;
}

static void
end_visit(struct dormant *d, struct dormant_shard *s, uint32_t now)
{
	s->earliest = d->low;
	s->visited = now;
	/* A crowd that has gone leaves no memory behind. */
	if (s->n == 0) {
		free_table(s->p, s->cap);
		s->p = NULL;
		s->cap = 0;
	}
}

static void
end_round(struct dormant *d)
{
	d->at = 0;
	d->earliest = DORMANT_NEVER;
	for (unsigned i = 0; i < SPOOL_SHARDS; i++)
		if (visit_at(&d->shard[i]) < d->earliest)
			d->earliest = visit_at(&d->shard[i]);
}

/* The next one in the directory at which the round stands. */
static bool
take_here(struct dormant *d, struct dormant_shard *s, uint32_t now,
    char name[SPOOL_NAME_MAX], bool *roused)
{
	for (; d->slot < s->cap; d->slot++) {
		const struct dormant_record *r = &s->p[d->slot];

		if (r->due == 0)
			continue;
		if (r->due > now) {
			if (r->due < d->low)
				d->low = r->due;
			continue;
		}
		must(pack_open(r->name, name));
		*roused = r->due == ROUSED;
		/* Another may lie here then: the round stays. */
		take_out(d, s, d->slot);
		return true;
	}
	return false;
}

bool
dormant_take(struct dormant *d, uint32_t now, char name[SPOOL_NAME_MAX],
    bool *roused)
{
	if (now < d->earliest)
		return false;
	for (; d->at < SPOOL_SHARDS; d->at++) {
		struct dormant_shard *s = &d->shard[d->at];

		if (d->slot == 0 && visit_at(s) > now)
			continue;
		if (take_here(d, s, now, name, roused))
			return true;
		end_visit(d, s, now);
		d->slot = 0;
		d->low = DORMANT_NEVER;
	}
	end_round(d);
	return false;
}

const struct dormant_record *
dormant_next(const struct dormant *d, unsigned shard, uint32_t *at)
{
	const struct dormant_shard *s = &d->shard[shard];

	while (*at < s->cap)
		if (s->p[(*at)++].due != 0)
			return &s->p[*at - 1];
	return NULL;
}
