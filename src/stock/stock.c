/* SPDX-License-Identifier: ISC */
/*
 * The queue in memory: which entries there are, what of each is still to be
 * done, when, and where to.
 *
 *	found ─▶ dormant ──its time──▶ admit ─▶ ready (its hop) ─▶ active
 *	            ▲                    ▲          (a worker)       │
 *	            │                  fresh                         │
 *	            └─────────────────── deferred ───────────────────┤
 *	                                                             ▼
 *	            bounce, if a recipient failed ◀────────────── settled
 *	                                                             └▶ removed
 *
 * A dormant entry is a name and a time.  When that has come it is admitted like
 * any other that may have been tried before: opened, locked, read, and its
 * routes looked up, which are never stored.  So many are admitted that memory
 * has bounds, however long the daemon was away; fresh mail always is.  While few
 * are open an entry stays so until its first attempt, which for fresh mail
 * follows at once.  Tasks wait in the schedule only beside others of the same
 * entry that are ready or active, or if its name does not fit elsewhere.
 *
 * Removals are committed together, some milliseconds later: a power cut
 * repeats at most the deliveries of the last moment, or on btrfs of the last
 * half minute.
 */

#include "stock/stock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "mail/outcome.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "spool/slots.h"
#include "stock/bounce.h"
#include "stock/grouping.h"
#include "stock/index.h"
#include "stock/mark.h"

enum {
	OPEN_MAX = 256,			/* entries kept open before an attempt */
	LOOK_AGAIN_MS = 2000,		/* at an entry that was locked */
	REMOVALS_WAIT_MS = 50,
	FAULT_WAIT_MS = 60 * 1000,	/* after a failure of our own disk */
	AWAKE_MAX = 20000,		/* entries in memory that are not
					 * fresh */
	WAKE_STEP = 256,		/* of them between two waits */
};

void
stock_init(struct stock *s, const struct conf *conf,
    const struct spool *spool, struct alias_book *book)
{
	struct fault why;

	memset(s, 0, sizeof(*s));
	s->conf = conf;
	s->spool = spool;
	s->book = book;
	table_init(&s->by_name);
	hops_init(&s->hops);
	dormant_init(&s->dormant);
	table_init(&s->later_by_name);
	if (journal_load(&s->journal, spool, &why) < 0 ||
	    journal_reserve(spool, &why) < 0)
		log_error("journal: %s", why.text);
}

/* It is all delivered, perhaps without a mark, and cannot be removed: then it
 * must be marked, or it would be delivered again. */
static void
mark_delivered(struct stock *s, const char *name)
{
	struct message m;
	struct fault why = { .text = "it cannot be opened" };
	uint32_t n;

	if (message_open(&m, s->spool, name, true, &why) != MESSAGE_OK) {
		log_error("%s: cannot mark: %s", name, why.text);
		return;
	}
	n = m.super.recipients;
	for (uint32_t i = 0; i < n; i++) {
		if (slot_is_pending(&m.slots[i]))
			m.slots[i].state = SLOT_DONE;
		if (slots_write(&m, &i, 1, i + 1 == n, &why) < 0) {
			log_error("%s: cannot mark: %s", name, why.text);
			break;
		}
	}
	message_close(&m);
}

static void
remove_entry(struct stock *s, struct entry *e)
{
	char name[SPOOL_NAME_MAX];
	struct fault why;

	if (spool_remove(s->spool, e->name, &why) == 0) {
		log_info("%s: removed", e->name);
		e->removed = true;
		entry_note_removal(s, e->name);
		entry_forget(s, e);
		return;
	}
	log_error("%s: %s", e->name, why.text);
	memcpy(name, e->name, sizeof(name));
	entry_close(s, e);
	entry_forget(s, e);
	mark_delivered(s, name);
	entry_look_later(s, name, true, FAULT_WAIT_MS);
}

/* What stays although it should not is looked at again. */
static void
set_aside(struct stock *s, const char *name, const struct fault *why)
{
	struct fault failed;

	if (spool_set_aside(s->spool, name, "corrupt", &failed) == 0) {
		log_error("%s: %s; set aside in corrupt/", name, why->text);
		return;
	}
	log_error("%s: %s; and it cannot be set aside: %s", name, why->text,
	    failed.text);
	entry_look_later(s, name, true, FAULT_WAIT_MS);
}

