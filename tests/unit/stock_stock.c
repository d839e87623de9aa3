/* SPDX-License-Identifier: ISC */
/*
 * stock/stock: from an entry on the disk to tasks for destinations, and from
 * what workers say back to the disk: kept, bounced or removed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>

#include "fake_spool.h"
#include "os/clock.h"
#include "os/log.h"
#include "stock/stock.h"

#define ID	"01ARZ3NDEKTSV4RRFF"
#define OTHER	"01ARZ3NDEKTSV4RRFG"

struct world {
	struct fake_spool	f;
	struct conf		conf;
	struct stock		stock;
	unsigned		files;		/* open, at the start */
	int64_t			begun;		/* clock_boot_ms */
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct conf_domain d = { STR("example.org"), CLASS_LOCAL, 1 };

	w->files = fake_open_files();
	w->begun = clock_boot_ms();
	fake_spool_open(&w->f);
	w->conf.hostname = STR("mx.example.org");
	vec_push(&w->conf.arena, &w->conf.domains, d);
	w->conf.aliases = arena_printf(&w->conf.arena, "%s/aliases",
	    w->f.dir);
	w->conf.retry.first = 300;
	w->conf.retry.most = 4000;
	w->conf.retry.lifetime = 5 * 86400;
	log_open("/dev/null");
	stock_init(&w->stock, &w->conf, &w->f.spool,
	    alias_book_new(&w->conf));
	*state = w;
	return 0;
}

/* An entry that is no longer there is forgotten when it is admitted. */
static void
forget_all(struct world *w)
{
	size_t at = 0;
	struct str key;
	void *value;
	struct fault ignored;

	while (table_next(&w->stock.by_name, &at, &key, &value)) {
		char name[SPOOL_NAME_MAX];

		memcpy(name, key.p, key.n + 1);
		(void)spool_remove(&w->f.spool, name, &ignored);
		stock_admit(&w->stock, name, false);
	}
	assert_int_equal(w->stock.by_name.n, 0);
	assert_int_equal(w->stock.woken, 0);
	assert_int_equal(w->stock.hops.by_key.n, w->stock.hops.remembered);
	assert_null(schedule_first(&w->stock.schedule));
	assert_int_equal(w->stock.open, 0);
}

static int
teardown(void **state)
{
	struct world *w = *state;
	struct due *l;

	forget_all(w);
	while ((l = schedule_first(&w->stock.later)) != NULL) {
		schedule_remove(&w->stock.later, l);
		free(l);		/* it comes first */
	}
	schedule_free(&w->stock.later);
	table_free(&w->stock.later_by_name);
	table_free(&w->stock.by_name);
	hops_free(&w->stock.hops);
	dormant_clear(&w->stock.dormant);
	journal_free(&w->stock.journal);
	schedule_free(&w->stock.schedule);
	alias_book_free(w->stock.book);
	arena_free(&w->conf.arena);
	fake_spool_close(&w->f);
	log_open("stderr");
	assert_int_equal(fake_open_files(), w->files);
	free(w);
	return 0;
}

static void
make(struct world *w, const char *name, const char *sender,
    const char *recipients)
{
	struct envelope env = fake_envelope(&w->f, sender, recipients);

	fake_submit(&w->f, &env, name, STR("Received: x\r\n"),
	    STR("Subject: y\r\n\r\n"), NULL);
}

static struct entry *
entry(struct world *w, const char *name)
{
	return table_find(&w->stock.by_name, str_of(name));
}

/* Less than that is as good if this test has taken so long; but not nothing. */
static bool
is_within(const struct world *w, int64_t ms, int64_t low, int64_t high)
{
	int64_t late = clock_boot_ms() - w->begun;

	if (low > 0)
		low = low > late ? low - late : 0;
	return ms >= low && ms <= high;
}

/* Now, or so many seconds from now, in milliseconds; and not much before. */
static void
assert_patience(struct world *w, int64_t low, int64_t high)
{
	int64_t ms = stock_patience(&w->stock, false);

	if (!is_within(w, ms, low, high))
		fail_msg("%lld ms, not %lld to %lld", (long long)ms,
		    (long long)low, (long long)high);
}

/* It is known, as nothing but a name and a time. */
static bool
sleeps(struct world *w, const char *name)
{
	assert_true(entry(w, name) == NULL ||
	    dormant_find(&w->stock.dormant, name) == 0);
	return dormant_find(&w->stock.dormant, name) != 0;
}

/* It sleeps for so many milliseconds, about. */
static void
assert_sleeps(struct world *w, const char *name, int64_t low, int64_t high)
{
	int64_t ms;

	assert_true(sleeps(w, name));
	ms = (int64_t)dormant_find(&w->stock.dormant, name) * 1000 -
	    clock_boot_ms();
	if (!is_within(w, ms, low, high))
		fail_msg("%lld ms, not %lld to %lld", (long long)ms,
		    (long long)low, (long long)high);
	/* Whoever waits for all of them does not wait longer. */
	assert_patience(w, 0, high);
}

