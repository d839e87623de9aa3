/* SPDX-License-Identifier: ISC */
/*
 * The runner's workers.
 *
 *	start ─▶ busy ──done──▶ busy (more for its destination)
 *	           │               │ nothing more
 *	           │ died          ▼
 *	           └──────▶ gone ◀── idle ── linger is over, or its place is
 *	                                     needed for another destination
 *
 * A worker keeps its connection from message to message, so a destination with
 * much mail pays for few connections.  Destinations take turns; each may have
 * so many workers, all together so many, and a part of these is kept for local
 * mail and for destinations that answer.  A worker is sent away by closing its
 * socket; it says goodbye to its peer and ends.
 */

#include "queue/crew.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "queue/worker.h"

enum {
	LINGER_MS = 1500,
	AGAIN_MS = 1000,		/* after a fork that failed */
	DEAD_MS_MAX = 5 * 60 * 1000,
	STEP = 512,			/* tasks given out between two waits */
};

struct member {
	struct list	link;		/* in crew->members */
	struct list	idle;		/* in crew->idle */
	struct list	at_hop;		/* in hop->idle */
	struct hop	*hop;
	struct task	*task;		/* NULL: idle */
	int		 sock;
	bool		 probe;		/* counted in crew->probes */
	int64_t		 idle_since;
};

void
crew_init(struct crew *c, const struct conf *conf, struct stock *stock,
    int channel, int narrow)
{
	memset(c, 0, sizeof(*c));
	c->conf = conf;
	c->stock = stock;
	c->channel = channel;
	c->narrow = narrow;
	list_init(&c->members);
	list_init(&c->idle);
}

static void
dismiss(struct crew *c, struct member *w)
{
	must(w->task == NULL);
	close(w->sock);
	list_remove(&w->link);
	list_remove(&w->idle);
	list_remove(&w->at_hop);
	w->hop->workers--;
	c->n--;
	c->probes -= w->probe;
	/* The destination was kept alive for the worker's sake. */
	hop_release(&c->stock->hops, w->hop);
	mem_free(w);
}

static struct member *
hire(struct crew *c, struct hop *hop)
{
	struct worker_setup setup = { .conf = c->conf, .next = &hop->next,
	    .channel = c->channel, .narrow = c->narrow };
	struct member *w;
	struct fault why;
	int sock;

	if (worker_start(&setup, &sock, &why) < 0) {
		log_warning("cannot start a worker: %s", why.text);
		c->again_at = clock_boot_ms() + AGAIN_MS;
		return NULL;
	}
	w = mem_alloc(sizeof(*w));
	w->sock = sock;
	w->probe = hop->dead_until != 0;
	c->probes += w->probe;
	w->hop = hop_get(&c->stock->hops, &hop->next);
	hop->workers++;
	c->n++;
	list_append(&c->members, &w->link);
	return w;
}

static void
make_idle(struct crew *c, struct member *w)
{
	w->task = NULL;
	w->idle_since = clock_boot_ms();
	list_append(&c->idle, &w->idle);
	list_append(&w->hop->idle, &w->at_hop);
}

/* However many hosts do not answer, local mail does not wait for them; and of
 * those that are known not to, no more than half of all are tried at once. */
static bool
has_place(const struct crew *c, const struct hop *hop)
{
	uint64_t all = c->conf->workers < CREW_FDS_MAX ? c->conf->workers :
	    CREW_FDS_MAX;

	if (hop->next.kind == NEXT_LOCAL)
		return c->n < all;
	return c->n < all - all / 8;
}

static bool
may_not_probe(const struct crew *c, const struct hop *hop)
{
	uint64_t all = c->conf->workers < CREW_FDS_MAX ? c->conf->workers :
	    CREW_FDS_MAX;

	return hop->next.kind != NEXT_LOCAL && hop->dead_until != 0 &&
	    c->probes >= (all + 1) / 2;
}

/* A worker for this hop that can start now, or NULL. */
static struct member *
find_worker(struct crew *c, struct hop *hop)
{
	struct list *l = list_first(&hop->idle);
	struct member *w;

	if (l != NULL) {
		w = LIST_OF(l, struct member, at_hop);
		list_remove(&w->idle);
		list_remove(&w->at_hop);
		return w;
	}
	if (hop->workers >= hop_worker_limit(hop, c->conf))
		return NULL;
	if (may_not_probe(c, hop))
		return NULL;
	if (!has_place(c, hop)) {
		l = list_first(&c->idle);
		if (l == NULL)
			return NULL;
		dismiss(c, LIST_OF(l, struct member, idle));
		if (!has_place(c, hop))
			return NULL;
	}
	return hire(c, hop);
}

static bool
is_sole(const struct entry *e)
{
	return e->tasks == 1 && !e->owes;
}

