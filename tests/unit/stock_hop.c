/* SPDX-License-Identifier: ISC */
/*
 * stock/hop: a destination lives as long as something refers to it, and those
 * with something ready take turns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "stock/hop.h"

static struct next
relay_to(char key[32], const char *host)
{
	struct next n = { .kind = NEXT_RELAY, .port = 25, .mx = true };

	snprintf(key, 32, "%s:25", host);
	n.host = str_of(host);
	n.key = str_of(key);
	return n;
}

static void
test_life(void **state)
{
	struct hops h;
	char key[32], again[32];
	struct next n = relay_to(key, "example.com");
	struct hop *hop;

	(void)state;
	hops_init(&h);
	hop = hop_get(&h, &n);
	assert_int_equal(hop->tasks, 1);
	assert_int_equal(hop->workers, 0);
	assert_true(hop->dead_until == 0);
	/* What it was made of may go. */
	memset(key, 'x', sizeof(key));
	assert_true(str_eq(hop->next.key, STR("example.com:25")));
	assert_true(str_eq(hop->next.host, STR("example.com")));
	assert_int_equal(hop->next.port, 25);
	assert_true(hop->next.mx);
	n = relay_to(again, "example.com");
	assert_ptr_equal(hop_get(&h, &n), hop);
	assert_int_equal(hop->tasks, 2);
	n = relay_to(again, "example.net");
	assert_ptr_not_equal(hop_get(&h, &n), hop);
	hop_release(&h, table_find(&h.by_key, STR("example.net:25")));
	assert_null(table_find(&h.by_key, STR("example.net:25")));
	hop_release(&h, hop);
	assert_ptr_equal(table_find(&h.by_key, STR("example.com:25")), hop);
	hop_is_ready(&h, hop);
	hop_release(&h, hop);
	assert_null(table_find(&h.by_key, STR("example.com:25")));
	assert_null(hop_turn(&h));
	table_free(&h.by_key);
}

static void
test_dead_is_remembered(void **state)
{
	struct hops h;
	char key[32], host[16];
	struct next n = relay_to(key, "example.com");
	struct hop *hop, *busy;

	(void)state;
	hops_init(&h);
	hop = hop_get(&h, &n);
	hop->dead_until = 77;
	hop_is_ready(&h, hop);
	hop_release(&h, hop);
	assert_int_equal(h.remembered, 1);
	assert_null(hop_turn(&h));
	assert_ptr_equal(hop_get(&h, &n), hop);
	assert_true(hop->dead_until == 77);
	assert_int_equal(h.remembered, 0);
	/* Alive again. */
	hop_revive(hop);
	hop_release(&h, hop);
	assert_null(table_find(&h.by_key, STR("example.com:25")));
	/* Not more than so many; the first has to go. */
	for (int i = 0; i <= HOPS_REMEMBERED; i++) {
		snprintf(host, sizeof(host), "h%d", i);
		n = relay_to(key, host);
		hop = hop_get(&h, &n);
		hop->dead_until = 77;
		hop_release(&h, hop);
	}
	assert_int_equal(h.remembered, HOPS_REMEMBERED);
	assert_null(table_find(&h.by_key, STR("h0:25")));
	assert_non_null(table_find(&h.by_key, STR("h1:25")));
	assert_int_equal(h.by_key.n, HOPS_REMEMBERED);
	n = relay_to(key, "h1");
	busy = hop_get(&h, &n);
	hops_revive(&h);
	assert_int_equal(h.remembered, 0);
	assert_int_equal(h.by_key.n, 1);
	assert_true(busy->dead_until == 0);
	hop_release(&h, busy);
	assert_int_equal(h.by_key.n, 0);
	hops_free(&h);
}

static void
test_kept_for_a_worker(void **state)
{
	struct hops h;
	char key[32];
	struct next n = relay_to(key, "example.com");
	struct hop *hop;

	(void)state;
	hops_init(&h);
	hop = hop_get(&h, &n);
	hop->workers = 1;
	hop_release(&h, hop);
	assert_ptr_equal(table_find(&h.by_key, str_of(key)), hop);
	hop->workers = 0;
	hop->tasks = 1;
	hop_release(&h, hop);
	assert_null(table_find(&h.by_key, str_of(key)));
	table_free(&h.by_key);
}

static void
test_turns(void **state)
{
	struct hops h;
	struct hop *hop[4];
	char key[32], host[8];

	(void)state;
	hops_init(&h);
	assert_null(hop_turn(&h));
	for (int i = 0; i < 4; i++) {
		struct next n;

		snprintf(host, sizeof(host), "h%d", i);
		n = relay_to(key, host);
		hop[i] = hop_get(&h, &n);
		hop_is_ready(&h, hop[i]);
		hop_is_ready(&h, hop[i]);
	}
	for (int i = 0; i < 12; i++)
		assert_ptr_equal(hop_turn(&h), hop[i % 4]);
	hop_rest(hop[1]);
	hop_rest(hop[1]);
	for (int i = 0; i < 2; i++) {
		assert_ptr_equal(hop_turn(&h), hop[0]);
		assert_ptr_equal(hop_turn(&h), hop[2]);
		assert_ptr_equal(hop_turn(&h), hop[3]);
	}
	/* It comes back at the end of the row. */
	hop_is_ready(&h, hop[1]);
	assert_ptr_equal(hop_turn(&h), hop[0]);
	assert_ptr_equal(hop_turn(&h), hop[2]);
	assert_ptr_equal(hop_turn(&h), hop[3]);
	assert_ptr_equal(hop_turn(&h), hop[1]);
	hop_release(&h, hop[2]);
	for (int i = 0; i < 3; i++)
		assert_ptr_not_equal(hop_turn(&h), hop[2]);
	hop_release(&h, hop[0]);
	hop_release(&h, hop[1]);
	hop_release(&h, hop[3]);
	assert_null(hop_turn(&h));
	table_free(&h.by_key);
}

static const struct {
	enum next_kind	kind;
	enum conf_method method;
	int64_t		dead_until;
	uint64_t	configured;
	unsigned	expected;
} limits[] = {
	{ NEXT_RELAY, DELIVER_MBOX, 0, 20, 20 },
	{ NEXT_RELAY, DELIVER_MBOX, 0, 1, 1 },
	{ NEXT_RELAY, DELIVER_MBOX, 5, 20, 1 },
	{ NEXT_LOCAL, DELIVER_MBOX, 0, 20, 2 },
	{ NEXT_LOCAL, DELIVER_MBOX, 0, 1, 1 },
	{ NEXT_LOCAL, DELIVER_COMMAND, 0, 20, 2 },
	{ NEXT_LOCAL, DELIVER_MAILDIR, 0, 20, 20 },
	{ NEXT_LOCAL, DELIVER_MAILDIR, 5, 20, 1 },
};

static void
test_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct hop hop = { .next = { .kind = limits[i].kind },
		    .dead_until = limits[i].dead_until };
		struct conf c = {
			.workers_per_destination = limits[i].configured,
			.deliver.method = limits[i].method,
		};

		assert_int_equal(hop_worker_limit(&hop, &c),
		    limits[i].expected);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_dead_is_remembered),
		cmocka_unit_test(test_kept_for_a_worker),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