static struct hop *
hop(struct world *w, const char *key)
{
	return table_find(&w->stock.hops.by_key, str_of(key));
}

static unsigned
length(struct list *head)
{
	struct list *l;
	unsigned n = 0;

	LIST_EACH(l, head)
		n++;
	return n;
}

/* As the crew does it: the next task for a destination goes to a worker. */
static struct task *
take(struct world *w, const char *key)
{
	struct hop *h = hop(w, key);
	struct list *l;
	struct task *t;

	assert_non_null(h);
	l = list_shift(&h->ready);
	assert_non_null(l);
	t = LIST_OF(l, struct task, link);
	assert_true(stock_open(&w->stock, t));
	assert_true(t->entry->fd >= 0);
	t->active = true;
	t->entry->active++;
	return t;
}

/* As a worker does it: marks what became of each, and answers. */
static struct done
answer(struct task *t, const enum outcome_kind *kinds, int64_t next)
{
	struct done d = { .n = t->n };
	struct message m;
	struct fault why;

	memcpy(d.name, t->entry->name, sizeof(d.name));
	assert_int_equal(message_attach(&m, fcntl(t->entry->fd,
	    F_DUPFD_CLOEXEC, 3), &why), MESSAGE_OK);
	for (uint32_t i = 0; i < t->n; i++) {
		struct outcome o = { .kind = kinds[i] };

		slots_enter(&m, t->index[i], &o, next);
		d.recipient[i].index = t->index[i];
		d.recipient[i].kind = kinds[i];
		d.recipient[i].next = kinds[i] == OUTCOME_DEFERRED ? next : 0;
	}
	assert_int_equal(slots_write(&m, t->index, t->n, true, &why), 0);
	message_close(&m);
	return d;
}

static void
finish(struct world *w, struct task *t, const enum outcome_kind *kinds,
    int64_t next)
{
	struct done d = answer(t, kinds, next);

	stock_finish(&w->stock, t, &d);
}

static const enum outcome_kind relayed[] = { OUTCOME_RELAYED,
	OUTCOME_RELAYED, OUTCOME_RELAYED };
static const enum outcome_kind deferred[] = { OUTCOME_DEFERRED,
	OUTCOME_DEFERRED, OUTCOME_DEFERRED };
static const enum outcome_kind failed[] = { OUTCOME_FAILED, OUTCOME_FAILED,
	OUTCOME_FAILED };

static void
test_by_destination(void **state)
{
	struct world *w = *state;
	struct hop *h;
	struct task *t;

	make(w, ID, "ann@example.com", "a@b.example c@d.example e@b.example "
	    "root@example.org f@d.example g@b.example");
	stock_admit(&w->stock, ID, false);
	assert_non_null(entry(w, ID));
	assert_int_equal(entry(w, ID)->tasks, 3);
	assert_int_equal(entry(w, ID)->active, 0);
	assert_true(entry(w, ID)->fd >= 0);
	assert_int_equal(w->stock.open, 1);
	h = hop(w, "b.example:25");
	assert_non_null(h);
	assert_int_equal(length(&h->ready), 1);
	t = LIST_OF(list_first(&h->ready), struct task, link);
	assert_int_equal(t->n, 3);
	assert_int_equal(t->index[0], 0);
	assert_int_equal(t->index[1], 2);
	assert_int_equal(t->index[2], 5);
	assert_non_null(hop(w, "d.example:25"));
	assert_non_null(hop(w, "local:root"));
	assert_non_null(hop_turn(&w->stock.hops));
	/* It is locked while it is open. */
	assert_int_equal(w->stock.by_name.n, 1);
	stock_admit(&w->stock, ID, false);
	assert_int_equal(w->stock.by_name.n, 1);
	assert_int_equal(entry(w, ID)->tasks, 3);
	assert_int_equal(stock_patience(&w->stock, false), -1);
}

static void
test_many_recipients(void **state)
{
	struct world *w = *state;
	struct envelope env = fake_envelope(&w->f, "ann@example.com", "");
	unsigned seen[250] = { 0 };
	struct list *l;

	for (int i = 0; i < 250; i++)
		fake_add_recipient(&w->f, &env, arena_printf(&w->f.arena,
		    "r%d@b.example", i).p);
	fake_submit(&w->f, &env, ID, STR_NONE, STR("A: b\r\n"), NULL);
	stock_admit(&w->stock, ID, false);
	assert_int_equal(entry(w, ID)->tasks, 3);
	LIST_EACH(l, &hop(w, "b.example:25")->ready) {
		struct task *t = LIST_OF(l, struct task, link);

		assert_true(t->n <= JOB_RECIPIENTS_MAX);
		for (uint32_t i = 0; i < t->n; i++)
			seen[t->index[i]]++;
	}
	for (int i = 0; i < 250; i++)
		assert_int_equal(seen[i], 1);
}

