/* SPDX-License-Identifier: ISC */
/*
 * The bookkeeping under the queue in memory: entries and their tasks, opened
 * and closed, waiting and ready, laid to rest, forgotten; names to be looked at
 * later; and the removals that are still to be synced.  No decision is made
 * here: what is to be done with an entry is stock's.
 *
 * A task is either in the schedule, or in its destination's list of what is
 * ready, or with a worker.  An entry that no worker is at and that has nothing
 * ready has no descriptor open, and is not here at all if its name can be kept
 * among the dormant.
 */

#include "stock/entry.h"

#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"

void
entry_look_later(struct stock *s, const char *name, bool again, int64_t wait)
{
	struct later *l = table_find(&s->later_by_name, str_of(name));

	if (l != NULL) {
		l->again = l->again || again;
		return;
	}
	l = mem_alloc(sizeof(*l));
	memcpy(l->name, name, strlen(name) + 1);
	l->again = again;
	schedule_put(&s->later, &l->due, clock_boot_ms() + wait);
	(void)table_put(&s->later_by_name, str_of(l->name), l);
}

/* Others may hold copies of the descriptor (a worker, an agent that hangs);
 * the lock must not live on in them. */
void
entry_close(struct stock *s, struct entry *e)
{
	if (e->fd < 0)
		return;
	if (!e->removed)
		(void)flock(e->fd, LOCK_UN);
	close(e->fd);
	e->fd = -1;
	s->open--;
}

void
task_free(struct stock *s, struct task *t)
{
	schedule_remove(&s->schedule, &t->due);
	list_remove(&t->link);
	list_remove(&t->member);
	t->entry->tasks--;
	if (t->hop->latest == t)
		t->hop->latest = NULL;
	hop_release(&s->hops, t->hop);
	mem_free(t);
}

void
entry_forget(struct stock *s, struct entry *e)
{
	struct list *l;

	must(e->active == 0);
	while ((l = list_first(&e->members)) != NULL)
		task_free(s, LIST_OF(l, struct task, member));
	entry_close(s, e);
	s->woken -= e->woken;
	(void)table_remove(&s->by_name, str_of(e->name));
	mem_free(e);
}

/* Where the file system has one journal, the sync of one directory commits
 * the removals in all.  btrfs has none: it commits the others with its next
 * transaction, within half a minute. */
void
entry_sync_removals(struct stock *s)
{
	struct fault why;

	if (spool_sync_shard(s->spool, s->removed, &why) < 0)
		log_warning("removals: %s", why.text);
	s->removed_at = 0;
}

void
entry_note_removal(struct stock *s, const char *name)
{
	if (s->spool->dir_sync && s->removed_at != 0)
		entry_sync_removals(s);
	memcpy(s->removed, name, strlen(name) + 1);
	if (s->removed_at == 0)
		s->removed_at = clock_boot_ms();
}

static int
priority_of(struct list *l)
{
	return LIST_OF(l, struct task, link)->priority;
}

/* Behind those of the same priority.  Nearly always all have the same. */
static void
line_up(struct list *ready, struct task *t)
{
	struct list *before = ready, *last = ready->prev;

	if (last != ready && priority_of(last) < t->priority)
		for (before = ready->next; priority_of(before) >= t->priority;)
			before = before->next;
	list_append(before, &t->link);
}

void
task_put_ready(struct stock *s, struct task *t)
{
	schedule_remove(&s->schedule, &t->due);
	line_up(&t->hop->ready, t);
	hop_is_ready(&s->hops, t->hop);
}

void
task_put_waiting(struct stock *s, struct task *t, int64_t next)
{
	int64_t wait = (next - clock_wall()) * 1000;
	int64_t most = (int64_t)s->conf->retry.most * 1250;

	if (next == 0 || wait <= 0) {
		task_put_ready(s, t);
		return;
	}
	/* A clock that jumped must not put it off for years. */
	if (wait > most)
		wait = most;
	schedule_put(&s->schedule, &t->due, clock_boot_ms() + wait);
}

bool
entry_has_ready(const struct entry *e)
{
	struct list *l;

	LIST_EACH(l, &e->members)
		if (list_has_place(&LIST_OF(l, struct task, member)->link))
			return true;
	return false;
}

static int64_t
first_due(const struct entry *e)
{
	int64_t at = INT64_MAX;
	struct list *l;

	LIST_EACH(l, &e->members) {
		const struct task *t = LIST_OF(l, struct task, member);

		if (t->due.place != 0 && t->due.at < at)
			at = t->due.at;
	}
	return at;
}

void
entry_rest(struct stock *s, struct entry *e)
{
	int64_t at = first_due(e);

	must(e->active == 0 && !e->owes && e->tasks > 0);
	entry_close(s, e);
	if (entry_has_ready(e) || at == INT64_MAX)
		return;
	/* Not before its time, so to the next full second. */
	if (dormant_put(&s->dormant, e->name, (uint32_t)(at / 1000 + 1)))
		entry_forget(s, e);
}

void
entry_hurry(struct stock *s, struct entry *e)
{
	struct list *l;

	LIST_EACH(l, &e->members) {
		struct task *t = LIST_OF(l, struct task, member);

		if (t->due.place == 0)
			continue;
		hop_revive(t->hop);
		task_put_ready(s, t);
	}
}