static void
remove_void(struct stock *s, const char *name)
{
	struct fault why;

	if (spool_remove(s->spool, name, &why) < 0)
		entry_look_later(s, name, true, FAULT_WAIT_MS);
}

/* ------------------------------------------------------- admitting ------ */

static void
log_admitted(const struct message *m)
{
	uint64_t size = 0;
	struct buf b = { 0 };

	for (uint32_t i = 0; i < m->super.nparts; i++)
		size += m->super.parts[i].length;
	address_put(&b, &m->envelope.sender);
	log_info("%s: from=<%.*s>, size=%llu, nrcpt=%u (queue active)",
	    m->super.name, STR_ARG(buf_str(&b)), (unsigned long long)size,
	    m->super.recipients);
	buf_free(&b);
}

static void settle(struct stock *, struct entry *);
static void send_bounce(struct stock *, struct entry *);

static void
admit_open(struct stock *s, struct message *m, bool again, bool at_once)
{
	struct entry *e = mem_alloc(sizeof(*e));
	bool placed;

	memcpy(e->name, m->super.name, sizeof(e->name));
	e->again = e->woken = again;
	s->woken += again;
	e->fd = m->fd;
	m->fd = -1;
	s->open++;
	list_init(&e->members);
	(void)table_put(&s->by_name, str_of(e->name), e);
	log_admitted(m);
	m->fd = e->fd;		/* marks may have to be written */
	placed = grouping_make_tasks(s, e, m);
	m->fd = -1;
	message_close(m);
	if (at_once)
		entry_hurry(s, e);
	if (!placed) {
		entry_look_later(s, e->name, again, FAULT_WAIT_MS);
		entry_forget(s, e);
	} else if (e->owes) {
		/* At once, before anything else of it can fail: then its
		 * name says the same as when it was made the first time. */
		entry_close(s, e);
		send_bounce(s, e);
	} else if (e->tasks == 0) {
		settle(s, e);
	} else if (!entry_has_ready(e)) {
		entry_rest(s, e);
	} else if (s->draining || s->open > OPEN_MAX) {
		entry_close(s, e);
	}
}

static void
admit(struct stock *s, const char *name, bool again, bool at_once)
{
	struct entry *known = table_find(&s->by_name, str_of(name));
	struct message m;
	struct fault why;

	/* Who waits has been tried. */
	again = dormant_remove(&s->dormant, name) || again;
	if (known != NULL) {
		/* Held or removed by an operator, perhaps. */
		if (known->active > 0)
			return;
		again = again || known->again;
		entry_forget(s, known);
	}
	switch (message_open(&m, s->spool, name, true, &why)) {
	case MESSAGE_OK:
		/* Another runner may have had it until now. */
		if (again && journal_update(&s->journal, s->spool))
			s->journal_kept = true;
		admit_open(s, &m, again, at_once);
		break;
	case MESSAGE_GONE:
		break;
	case MESSAGE_LOCKED:
		entry_look_later(s, name, again, LOOK_AGAIN_MS);
		break;
	case MESSAGE_VOID:
		remove_void(s, name);
		break;
	case MESSAGE_DAMAGED:
		set_aside(s, name, &why);
		break;
	case MESSAGE_FAULT:
		log_error("%s: %s", name, why.text);
		entry_look_later(s, name, again, FAULT_WAIT_MS);
		break;
	}
}

void
stock_admit(struct stock *s, const char *name, bool again)
{
	admit(s, name, again, false);
}

static bool
has_room(const struct stock *s)
{
	return s->woken < AWAKE_MAX;
}

bool
stock_found(struct stock *s, const char *name, uint32_t due)
{
	struct str key = str_of(name);

	if (dormant_find(&s->dormant, name) != 0 ||
	    table_find(&s->by_name, key) != NULL ||
	    table_find(&s->later_by_name, key) != NULL)
		return false;
	/* A mark that stands in the journal is brought to its place first. */
	if (s->journal.n == 0 && due != 0 &&
	    dormant_restore(&s->dormant, name, due))
		return false;
	if (s->journal.n == 0 && !has_room(s) &&
	    dormant_put(&s->dormant, name, DORMANT_NOW))
		return false;
	stock_admit(s, name, true);
	return true;
}