static void
test_delivered(void **state)
{
	struct world *w = *state;

	make(w, ID, "ann@example.com", "a@b.example c@d.example");
	stock_admit(&w->stock, ID, false);
	finish(w, take(w, "b.example:25"), relayed, 0);
	assert_non_null(entry(w, ID));
	assert_int_equal(entry(w, ID)->tasks, 1);
	assert_null(hop(w, "b.example:25"));
	assert_true(fake_is_queued(&w->f, ID));
	finish(w, take(w, "d.example:25"), relayed, 0);
	assert_null(entry(w, ID));
	assert_false(fake_is_queued(&w->f, ID));
	assert_int_equal(w->stock.open, 0);
	/* Its removal is made durable soon. */
	assert_patience(w, 0, 50);
	poll(NULL, 0, 60);
	assert_int_equal(stock_patience(&w->stock, false), 0);
	stock_sync_removals(&w->stock);
	assert_int_equal(stock_patience(&w->stock, false), -1);
}

static void
test_mixed(void **state)
{
	static const enum outcome_kind mixed[] = { OUTCOME_DEFERRED,
	    OUTCOME_RELAYED, OUTCOME_FAILED };
	struct world *w = *state;
	int64_t next = clock_wall() + 600;
	struct message m;

	make(w, ID, "ann@example.com", "a@b.example c@b.example e@b.example");
	stock_admit(&w->stock, ID, false);
	finish(w, take(w, "b.example:25"), mixed, next);
	/* The bounce is on its way, the rest waits for its time. */
	assert_non_null(entry(w, ID "-b1"));
	assert_non_null(hop(w, "example.com:25"));
	assert_true(sleeps(w, ID));
	assert_patience(w, 590000, 601000);
	fake_open(&w->f, ID, true, &m);
	assert_int_equal(m.slots[0].state, SLOT_PENDING);
	assert_int_equal(m.slots[1].state, SLOT_DONE);
	assert_int_equal(m.slots[2].state, SLOT_BOUNCED);
	message_close(&m);
	stock_wake(&w->stock);
	assert_true(sleeps(w, ID));
	assert_null(hop(w, "b.example:25"));
	stock_flush(&w->stock, "");
	stock_wake(&w->stock);
	assert_int_equal(entry(w, ID)->tasks, 1);
	assert_true(entry(w, ID)->again);
	finish(w, take(w, "b.example:25"), relayed, 0);
	assert_null(entry(w, ID));
	assert_false(fake_is_queued(&w->f, ID));
	finish(w, take(w, "example.com:25"), relayed, 0);
	assert_int_equal(fake_count(&w->f, "q"), 0);
}

/* The bounce waits for those that are still to be tried in this round. */
static void
test_one_bounce(void **state)
{
	struct world *w = *state;
	struct task *t;

	make(w, ID, "ann@example.com", "a@b.example c@d.example");
	stock_admit(&w->stock, ID, false);
	t = take(w, "d.example:25");
	finish(w, take(w, "b.example:25"), failed, 0);
	assert_null(entry(w, ID "-b1"));
	finish(w, t, failed, 0);
	assert_null(entry(w, ID));
	assert_non_null(entry(w, ID "-b1"));
	assert_null(entry(w, ID "-b2"));
	assert_int_equal(fake_count(&w->f, "q"), 1);
}

/* A runner that died between the mark and the bounce. */
static void
test_owes_from_before(void **state)
{
	struct world *w = *state;
	struct outcome o = { .kind = OUTCOME_FAILED };
	struct message m;
	struct fault why;
	uint32_t i = 0;

	make(w, ID, "ann@example.com", "a@b.example");
	fake_open(&w->f, ID, true, &m);
	slots_enter(&m, 0, &o, 0);
	assert_int_equal(slots_write(&m, &i, 1, true, &why), 0);
	message_close(&m);
	stock_admit(&w->stock, ID, true);
	assert_null(entry(w, ID));
	assert_non_null(entry(w, ID "-b1"));
	assert_false(fake_is_queued(&w->f, ID));
	assert_true(fake_is_queued(&w->f, ID "-b1"));
}

/* And one that died before it could remove. */
static void
test_finished_before(void **state)
{
	struct world *w = *state;
	struct outcome o = { .kind = OUTCOME_RELAYED };
	struct message m;
	struct fault why;
	uint32_t i = 0;

	make(w, ID, "ann@example.com", "a@b.example");
	fake_open(&w->f, ID, true, &m);
	slots_enter(&m, 0, &o, 0);
	assert_int_equal(slots_write(&m, &i, 1, true, &why), 0);
	message_close(&m);
	stock_admit(&w->stock, ID, true);
	assert_null(entry(w, ID));
	assert_false(fake_is_queued(&w->f, ID));
}

