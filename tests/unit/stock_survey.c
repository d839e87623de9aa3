/* SPDX-License-Identifier: ISC */
/*
 * stock/survey: what a walk could not see is not taken for seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_spool.h"
#include "os/log.h"
#include "stock/survey.h"

#define ID	"01ARZ3NDEKTSV4RRFF"

struct world {
	struct fake_spool	f;
	struct conf		conf;
	struct stock		stock;
	struct survey		survey;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	fake_spool_open(&w->f);
	w->conf.hostname = STR("mx.example.org");
	w->conf.aliases = arena_printf(&w->conf.arena, "%s/aliases",
	    w->f.dir);
	w->conf.retry.first = 300;
	w->conf.retry.most = 4000;
	w->conf.workers = 1;
	log_open("/dev/null");
	stock_init(&w->stock, &w->conf, &w->f.spool,
	    alias_book_new(&w->conf));
	survey_init(&w->survey, &w->stock);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	struct fault ignored;

	(void)spool_remove(&w->f.spool, ID, &ignored);
	stock_admit(&w->stock, ID, false);
	schedule_free(&w->stock.later);
	table_free(&w->stock.later_by_name);
	table_free(&w->stock.by_name);
	hops_free(&w->stock.hops);
	dormant_clear(&w->stock.dormant);
	dormant_clear(&w->survey.index);
	schedule_free(&w->stock.schedule);
	journal_free(&w->stock.journal);
	alias_book_free(w->stock.book);
	arena_free(&w->conf.arena);
	fake_spool_close(&w->f);
	log_open("stderr");
	free(w);
	return 0;
}

static void
walk(struct world *w)
{
	w->survey.due = 0;
	assert_true(survey_start_due(&w->survey));
	while (w->survey.walking)
		survey_step(&w->survey);
}

/* A note in the journal waits for the directory that could not be read. */
static void
test_missed(void **state)
{
	struct world *w = *state;
	struct envelope env = fake_envelope(&w->f, "ann@example.com",
	    "a@b.example c@d.example");
	struct message m;
	struct fault why;
	char shard[3];

	fake_submit(&w->f, &env, ID, STR("Received: x\r\n"),
	    STR("Subject: y\r\n\r\n"), NULL);
	assert_int_equal(journal_add(&w->stock.journal, &w->f.spool, ID, 0,
	    &why), 0);
	spool_shard(ID, shard);
	assert_int_equal(renameat(w->f.spool.q, shard, w->f.spool.q, "away"),
	    0);
	walk(w);
	assert_int_equal(w->stock.by_name.n, 0);
	assert_true(journal_has(&w->stock.journal, ID, 0));
	assert_int_equal(renameat(w->f.spool.q, "away", w->f.spool.q, shard),
	    0);
	walk(w);
	assert_int_equal(w->stock.by_name.n, 1);
	assert_false(journal_has(&w->stock.journal, ID, 0));
	fake_open(&w->f, ID, false, &m);
	assert_int_equal(m.slots[0].state, SLOT_DONE);
	assert_int_equal(m.slots[1].state, SLOT_PENDING);
	message_close(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_missed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