/* -------------------------------------------------------- settling ------ */

/* The entry has no lock of ours when this is called. */
static void
send_bounce(struct stock *s, struct entry *e)
{
	struct message m;
	struct fault why = { 0 };
	char name[SPOOL_NAME_MAX], mine[SPOOL_NAME_MAX];
	enum bounce_result r;
	bool final, more;

	memcpy(mine, e->name, sizeof(mine));
	if (message_open(&m, s->spool, e->name, true, &why) != MESSAGE_OK) {
		log_error("%s: cannot bounce: %s", e->name, why.text);
		entry_forget(s, e);
		entry_look_later(s, mine, true, FAULT_WAIT_MS);
		return;
	}
	r = bounce_send(&m, s->spool, s->conf, s->book, name, &why);
	final = slots_are_final(&m);
	more = slots_owe_report(&m);
	message_close(&m);
	switch (r) {
	case BOUNCE_MADE:
		e->owes = false;
		stock_admit(s, name, false);
		break;
	case BOUNCE_DISCARDED:
	case BOUNCE_NONE:
		e->owes = false;
		break;
	case BOUNCE_FAULT:
		entry_forget(s, e);
		if (!fault_is_temporary(&why)) {
			set_aside(s, mine, &why);
			return;
		}
		log_error("%s: cannot bounce: %s", mine, why.text);
		entry_look_later(s, mine, true, FAULT_WAIT_MS);
		return;
	}
	if (e->tasks > 0 && !more) {
		entry_rest(s, e);
		return;
	}
	if (final) {
		remove_entry(s, e);
		return;
	}
	/* A report of another kind is owed as well, or else the disk knows of
	 * something that we do not. */
	entry_forget(s, e);
	entry_look_later(s, mine, true, more ? 0 : FAULT_WAIT_MS);
}

/* No worker is at it: bounce, remove, or let it rest. */
static void
settle(struct stock *s, struct entry *e)
{
	struct fault why;

	if (e->active > 0)
		return;
	if (e->damaged) {
		fault_permanent(&why, 554, 3, 0, "damaged entry");
		set_aside(s, e->name, &why);
		entry_forget(s, e);
		return;
	}
	if (e->owes && entry_has_ready(e))
		return;
	if (e->owes) {
		entry_close(s, e);
		send_bounce(s, e);
	} else if (e->tasks == 0) {
		remove_entry(s, e);
	} else {
		entry_rest(s, e);
	}
}