/* Nothing in the world can be done for such an address. */
static void
test_goes_nowhere(void **state)
{
	struct world *w = *state;
	struct message m;

	make(w, ID, "ann@example.com", "-x@example.org a@b.example");
	stock_admit(&w->stock, ID, false);
	assert_int_equal(entry(w, ID)->tasks, 1);
	/* Its sender is told at once. */
	assert_false(entry(w, ID)->owes);
	assert_non_null(entry(w, ID "-b1"));
	fake_open(&w->f, ID, false, &m);
	assert_int_equal(m.slots[0].state, SLOT_BOUNCED);
	assert_int_equal(m.slots[0].status.class, 5);
	assert_int_equal(m.slots[1].state, SLOT_PENDING);
	message_close(&m);
	finish(w, take(w, "b.example:25"), relayed, 0);
	assert_null(entry(w, ID));
	assert_non_null(entry(w, ID "-b1"));
}

static void
test_waits_from_before(void **state)
{
	struct world *w = *state;
	struct outcome o = { .kind = OUTCOME_DEFERRED };
	struct message m;
	struct fault why;
	uint32_t i = 0;

	make(w, ID, "ann@example.com", "a@b.example");
	fake_open(&w->f, ID, true, &m);
	slots_enter(&m, 0, &o, clock_wall() + 100);
	assert_int_equal(slots_write(&m, &i, 1, true, &why), 0);
	message_close(&m);
	stock_admit(&w->stock, ID, true);
	assert_patience(w, 98000, 101000);
	/* Open and locked only when it is its turn: it can be held. */
	assert_true(sleeps(w, ID));
	assert_int_equal(w->stock.open, 0);
	fake_open(&w->f, ID, true, &m);
	/* A clock that jumped does not put it off for years. */
	slots_enter(&m, 0, &o, clock_wall() + 1000000000);
	assert_int_equal(slots_write(&m, &i, 1, true, &why), 0);
	message_close(&m);
	stock_admit(&w->stock, ID, true);
	assert_sleeps(w, ID, 4900000, 5001000);
}

static void
test_locked(void **state)
{
	struct world *w = *state;
	struct message m;

	make(w, ID, "ann@example.com", "a@b.example");
	fake_open(&w->f, ID, true, &m);
	stock_admit(&w->stock, ID, false);
	stock_admit(&w->stock, ID, true);
	assert_null(entry(w, ID));
	assert_patience(w, 1500, 2000);
	stock_wake(&w->stock);
	assert_null(entry(w, ID));
	message_close(&m);
	poll(NULL, 0, 2010);
	assert_int_equal(stock_patience(&w->stock, false), 0);
	stock_wake(&w->stock);
	assert_non_null(entry(w, ID));
	assert_true(entry(w, ID)->again);
	assert_int_equal(stock_patience(&w->stock, false), -1);
}

static void
test_gone_void_damaged(void **state)
{
	static const uint8_t zero[FORMAT_SUPER_SIZE];
	struct world *w = *state;

	stock_admit(&w->stock, ID, false);
	make(w, ID, "ann@example.com", "a@b.example");
	fake_patch(&w->f, ID, 0, zero, sizeof(zero));
	stock_admit(&w->stock, ID, false);
	assert_false(fake_is_queued(&w->f, ID));
	make(w, OTHER, "ann@example.com", "a@b.example");
	fake_patch(&w->f, OTHER, 513, "?", 1);
	stock_admit(&w->stock, OTHER, false);
	assert_false(fake_is_queued(&w->f, OTHER));
	assert_true(fake_exists(&w->f, "corrupt/" OTHER));
	assert_int_equal(w->stock.by_name.n, 0);
}

/* A worker found that the content is damaged. */
static void
test_damaged_content(void **state)
{
	struct world *w = *state;
	struct task *t;
	struct done d = { .damaged = true, .n = 1 };

	make(w, ID, "ann@example.com", "a@b.example c@d.example");
	stock_admit(&w->stock, ID, false);
	t = take(w, "b.example:25");
	memcpy(d.name, ID, sizeof(ID));
	d.recipient[0].index = t->index[0];
	d.recipient[0].next = clock_wall() + 300;
	stock_finish(&w->stock, t, &d);
	assert_null(entry(w, ID));
	assert_false(fake_is_queued(&w->f, ID));
	assert_true(fake_exists(&w->f, "corrupt/" ID));
}

/* Nor does a damaged one that owes a bounce come back for ever. */
static void
test_damaged_bounce(void **state)
{
	struct world *w = *state;
	struct message m;
	struct task *t;
	struct done d;
	int64_t at;

	make(w, ID, "ann@example.com", "a@b.example");
	fake_open(&w->f, ID, false, &m);
	at = (int64_t)m.super.content_offset;
	message_close(&m);
	stock_admit(&w->stock, ID, false);
	t = take(w, "b.example:25");
	d = answer(t, failed, 0);
	fake_patch(&w->f, ID, at, "?", 1);
	stock_finish(&w->stock, t, &d);
	assert_null(entry(w, ID));
	assert_true(fake_exists(&w->f, "corrupt/" ID));
}

