/* SPDX-License-Identifier: ISC */
/*
 * The bookkeeping of destinations.  Pure: it starts nothing and knows no
 * clock.  Those with something ready stand in a row and take turns, so that a
 * thousand messages to one domain do not keep one message to another waiting.
 * A destination is made when the first task refers to it and goes with the
 * last.  What is known of a dead one is of use longer, because what waits for it
 * is dormant and refers to nothing: a host that did not answer an hour ago is
 * tried by one worker first and not by twenty.
 */

#include "stock/hop.h"

#include <string.h>

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
	list_init(&h->memory);
	h->remembered = 0;
}

/* A copy in *at, which moves behind it. */
static struct str
keep(char **at, struct str s)
{
	struct str copy = str_span(*at, s.n);

	if (s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n + 1;
	return copy;
}

static struct hop *
make(struct hops *h, const struct next *next)
{
	struct hop *hop = mem_alloc(sizeof(*hop) + next->key.n +
	    next->host.n + next->user.n + 3);
	char *at = hop->text;

	hop->next = *next;
	hop->next.key = keep(&at, next->key);
	hop->next.host = keep(&at, next->host);
	hop->next.user = keep(&at, next->user);
	list_init(&hop->ready);
	list_init(&hop->idle);
	(void)table_put(&h->by_key, hop->next.key, hop);
	return hop;
}

static void
recall(struct hops *h, struct hop *hop)
{
	if (!list_has_place(&hop->memory))
		return;
	list_remove(&hop->memory);
	h->remembered--;
}

struct hop *
hop_get(struct hops *h, const struct next *next)
{
	struct hop *hop = table_find(&h->by_key, next->key);

	if (hop == NULL)
		hop = make(h, next);
	recall(h, hop);
	hop->tasks++;
	return hop;
}

static void
forget(struct hops *h, struct hop *hop)
{
	must(list_is_empty(&hop->ready) && list_is_empty(&hop->idle));
	recall(h, hop);
	list_remove(&hop->turn);
	(void)table_remove(&h->by_key, hop->next.key);
	mem_free(hop);
}

static void
forget_first(struct hops *h)
{
	forget(h, LIST_OF(list_first(&h->memory), struct hop, memory));
}

void
hop_release(struct hops *h, struct hop *hop)
{
	must(hop->tasks > 0);
	if (--hop->tasks > 0 || hop->workers > 0)
		return;
	if (hop->dead_until == 0) {
		forget(h, hop);
		return;
	}
	list_remove(&hop->turn);
	list_append(&h->memory, &hop->memory);
	if (++h->remembered > HOPS_REMEMBERED)
		forget_first(h);
}

void
hop_revive(struct hop *hop)
{
	hop->dead_until = 0;
}

void
hops_free(struct hops *h)
{
	while (h->remembered > 0)
		forget_first(h);
	table_free(&h->by_key);
}

void
hops_revive(struct hops *h)
{
	size_t at = 0;
	struct str key;
	void *hop;

	while (h->remembered > 0)
		forget_first(h);
	while (table_next(&h->by_key, &at, &key, &hop))
		hop_revive(hop);
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