bool
stock_open(struct stock *s, struct task *t)
{
	struct entry *e = t->entry;
	char path[SPOOL_PATH_MAX];

	if (e->fd >= 0)
		return true;
	e->fd = openat(s->spool->q, spool_entry_path(e->name, path),
	    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (e->fd >= 0 && file_try_lock(e->fd) == 1) {
		s->open++;
		return true;
	}
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
	if (e->active == 0) {
		char name[SPOOL_NAME_MAX];

		/* Gone, held, or looked at by somebody: look again. */
		memcpy(name, e->name, sizeof(name));
		entry_forget(s, e);
		entry_look_later(s, name, true, LOOK_AGAIN_MS);
	} else {
		/* A worker is at it and has the lock. */
		task_put_waiting(s, t, clock_wall() + LOOK_AGAIN_MS / 1000);
	}
	return false;
}

/* Is it about what was asked? */
static bool
answers(const struct done *d, const struct task *t)
{
	if (d->n != t->n || strcmp(d->name, t->entry->name) != 0)
		return false;
	for (uint32_t i = 0; i < d->n; i++)
		if (d->recipient[i].index != t->index[i])
			return false;
	return true;
}

/* Keeps in the task what was deferred; notes what failed. */
static int64_t
take_outcomes(struct task *t, const struct done *d)
{
	int64_t next = 0;

	t->n = 0;
	for (uint32_t i = 0; i < d->n; i++) {
		switch (d->recipient[i].kind) {
		case OUTCOME_DEFERRED:
			t->index[t->n++] = d->recipient[i].index;
			if (next == 0 || d->recipient[i].next < next)
				next = d->recipient[i].next;
			break;
		case OUTCOME_FAILED:
			t->entry->owes = true;
			break;
		case OUTCOME_DELIVERED:
		case OUTCOME_RELAYED:
			break;
		}
	}
	return next;
}

static void
keep_in_journal(struct stock *s, const struct done *d)
{
	struct fault why;

	for (uint32_t i = 0; i < d->n; i++) {
		if (d->recipient[i].kind != OUTCOME_DELIVERED &&
		    d->recipient[i].kind != OUTCOME_RELAYED)
			continue;
		s->journal_kept = true;
		if (journal_add(&s->journal, s->spool, d->name,
		    d->recipient[i].index, &why) < 0)
			log_error("%s: journal: %s; it may be delivered "
			    "again after a restart", d->name, why.text);
	}
}

void
stock_finish(struct stock *s, struct task *t, const struct done *d)
{
	struct entry *e = t->entry;
	int64_t next;

	must(t->active && e->active > 0);
	if (!answers(d, t)) {
		/* Not what we had asked: treat it as a worker that died. */
		log_error("%s: a worker answered about %s", e->name, d->name);
		stock_abandon(s, t);
		return;
	}
	t->active = false;
	e->active--;
	e->damaged = e->damaged || d->damaged;
	e->owes = e->owes || d->owes;
	if (d->unsaved)
		keep_in_journal(s, d);
	next = take_outcomes(t, d);
	if (t->n > 0)
		task_put_waiting(s, t, next);
	else
		task_free(s, t);
	settle(s, e);
}

/* What came of no attempt counts as one all the same: it is marked, with its
 * reason, and may be too old now.  The task keeps what is still to be tried. */
static int64_t
mark_off(struct stock *s, struct task *t, struct message *m,
    const struct fault *f, struct fault *why)
{
	struct outcome *o = arena_alloc(&m->arena, t->n * sizeof(*o));
	uint32_t kept = 0;
	int64_t next = 0;
	bool failed = false;

	for (uint32_t i = 0; i < t->n; i++) {
		int64_t at;

		o[i] = outcome_of_fault(&m->arena, f, STR_NONE, STR("none"));
		at = mark_enter(s->conf, m, t->index[i], &o[i]);
		(void)mark_note(m, t->index[i], &o[i], why);
		failed = failed || o[i].kind == OUTCOME_FAILED ||
		    slot_owes_report(&m->slots[t->index[i]]);
		if (at > next)
			next = at;
	}
	if (slots_write(m, t->index, t->n, failed, why) < 0)
		return -1;
	for (uint32_t i = 0; i < t->n; i++) {
		mark_log(m, t->index[i], &o[i]);
		if (o[i].kind == OUTCOME_DEFERRED)
			t->index[kept++] = t->index[i];
	}
	t->n = kept;
	t->entry->owes = t->entry->owes || failed;
	return next;
}

static void
put_off(struct stock *s, struct task *t, const struct fault *f)
{
	struct entry *e = t->entry;
	int64_t next = -1;
	struct message m;
	struct fault why = { .text = "it was withdrawn" };

	if (!stock_open(s, t))
		return;
	if (message_head(&m, e->fd, &why) == MESSAGE_OK) {
		next = mark_off(s, t, &m, f, &why);
		m.fd = -1;		/* it is still the entry's */
		message_close(&m);
	} else {
		e->fd = -1;
		s->open--;
	}
	if (next < 0) {
		log_error("%s: cannot mark: %s", e->name, why.text);
		next = clock_wall() + (int64_t)s->conf->retry.first;
	}
	if (t->n > 0)
		task_put_waiting(s, t, next);
	else
		task_free(s, t);
	settle(s, e);
}

void
stock_suspend(struct stock *s, struct task *t)
{
	struct fault f;

	fault_temporary(&f, 450, 4, 1, "delivery temporarily suspended: %s",
	    t->hop->reason);
	put_off(s, t, &f);
}

/* A message that kills its worker each time must not be tried for ever. */
void
stock_abandon(struct stock *s, struct task *t)
{
	struct fault f;

	must(t->active && t->entry->active > 0);
	t->active = false;
	t->entry->active--;
	t->entry->again = true;
	fault_temporary(&f, 451, 3, 0, "the delivery process has died");
	put_off(s, t, &f);
}

void
stock_has_seen_all(struct stock *s)
{
	struct fault why;

	if (s->journal_kept || schedule_first(&s->later) != NULL)
		return;
	if (journal_clear(&s->journal, s->spool, &why) < 0)
		log_warning("journal: %s", why.text);
}

void
stock_let_go(struct stock *s)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (table_next(&s->by_name, &at, &key, &value)) {
		struct entry *e = value;

		if (e->active == 0)
			entry_close(s, e);
	}
}