/* As the next runner would find it. */
static size_t
journaled(struct world *w)
{
	struct journal j;
	struct fault why;
	size_t n;

	assert_int_equal(journal_load(&j, &w->f.spool, &why), 0);
	n = j.n;
	journal_free(&j);
	return n;
}

/* Delivered, and the mark could not be written: not again, not even by the
 * next runner, which brings the mark to its place. */
static void
test_unsaved(void **state)
{
	struct world *w = *state;
	struct task *t;
	struct done d = { .unsaved = true, .n = 1 };
	struct message m;

	make(w, ID, "ann@example.com", "a@b.example c@d.example");
	stock_admit(&w->stock, ID, false);
	t = take(w, "b.example:25");
	memcpy(d.name, ID, sizeof(ID));
	d.recipient[0].index = t->index[0];
	d.recipient[0].kind = OUTCOME_RELAYED;
	stock_finish(&w->stock, t, &d);
	assert_int_equal(entry(w, ID)->tasks, 1);
	assert_int_equal(journaled(w), 1);
	/* Not while this runner lives: its mark may still be missing. */
	stock_has_seen_all(&w->stock);
	assert_int_equal(journaled(w), 1);
	fake_open(&w->f, ID, false, &m);
	assert_int_equal(m.slots[0].state, SLOT_PENDING);
	message_close(&m);

	/* The next one. */
	journal_free(&w->stock.journal);
	assert_int_equal(journal_load(&w->stock.journal, &w->f.spool,
	    &(struct fault){ 0 }), 0);
	w->stock.journal_kept = false;
	stock_admit(&w->stock, ID, true);
	assert_int_equal(entry(w, ID)->tasks, 1);
	assert_null(hop(w, "b.example:25"));
	fake_open(&w->f, ID, false, &m);
	assert_int_equal(m.slots[0].state, SLOT_DONE);
	assert_int_equal(m.slots[1].state, SLOT_PENDING);
	message_close(&m);
	stock_has_seen_all(&w->stock);
	assert_int_equal(journaled(w), 0);
}

/* Neither in its place nor in the journal: while this runner lives it is not
 * delivered again, though the entry is closed and read anew meanwhile. */
static void
test_unsaved_twice(void **state)
{
	struct world *w = *state;
	struct task *t;
	struct done d = { .unsaved = true, .n = 1 };
	struct message m;

	make(w, ID, "ann@example.com", "a@b.example c@d.example");
	stock_admit(&w->stock, ID, false);
	assert_int_equal(unlinkat(w->f.spool.root, SPOOL_JOURNAL, 0), 0);
	assert_int_equal(mkdirat(w->f.spool.root, SPOOL_JOURNAL, 0700), 0);
	t = take(w, "b.example:25");
	memcpy(d.name, ID, sizeof(ID));
	d.recipient[0].index = t->index[0];
	d.recipient[0].kind = OUTCOME_RELAYED;
	stock_finish(&w->stock, t, &d);
	finish(w, take(w, "d.example:25"), deferred, clock_wall() + 100);
	assert_true(sleeps(w, ID));
	stock_flush(&w->stock, ID);
	assert_int_equal(entry(w, ID)->tasks, 1);
	assert_null(hop(w, "b.example:25"));
	fake_open(&w->f, ID, false, &m);
	assert_int_equal(m.slots[0].state, SLOT_DONE);
	message_close(&m);
}

/* The runner that ends delivers what this one finds locked, and notes in the
 * journal what it cannot mark. */
static void
test_unsaved_by_another(void **state)
{
	struct world *w = *state;
	struct journal other;
	struct message m;
	struct fault why;

	make(w, ID, "ann@example.com", "a@b.example c@d.example");
	assert_int_equal(journal_load(&other, &w->f.spool, &why), 0);
	usleep(20000);
	fake_open(&w->f, ID, true, &m);
	assert_true(stock_found(&w->stock, ID, 0));
	assert_null(entry(w, ID));
	assert_int_equal(journal_add(&other, &w->f.spool, ID, 0, &why), 0);
	message_close(&m);
	stock_admit(&w->stock, ID, true);
	assert_int_equal(entry(w, ID)->tasks, 1);
	assert_null(hop(w, "b.example:25"));
	journal_free(&other);
}

/* A worker is at the entry, and the runner cannot open it again for another
 * destination: that one waits, and is not forgotten. */
