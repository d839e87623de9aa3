/* SPDX-License-Identifier: ISC */
/*
 * The bookkeeping of destinations.  Pure: it starts nothing and knows no
 * clock.  Those with something ready stand in a row and take turns, so that a
 * thousand messages to one domain do not keep one message to another waiting.
 * A destination is made when the first task refers to it and goes with the
 * last, so that what is known of it (that it is dead, above all) lives exactly
 * as long as it is of use.
 */

#include "queue/hop.h"

#include "base/die.h"
#include "base/mem.h"

enum {
	USER_WORKERS = 2,	/* for a user whose mbox each of them locks, or
				 * whose command may not know of the others */
};

void
hops_init(struct hops *h)
{
	table_init(&h->by_key);
	list_init(&h->turn);
}

static struct hop *
make(struct hops *h, const struct next *next)
{
	struct hop *hop = mem_alloc(sizeof(*hop));

	arena_init(&hop->arena);
	hop->next = *next;
	hop->next.key = arena_str(&hop->arena, next->key);
	hop->next.host = arena_str(&hop->arena, next->host);
	hop->next.user = arena_str(&hop->arena, next->user);
	list_init(&hop->ready);
	list_init(&hop->idle);
	(void)table_put(&h->by_key, hop->next.key, hop);
	return hop;
}

struct hop *
hop_get(struct hops *h, const struct next *next)
{
	struct hop *hop = table_find(&h->by_key, next->key);

	if (hop == NULL)
		hop = make(h, next);
	hop->tasks++;
	return hop;
}

void
hop_release(struct hops *h, struct hop *hop)
{
	must(hop->tasks > 0);
	if (--hop->tasks > 0 || hop->workers > 0)
		return;
	must(list_is_empty(&hop->ready) && list_is_empty(&hop->idle));
	list_remove(&hop->turn);
	(void)table_remove(&h->by_key, hop->next.key);
	arena_free(&hop->arena);
	mem_free(hop);
}

void
hop_is_ready(struct hops *h, struct hop *hop)
{
	if (!list_has_place(&hop->turn))
		list_append(&h->turn, &hop->turn);
}

struct hop *
hop_turn(struct hops *h)
{
	struct list *first = list_first(&h->turn);

	if (first == NULL)
		return NULL;
	list_remove(first);
	list_append(&h->turn, first);
	return LIST_OF(first, struct hop, turn);
}

void
hop_rest(struct hop *hop)
{
	list_remove(&hop->turn);
}

unsigned
hop_worker_limit(const struct hop *hop, const struct conf *c)
{
	unsigned n = (unsigned)c->workers_per_destination;

	/* One probe is enough to learn that a dead host still is. */
	if (hop->dead_until != 0)
		return 1;
	if (hop->next.kind == NEXT_LOCAL &&
	    c->deliver.method != DELIVER_MAILDIR && n > USER_WORKERS)
		return USER_WORKERS;
	return n;
}
