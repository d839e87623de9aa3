/* SPDX-License-Identifier: ISC */
/*
 * stock/dormant: what is put in is found, comes out once and not before its
 * time, and in the end nothing is left; beside a plain list that does the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "stock/dormant.h"

#define ID	"01ARZ3NDEKTSV4RRFF"
#define OTHER	"01ARZ3NDEKTSV4RRFG"

static int
setup(void **state)
{
	struct dormant *d = calloc(1, sizeof(*d));

	dormant_init(d);
	*state = d;
	return 0;
}

static int
teardown(void **state)
{
	dormant_clear(*state);
	free(*state);
	return 0;
}

static bool
take(struct dormant *d, uint32_t now, const char *want)
{
	char name[SPOOL_NAME_MAX];
	bool roused;

	if (!dormant_take(d, now, name, &roused))
		return false;
	assert_string_equal(name, want);
	assert_false(roused);
	return true;
}

static void
test_one(void **state)
{
	struct dormant *d = *state;

	assert_int_equal(dormant_find(d, ID), 0);
	assert_false(dormant_remove(d, ID));
	assert_false(take(d, UINT32_MAX - 1, ""));
	assert_true(d->earliest == DORMANT_NEVER);
	assert_true(dormant_put(d, ID, 100));
	assert_false(dormant_put(d, ID "-b8", 100));
	assert_false(dormant_put(d, "no name", 100));
	assert_int_equal(d->n, 1);
	assert_int_equal(d->earliest, 100);
	assert_int_equal(dormant_find(d, ID), 100);
	assert_int_equal(dormant_find(d, OTHER), 0);
	assert_int_equal(dormant_find(d, ID "-b1"), 0);
	assert_int_equal(dormant_find(d, "no name"), 0);
	assert_false(take(d, 99, ""));
	/* Another time for it: the last word counts. */
	assert_true(dormant_put(d, ID, 50));
	assert_int_equal(d->n, 1);
	assert_int_equal(d->earliest, 50);
	assert_true(dormant_put(d, ID, 70));
	assert_false(take(d, 69, ""));
	assert_int_equal(d->earliest, 70);
	assert_true(take(d, 70, ID));
	assert_false(take(d, 70, ""));
	assert_int_equal(d->n, 0);
	assert_true(d->earliest == DORMANT_NEVER);
	assert_true(dormant_put(d, ID, 80));
	assert_true(dormant_remove(d, ID));
	assert_false(dormant_remove(d, ID));
	assert_false(take(d, 80, ""));
}

static void
test_rouse(void **state)
{
	struct dormant *d = *state;
	char name[SPOOL_NAME_MAX];
	bool roused;
	unsigned n = 0;

	dormant_rouse(d);
	assert_true(d->earliest == DORMANT_NEVER);
	dormant_put(d, ID, 1000000);
	dormant_put(d, OTHER, DORMANT_NOW);
	dormant_put(d, ID "-b1", DORMANT_NOW);
	dormant_rouse(d);
	while (dormant_take(d, 10, name, &roused)) {
		assert_true(roused);
		/* What is put back has its own time again. */
		if (n++ == 0)
			assert_true(dormant_put(d, name, 20));
	}
	assert_int_equal(n, 3);
	assert_int_equal(d->n, 1);
	assert_false(dormant_take(d, 19, name, &roused));
	assert_true(dormant_take(d, 20, name, &roused));
	assert_false(roused);
}

/* What is new in it counts, and what came from the index does not. */
static void
test_news(void **state)
{
	struct dormant *d = *state;
	uint8_t packed[PACK_SIZE];
	unsigned shard;

	assert_true(pack_name(ID, packed));
	shard = pack_shard(packed);
	dormant_restore(d, ID, 100);
	assert_int_equal(d->shard[shard].news, 0);
	dormant_put(d, ID, 101);
	assert_int_equal(d->shard[shard].news, 1);
	dormant_spoil(d, shard);
	assert_true(d->shard[shard].news > 1000000);
	dormant_put(d, ID, 102);
	assert_true(d->shard[shard].news > 1000000);
}

enum { NAMES = 6000, ROUNDS = 60000 };