static void
test_open_later(void **state)
{
	struct world *w = *state;
	struct task *t, *other;
	int worker;

	make(w, ID, "ann@example.com", "a@b.example c@d.example");
	stock_admit(&w->stock, ID, false);
	t = take(w, "b.example:25");
	worker = fcntl(t->entry->fd, F_DUPFD_CLOEXEC, 3);
	other = LIST_OF(list_shift(&hop(w, "d.example:25")->ready),
	    struct task, link);
	/* As when its head could not be read. */
	close(t->entry->fd);
	t->entry->fd = -1;
	w->stock.open--;
	assert_false(stock_open(&w->stock, other));
	assert_patience(w, 1, 10000);
	t->entry->fd = worker;
	w->stock.open++;
	finish(w, t, relayed, 0);
	assert_sleeps(w, ID, 1, 11000);
	stock_flush(&w->stock, ID);
	finish(w, take(w, "d.example:25"), relayed, 0);
	assert_null(entry(w, ID));
}

static void
test_abandoned(void **state)
{
	struct world *w = *state;
	struct task *t;

	make(w, ID, "ann@example.com", "a@b.example c@b.example");
	stock_admit(&w->stock, ID, false);
	assert_false(entry(w, ID)->again);
	stock_abandon(&w->stock, take(w, "b.example:25"));
	assert_true(sleeps(w, ID));
	/* It counts as an attempt: retry-first, and its spread. */
	assert_patience(w, 262000, 339000);
	stock_admit(&w->stock, ID, false);
	assert_sleeps(w, ID, 261000, 339000);
	/* What is known of it is not lost when it is looked at again. */
	stock_flush(&w->stock, ID);
	assert_true(entry(w, ID)->again);
	assert_int_equal(entry(w, ID)->active, 0);
	t = take(w, "b.example:25");
	assert_int_equal(t->n, 2);
	finish(w, t, relayed, 0);
	assert_null(entry(w, ID));
}

/* What a worker says about something else is not believed. */
static void
test_false_answers(void **state)
{
	struct world *w = *state;
	struct done good, d;
	int64_t wait;
	struct task *t;

	make(w, ID, "ann@example.com", "a@b.example c@b.example");
	for (int i = 0; i < 4; i++) {
		stock_admit(&w->stock, ID, false);
		stock_flush(&w->stock, ID);
		t = take(w, "b.example:25");
		good = d = answer(t, deferred, 0);
		d.recipient[0].kind = d.recipient[1].kind = OUTCOME_RELAYED;
		switch (i) {
		case 0:
			d.n = 1;
			break;
		case 1:
			d.recipient[1].index = 7;
			break;
		case 2:
			d.recipient[1].index = d.recipient[0].index;
			break;
		case 3:
			memcpy(d.name, OTHER, sizeof(OTHER));
			break;
		}
		stock_finish(&w->stock, t, &d);
		/* Two attempts each round: the deferral and the death. */
		wait = 600 << (2 * i) < 4000 ? 600 << (2 * i) : 4000;
		assert_sleeps(w, ID, (wait - wait / 8 - 1) * 1000,
		    (wait + wait / 8 + 1) * 1000);
	}
	stock_flush(&w->stock, ID);
	t = take(w, "b.example:25");
	good.recipient[0].kind = good.recipient[1].kind = OUTCOME_RELAYED;
	stock_finish(&w->stock, t, &good);
	assert_null(entry(w, ID));
}

static void
test_flush(void **state)
{
	struct world *w = *state;
	int64_t next = clock_wall() + 3000;

	make(w, ID, "ann@example.com", "a@b.example c@d.example");
	make(w, OTHER, "ann@example.com", "e@b.example");
	stock_admit(&w->stock, ID, false);
	stock_admit(&w->stock, OTHER, false);
	hop(w, "b.example:25")->dead_until = INT64_MAX;
	finish(w, take(w, "b.example:25"), deferred, next);
	finish(w, take(w, "b.example:25"), deferred, next);
	finish(w, take(w, "d.example:25"), deferred, next);
	assert_true(sleeps(w, ID) && sleeps(w, OTHER));
	/* It is remembered as long as that something may wait for it. */
	assert_true(hop(w, "b.example:25")->dead_until == INT64_MAX);
	assert_null(hop(w, "d.example:25"));
	stock_flush(&w->stock, "01ARZ3NDEKTSV4RRFZ");
	assert_int_equal(length(&hop(w, "b.example:25")->ready), 0);
	stock_flush(&w->stock, OTHER);
	assert_false(sleeps(w, OTHER));
	assert_int_equal(length(&hop(w, "b.example:25")->ready), 1);
	assert_null(hop(w, "d.example:25"));
	assert_true(hop(w, "b.example:25")->dead_until == 0);
	stock_flush(&w->stock, OTHER);
	assert_int_equal(length(&hop(w, "b.example:25")->ready), 1);
	stock_flush(&w->stock, "");
	assert_int_equal(stock_patience(&w->stock, false), 0);
	stock_wake(&w->stock);
	assert_int_equal(length(&hop(w, "b.example:25")->ready), 2);
	assert_int_equal(length(&hop(w, "d.example:25")->ready), 1);
	assert_int_equal(stock_patience(&w->stock, false), -1);
	/* What waits beside something that is ready is put off here. */
	finish(w, take(w, "d.example:25"), deferred, next);
	assert_non_null(entry(w, ID));
	assert_patience(w, 2900000, 3000000);
	/* One that a worker has in hand is left alone. */
	(void)take(w, "b.example:25");
	stock_flush(&w->stock, "");
	assert_int_equal(length(&hop(w, "b.example:25")->ready), 1);
	assert_int_equal(length(&hop(w, "d.example:25")->ready), 1);
	entry(w, ID)->active = entry(w, OTHER)->active = 0;
}