static void
lose(struct crew *c, struct member *w)
{
	struct task *t = w->task;

	log_error("a worker for %.*s has died", STR_ARG(w->hop->next.key));
	w->task = NULL;
	dismiss(c, w);
	if (t != NULL)
		stock_abandon(c->stock, t);
}

/* Gives the task to the worker; the task has left its hop's ready list. */
static void
give(struct crew *c, struct member *w, struct task *t)
{
	struct job job = { .n = t->n, .sole = is_sole(t->entry),
	    .again = t->entry->again };

	memcpy(job.name, t->entry->name, sizeof(job.name));
	memcpy(job.index, t->index, t->n * sizeof(t->index[0]));
	t->active = true;
	t->entry->active++;
	w->task = t;
	if (job_send(w->sock, &job, t->entry->fd) < 0)
		lose(c, w);
}

/* True when a task was started for it. */
static bool
serve(struct crew *c, struct hop *hop)
{
	struct member *w;
	struct task *t;
	struct list *l;

	if (list_is_empty(&hop->ready)) {
		hop_rest(hop);
		return false;
	}
	if (hop->dead_until > clock_boot_ms()) {
		l = list_shift(&hop->ready);
		stock_suspend(c->stock, LIST_OF(l, struct task, link));
		return true;
	}
	w = find_worker(c, hop);
	if (w == NULL)
		return false;
	l = list_shift(&hop->ready);
	t = LIST_OF(l, struct task, link);
	if (!stock_open(c->stock, t)) {
		/* stock has put it off; hop lives as long as the worker. */
		make_idle(c, w);
		return true;
	}
	give(c, w, t);
	return true;
}

void
crew_dispatch(struct crew *c)
{
	struct hop *hop, *stuck = NULL;

	for (int i = 0; !c->draining && i < STEP; i++) {
		hop = hop_turn(&c->stock->hops);
		c->unfinished = hop != NULL && hop != stuck && i == STEP - 1;
		if (hop == NULL || hop == stuck)
			return;
		if (serve(c, hop))
			stuck = NULL;
		else if (stuck == NULL && list_has_place(&hop->turn))
			stuck = hop;
	}
}

static void
learn(struct hop *hop, const struct conf *conf, const struct done *d)
{
	int64_t wait = (int64_t)conf->retry.first * 1000;

	if (wait > DEAD_MS_MAX)
		wait = DEAD_MS_MAX;
	hop->dead_until = d->dead ? clock_boot_ms() + wait : 0;
	memcpy(hop->reason, d->reason, sizeof(hop->reason));
}

static void
end_probe(struct crew *c, struct member *w)
{
	c->probes -= w->probe;
	w->probe = false;
}

void
crew_hear(struct crew *c, void *who)
{
	struct member *w = who;
	struct task *t = w->task;
	struct done d;

	if (t == NULL || done_receive(w->sock, &d) != 1) {
		lose(c, w);
		return;
	}
	learn(w->hop, c->conf, &d);
	end_probe(c, w);
	make_idle(c, w);
	stock_finish(c->stock, t, &d);
	if (d.dead && list_is_empty(&w->hop->ready))
		dismiss(c, w);
}

static bool
has_lingered(const struct member *w, int64_t now)
{
	return now - w->idle_since >= LINGER_MS;
}

void
crew_dismiss_idle(struct crew *c)
{
	int64_t now = clock_boot_ms();
	struct list *l;

	while ((l = list_first(&c->idle)) != NULL) {
		struct member *w = LIST_OF(l, struct member, idle);

		if (!c->draining && !has_lingered(w, now))
			return;
		dismiss(c, w);
	}
}

void
crew_drain(struct crew *c)
{
	c->draining = true;
	crew_dismiss_idle(c);
}

bool
crew_is_empty(const struct crew *c)
{
	return c->n == 0;
}

size_t
crew_poll_set(struct crew *c, struct pollfd *p, void **who, size_t max)
{
	struct list *l;
	size_t n = 0;

	LIST_EACH(l, &c->members) {
		struct member *w = LIST_OF(l, struct member, link);

		must(n < max);
		p[n] = (struct pollfd){ .fd = w->sock, .events = POLLIN };
		who[n++] = w;
	}
	return n;
}

int64_t
crew_patience(const struct crew *c)
{
	int64_t now = clock_boot_ms(), at = INT64_MAX;

	if (!list_is_empty(&c->idle))
		at = LIST_OF(c->idle.next, struct member, idle)->idle_since +
		    LINGER_MS;
	if (c->again_at > now && c->again_at < at)
		at = c->again_at;
	if (at == INT64_MAX)
		return -1;
	return at > now ? at - now : 0;
}