struct model {
	char		name[NAMES][SPOOL_NAME_MAX];
	uint32_t	due[NAMES];		/* 0: not in it */
};

static unsigned
number_of(const struct model *m, const char *name)
{
	uint64_t n;

	assert_true(num_parse_base32(str_span(name, 10), &n));
	assert_true(n < NAMES);
	assert_string_equal(name, m->name[n]);
	return (unsigned)n;
}

static void
drain(struct dormant *d, struct model *m, uint32_t now, unsigned most)
{
	char name[SPOOL_NAME_MAX];
	bool roused;

	while (most-- > 0 && dormant_take(d, now, name, &roused)) {
		unsigned i = number_of(m, name);

		assert_true(m->due[i] != 0 && m->due[i] <= now);
		m->due[i] = 0;
	}
}

static void
compare(const struct dormant *d, const struct model *m, uint32_t now)
{
	size_t n = 0;

	for (unsigned i = 0; i < NAMES; i++) {
		assert_int_equal(dormant_find(d, m->name[i]), m->due[i]);
		n += m->due[i] != 0;
		/* None will be late by more than a table rests. */
		if (m->due[i] != 0)
			assert_true(d->earliest <= (m->due[i] > now ?
			    m->due[i] : now) + NAMES / 1024 + 1);
	}
	assert_int_equal(d->n, n);
}

/* Few shards, so that tables grow, collide and are walked while they change. */
static void
run(struct dormant *d, unsigned seed, unsigned shards)
{
	struct model *m = calloc(1, sizeof(*m));
	uint32_t now = 10, begin;
	size_t left;

	srandom(seed);
	for (unsigned i = 0; i < NAMES; i++) {
		spool_name_new(m->name[i], i);
		num_base32(m->name[i] + 16, 2, i % shards);
	}
	for (unsigned r = 0; r < ROUNDS; r++) {
		unsigned i = (unsigned)random() % NAMES;
		uint32_t due = now + (uint32_t)random() % 300;

		switch (random() % 4) {
		case 0:
		case 1:
			assert_true(dormant_put(d, m->name[i], due));
			m->due[i] = due;
			break;
		case 2:
			assert_int_equal(dormant_remove(d, m->name[i]),
			    m->due[i] != 0);
			m->due[i] = 0;
			break;
		case 3:
			drain(d, m, now, (unsigned)random() % 4);
			now += r % 100 == 0;
			break;
		}
		if (r % 5000 == 0)
			compare(d, m, now);
	}
	compare(d, m, now);
	/* All come out, not later than the rest that a table has. */
	begin = now;
	for (left = d->n; d->n > 0; now++) {
		drain(d, m, now, UINT32_MAX);
		for (unsigned i = 0; i < NAMES; i++)
			if (m->due[i] != 0 &&
			    (m->due[i] > begin ? m->due[i] : begin) +
			    NAMES / 1024 + 2 <= now)
				fail_msg("due at %u, still here at %u",
				    m->due[i], now);
	}
	assert_true(left > 100);
	compare(d, m, now);
	for (unsigned i = 0; i < SPOOL_SHARDS; i++)
		assert_int_equal(d->shard[i].n, 0);
	dormant_clear(d);
	free(m);
}

static void
test_as_a_list(void **state)
{
	struct dormant *d = *state;

	for (unsigned seed = 1; seed < 4; seed++) {
		run(d, seed, 1);
		run(d, seed, 3);
		run(d, seed, 1024);
	}
}

static void
test_next(void **state)
{
	struct dormant *d = *state;
	const struct dormant_record *r;
	uint8_t packed[PACK_SIZE];
	uint32_t at = 0;

	assert_true(pack_name(ID, packed));
	assert_null(dormant_next(d, pack_shard(packed), &at));
	dormant_put(d, ID, 5);
	r = dormant_next(d, pack_shard(packed), &at);
	assert_non_null(r);
	assert_memory_equal(r->name, packed, PACK_SIZE);
	assert_int_equal(r->due, 5);
	assert_null(dormant_next(d, pack_shard(packed), &at));
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_one),
		WITH(test_rouse),
		WITH(test_news),
		WITH(test_as_a_list),
		WITH(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