/* An operator takes an entry away while it waits. */
static void
test_held(void **state)
{
	struct world *w = *state;
	struct fault why;
	struct list *l;

	make(w, ID, "ann@example.com", "a@b.example");
	stock_admit(&w->stock, ID, false);
	finish(w, take(w, "b.example:25"), deferred, clock_wall() + 600);
	assert_int_equal(spool_set_aside(&w->f.spool, ID, "hold", &why), 0);
	assert_true(sleeps(w, ID));
	stock_admit(&w->stock, ID, false);
	assert_false(sleeps(w, ID));
	assert_null(entry(w, ID));
	assert_int_equal(spool_bring_back(&w->f.spool, ID, "hold", &why), 0);
	stock_admit(&w->stock, ID, false);
	assert_true(sleeps(w, ID));
	/* And without saying so. */
	stock_flush(&w->stock, ID);
	finish(w, take(w, "b.example:25"), deferred, clock_wall() + 600);
	stock_flush(&w->stock, ID);
	entry_close(&w->stock, entry(w, ID));
	assert_int_equal(spool_set_aside(&w->f.spool, ID, "hold", &why), 0);
	l = list_shift(&hop(w, "b.example:25")->ready);
	assert_false(stock_open(&w->stock, LIST_OF(l, struct task, link)));
	assert_null(entry(w, ID));
	assert_patience(w, 1500, 2000);
}

/* The bounce of a bounce of a bounce: all is given up in one go. */
static void
test_discarded(void **state)
{
	struct world *w = *state;

	make(w, ID "-b1-b1", "", "a@b.example");
	stock_admit(&w->stock, ID "-b1-b1", false);
	finish(w, take(w, "b.example:25"), failed, 0);
	assert_int_equal(fake_count(&w->f, "q"), 0);
	assert_int_equal(w->stock.by_name.n, 0);
}

/* More entries than are kept open, and many descriptors never. */
static void
test_many(void **state)
{
	enum { N = 300 };
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct envelope env = fake_envelope(&w->f, "ann@example.com",
	    "a@b.example c@d.example");
	unsigned before = fake_open_files();

	for (int i = 0; i < N; i++) {
		fake_submit(&w->f, &env, NULL, STR_NONE, STR("A: b\r\n"),
		    name);
		stock_admit(&w->stock, name, false);
	}
	assert_int_equal(w->stock.by_name.n, N);
	assert_true(w->stock.open <= 256);
	assert_true(fake_open_files() - before <= 256);
	for (int i = 0; i < N; i++)
		finish(w, take(w, "b.example:25"), relayed, 0);
	for (int i = 0; i < N; i++)
		finish(w, take(w, "d.example:25"), relayed, 0);
	assert_int_equal(w->stock.by_name.n, 0);
	assert_int_equal(w->stock.open, 0);
	assert_int_equal(fake_count(&w->f, "q"), 0);
}

static void
defer(struct world *w, const char *name, uint32_t n, int64_t next)
{
	struct outcome o = { .kind = OUTCOME_DEFERRED };
	struct message m;
	struct fault why;

	fake_open(&w->f, name, true, &m);
	for (uint32_t i = 0; i < n; i++) {
		slots_enter(&m, i, &o, next);
		assert_int_equal(slots_write(&m, &i, 1, true, &why), 0);
	}
	message_close(&m);
}

static uint32_t
boot(int64_t later)
{
	return (uint32_t)(clock_boot_ms() / 1000 + later);
}

/* What the index says to be far from due is not opened, and what it says is
 * believed for no more than that. */
static void
test_found(void **state)
{
	struct world *w = *state;

	make(w, ID, "ann@example.com", "a@b.example");
	make(w, OTHER, "ann@example.com", "a@b.example");
	assert_false(stock_found(&w->stock, ID, boot(100)));
	assert_true(sleeps(w, ID));
	assert_patience(w, 98000, 100000);
	/* It is known now, whatever the index says. */
	assert_false(stock_found(&w->stock, ID, 0));
	assert_false(stock_found(&w->stock, ID, boot(1)));
	assert_patience(w, 97000, 100000);
	assert_true(stock_found(&w->stock, OTHER, 0));
	assert_false(stock_found(&w->stock, OTHER, 0));
	assert_true(entry(w, OTHER)->again && entry(w, OTHER)->woken);
	assert_int_equal(w->stock.woken, 1);
	/* It has gone, or its slots say that it was done: its time tells. */
	assert_int_equal(spool_remove(&w->f.spool, ID,
	    &(struct fault){ 0 }), 0);
	dormant_rouse(&w->stock.dormant);
	stock_wake(&w->stock);
	assert_false(sleeps(w, ID));
	assert_null(entry(w, ID));
	/* A later time in the slots than in the index. */
	make(w, ID, "ann@example.com", "a@b.example");
	defer(w, ID, 1, clock_wall() + 1000);
	assert_false(stock_found(&w->stock, ID, DORMANT_NOW));
	stock_wake(&w->stock);
	assert_sleeps(w, ID, 990000, 1001000);
}