/* ------------------------------------------------------------ time ------ */

static void
wake_later(struct stock *s, int64_t now)
{
	struct due *d;

	while ((d = schedule_first(&s->later)) != NULL && d->at <= now) {
		struct later *found = (struct later *)(void *)d;

		schedule_remove(&s->later, d);
		(void)table_remove(&s->later_by_name, str_of(found->name));
		/* Somebody may have told us meanwhile. */
		if (table_find(&s->by_name, str_of(found->name)) == NULL)
			stock_admit(s, found->name, found->again);
		mem_free(found);
	}
}

static void
wake_dormant(struct stock *s, int64_t now)
{
	uint32_t seconds = (uint32_t)(now / 1000);
	char name[SPOOL_NAME_MAX];
	bool roused;

	for (int i = 0; i < WAKE_STEP && has_room(s) &&
	    dormant_take(&s->dormant, seconds, name, &roused); i++)
		admit(s, name, true, roused);
}

void
stock_wake(struct stock *s)
{
	int64_t now = clock_boot_ms();
	struct due *d;

	while ((d = schedule_first(&s->schedule)) != NULL && d->at <= now)
		task_put_ready(s, (struct task *)(void *)d);
	wake_later(s, now);
	wake_dormant(s, now);
}

static void
flush_all(struct stock *s)
{
	struct due *d;

	index_drop_all(s->spool);
	hops_revive(&s->hops);
	while ((d = schedule_first(&s->schedule)) != NULL)
		task_put_ready(s, (struct task *)(void *)d);
	dormant_rouse(&s->dormant);
}

/* The index is dropped before anything is tried ahead of its time. */
void
stock_flush(struct stock *s, const char *name)
{
	struct entry *e = table_find(&s->by_name, str_of(name));
	uint8_t packed[PACK_SIZE];

	if (name[0] == '\0') {
		flush_all(s);
		return;
	}
	if (pack_name(name, packed)) {
		index_drop(s->spool, pack_shard(packed));
		dormant_spoil(&s->dormant, pack_shard(packed));
	}
	if (e != NULL)
		entry_hurry(s, e);
	else
		admit(s, name, true, true);
}

void
stock_sync_removals(struct stock *s)
{
	if (s->removed_at != 0 &&
	    clock_boot_ms() - s->removed_at >= REMOVALS_WAIT_MS)
		entry_sync_removals(s);
}

int64_t
stock_patience(const struct stock *s, bool draining)
{
	int64_t now = clock_boot_ms(), at = INT64_MAX;
	struct due *d = schedule_first(&s->schedule);
	struct due *l = schedule_first(&s->later);
	int64_t dormant = (int64_t)s->dormant.earliest * 1000;

	if (d != NULL && !draining)
		at = d->at;
	if (l != NULL && !draining && l->at < at)
		at = l->at;
	if (s->dormant.n > 0 && has_room(s) && !draining && dormant < at)
		at = dormant;
	if (s->removed_at != 0 && s->removed_at + REMOVALS_WAIT_MS < at)
		at = s->removed_at + REMOVALS_WAIT_MS;
	if (at == INT64_MAX)
		return -1;
	return at > now ? at - now : 0;
}
