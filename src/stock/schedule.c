/* SPDX-License-Identifier: ISC */
/*
 * The queue's sense of time.
 *
 * Within a boot everything is scheduled by the clock that never jumps; on the
 * disk stands wall time, because only that has a meaning after the next boot.
 * The heap holds its members by pointer and each member knows its place, so
 * that moving one is as cheap as entering it.
 *
 * The spread of the back-off is there so that messages which failed together
 * do not come back together for ever.
 */

#include "stock/schedule.h"

#include "base/die.h"
#include "base/mem.h"

void
schedule_free(struct schedule *s)
{
	mem_free(s->heap);
	*s = (struct schedule){ 0 };
}

static void
set(struct schedule *s, size_t i, struct due *d)
{
	s->heap[i] = d;
	d->place = i + 1;
}

static void
rise(struct schedule *s, size_t i, struct due *d)
{
	while (i > 0 && s->heap[(i - 1) / 2]->at > d->at) {
		set(s, i, s->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	set(s, i, d);
}

static void
sink_down(struct schedule *s, size_t i, struct due *d)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= s->n)
			break;
		if (child + 1 < s->n &&
		    s->heap[child + 1]->at < s->heap[child]->at)
			child++;
		if (s->heap[child]->at >= d->at)
			break;
		set(s, i, s->heap[child]);
		i = child;
	}
	set(s, i, d);
}

void
schedule_put(struct schedule *s, struct due *d, int64_t at)
{
	schedule_remove(s, d);
	d->at = at;
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 64 : 2 * s->cap;
		s->heap = mem_resize(s->heap, s->cap * sizeof(*s->heap));
	}
	rise(s, s->n++, d);
}

void
schedule_remove(struct schedule *s, struct due *d)
{
	size_t i;
	struct due *last;

	if (d->place == 0)
		return;
	i = d->place - 1;
	must(i < s->n && s->heap[i] == d);
	d->place = 0;
	last = s->heap[--s->n];
	if (last == d)
		return;
	if (i > 0 && s->heap[(i - 1) / 2]->at > last->at)
		rise(s, i, last);
	else
		sink_down(s, i, last);
}

struct due *
schedule_first(const struct schedule *s)
{
	return s->n == 0 ? NULL : s->heap[0];
}

int64_t
schedule_next(const struct conf *c, const struct retry *r)
{
	uint64_t wait = c->retry.first, spread;

	for (unsigned i = 1; i < r->attempts && wait < c->retry.most; i++)
		wait *= 2;
	if (wait > c->retry.most)
		wait = c->retry.most;
	spread = wait / 4;
	if (spread > 0)
		wait = wait - spread / 2 + r->chance % (spread + 1);
	return r->now + (int64_t)wait;
}

bool
schedule_is_expired(const struct conf *c, const struct retry *r)
{
	uint64_t life = r->is_bounce ? c->retry.lifetime_bounce :
	    c->retry.lifetime;

	return r->now - r->arrival >= (int64_t)life &&
	    r->attempts >= SCHEDULE_ATTEMPTS_MIN;
}