/* A mark in the journal is for an entry that must be opened. */
static void
test_found_with_journal(void **state)
{
	struct world *w = *state;
	struct fault why;

	make(w, ID, "ann@example.com", "a@b.example c@d.example");
	defer(w, ID, 2, clock_wall() + 100);
	assert_int_equal(journal_add(&w->stock.journal, &w->f.spool, ID, 0,
	    &why), 0);
	assert_true(stock_found(&w->stock, ID, boot(100)));
	assert_true(sleeps(w, ID));
	stock_has_seen_all(&w->stock);
	assert_int_equal(journaled(w), 0);
	stock_flush(&w->stock, ID);
	assert_int_equal(entry(w, ID)->tasks, 1);
	assert_null(hop(w, "b.example:25"));
	assert_non_null(hop(w, "d.example:25"));
}

/* The one bounce too many for its name to be packed. */
static void
test_name_that_does_not_fit(void **state)
{
	struct world *w = *state;

	make(w, ID "-b8", "", "a@b.example");
	defer(w, ID "-b8", 1, clock_wall() + 100);
	assert_true(stock_found(&w->stock, ID "-b8", boot(100)));
	assert_false(sleeps(w, ID "-b8"));
	assert_int_equal(entry(w, ID "-b8")->fd, -1);
	assert_patience(w, 98000, 100000);
	stock_flush(&w->stock, "");
	finish(w, take(w, "b.example:25"), relayed, 0);
	assert_int_equal(fake_count(&w->f, "q"), 0);
}

/* However many are due, so many are in memory; fresh mail always is. */
static void
test_room(void **state)
{
	struct world *w = *state;

	make(w, ID, "ann@example.com", "a@b.example");
	make(w, OTHER, "ann@example.com", "a@b.example");
	w->stock.woken = 20000;
	assert_false(stock_found(&w->stock, ID, 0));
	assert_true(sleeps(w, ID));
	stock_wake(&w->stock);
	assert_true(sleeps(w, ID));
	assert_int_equal(stock_patience(&w->stock, false), -1);
	stock_admit(&w->stock, OTHER, false);
	assert_non_null(entry(w, OTHER));
	assert_int_equal(w->stock.woken, 20000);
	w->stock.woken = 19999;
	assert_int_equal(stock_patience(&w->stock, false), 0);
	stock_wake(&w->stock);
	assert_non_null(entry(w, ID));
	assert_int_equal(w->stock.woken, 20000);
	w->stock.woken = 1;
}

/* A bounce that is owed is never slept over. */
static void
test_owes_is_awake(void **state)
{
	static const enum outcome_kind both[] = { OUTCOME_DEFERRED,
	    OUTCOME_FAILED };
	struct world *w = *state;
	struct task *t;

	make(w, ID, "ann@example.com", "a@b.example b@b.example c@d.example");
	stock_admit(&w->stock, ID, false);
	t = take(w, "d.example:25");
	finish(w, take(w, "b.example:25"), both, clock_wall() + 100);
	assert_false(sleeps(w, ID));
	assert_true(entry(w, ID)->owes);
	finish(w, t, deferred, clock_wall() + 200);
	assert_non_null(entry(w, ID "-b1"));
	assert_true(sleeps(w, ID));
	/* The first of its tasks tells when. */
	assert_patience(w, 98000, 101000);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_by_destination),
		WITH(test_many_recipients),
		WITH(test_delivered),
		WITH(test_mixed),
		WITH(test_one_bounce),
		WITH(test_owes_from_before),
		WITH(test_finished_before),
		WITH(test_goes_nowhere),
		WITH(test_waits_from_before),
		WITH(test_locked),
		WITH(test_gone_void_damaged),
		WITH(test_damaged_content),
		WITH(test_damaged_bounce),
		WITH(test_unsaved),
		WITH(test_unsaved_twice),
		WITH(test_unsaved_by_another),
		WITH(test_open_later),
		WITH(test_abandoned),
		WITH(test_false_answers),
		WITH(test_flush),
		WITH(test_held),
		WITH(test_discarded),
		WITH(test_many),
		WITH(test_found),
		WITH(test_found_with_journal),
		WITH(test_name_that_does_not_fit),
		WITH(test_room),
		WITH(test_owes_is_awake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
