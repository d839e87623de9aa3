/* SPDX-License-Identifier: ISC */
/*
 * From an entry to its tasks: each recipient that is still to be served is
 * asked where it goes (route/next), and those that go the same way become one
 * task, up to the number that any server must take in one transaction.
 *
 * An address that can go nowhere has failed here and now.  One whose delivery
 * could not be marked when it happened is marked now, from the journal.  When a
 * route cannot be told just now, or a mark not written, nothing of the entry is
 * sure, and the caller looks at it again later.
 */

#include "stock/grouping.h"

#include "base/die.h"
#include "base/mem.h"
#include "mail/outcome.h"
#include "os/clock.h"
#include "os/log.h"
#include "spool/slots.h"

struct grouping {
	struct stock	*stock;
	struct entry	*entry;
	struct message	*m;
	bool		 unsure;	/* a route cannot be told just now */
};

static struct task *
new_task(struct entry *e, struct hop *hop, uint32_t room)
{
	struct task *t;

	if (room > JOB_RECIPIENTS_MAX)
		room = JOB_RECIPIENTS_MAX;
	t = mem_alloc(sizeof(*t) + room * sizeof(t->index[0]));
	t->entry = e;
	t->hop = hop;
	hop->latest = t;
	list_append(&e->members, &t->member);
	e->tasks++;
	return t;
}

/* The entry's task for this destination, with room for one recipient. */
static struct task *
get_task(struct grouping *g, const struct next *next)
{
	struct hop *hop = hop_get(&g->stock->hops, next);
	struct task *t = hop->latest;

	if (t == NULL || t->entry != g->entry || t->n == JOB_RECIPIENTS_MAX)
		return new_task(g->entry, hop, g->m->super.recipients);
	hop_release(&g->stock->hops, hop);
	return t;
}

/* An address that can go nowhere has failed already.  What cannot be marked so
 * is looked at again. */
static void
fail_recipient(struct grouping *g, uint32_t i, const struct fault *f)
{
	struct outcome o = outcome_of_fault(&g->m->arena, f, STR_NONE,
	    STR("none"));
	struct note note = { clock_wall(), STR_NONE, o.text };
	struct fault why;

	o.kind = OUTCOME_FAILED;
	slots_enter(g->m, i, &o, 0);
	(void)slots_write_note(g->m, i, &note, &why);
	if (slots_write(g->m, &i, 1, true, &why) < 0) {
		log_error("%s: cannot mark: %s", g->entry->name, why.text);
		g->unsure = true;
		return;
	}
	log_info("%s: to=<%.*s@%.*s>, relay=none, delay=0, dsn=5.%d.%d, "
	    "status=bounced (%s)", g->entry->name,
	    STR_ARG(g->m->envelope.recipients.p[i].address.local),
	    STR_ARG(g->m->envelope.recipients.p[i].address.domain),
	    f->subject, f->detail, f->text);
	g->entry->owes = true;
}

/* It was delivered, and could not be marked then. */
static void
mark_from_journal(struct grouping *g, uint32_t i)
{
	struct fault why;

	g->m->slots[i].state = SLOT_DONE;
	if (slots_write(g->m, &i, 1, true, &why) < 0) {
		log_error("%s: cannot mark: %s", g->entry->name, why.text);
		g->stock->journal_kept = true;
	}
}

static void
group_recipient(struct grouping *g, uint32_t i)
{
	struct stock *s = g->stock;
	struct message *m = g->m;
	struct next next;
	struct fault why;
	struct task *t;

	if (slot_owes_report(&m->slots[i]))
		g->entry->owes = true;
	if (slot_is_pending(&m->slots[i]) &&
	    journal_has(&s->journal, g->entry->name, i))
		mark_from_journal(g, i);
	if (!slot_is_pending(&m->slots[i]))
		return;
	if (next_find(s->conf, &m->arena, &m->envelope.recipients.p[i].address,
	    &next, &why) < 0) {
		if (!fault_is_temporary(&why))
			fail_recipient(g, i, &why);
		else if (!g->unsure)
			log_warning("%s: %s", g->entry->name, why.text);
		g->unsure = g->unsure || fault_is_temporary(&why);
		return;
	}
	t = get_task(g, &next);
	t->index[t->n++] = i;
	t->priority = m->envelope.wishes.priority;
	if (m->slots[i].next > t->due.at)
		t->due.at = m->slots[i].next;
}

bool
grouping_make_tasks(struct stock *s, struct entry *e, struct message *m)
{
	struct grouping g = { .stock = s, .entry = e, .m = m };
	struct list *l;

	for (uint32_t i = 0; i < m->super.recipients; i++)
		group_recipient(&g, i);
	LIST_EACH(l, &e->members) {
		struct task *t = LIST_OF(l, struct task, member);

		task_put_waiting(s, t, t->due.at);
	}
	return !g.unsure;
}
