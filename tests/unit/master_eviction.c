/* SPDX-License-Identifier: ISC */
/* master/eviction: in which order sessions are asked to leave, and who never is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "master/eviction.h"

#define LATER	(EVICTION_AGE + 1000)

static const struct conf_budget limits = { .most = 100, .per_client = 20,
    .per_network = 60 };

static struct budget *budget;
static struct children children;

static int
begin(void **state)
{
	(void)state;
	budget = budget_new(&limits, NULL);
	children_init(&children, 100, NULL, 1);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	children_free(&children);
	budget_free(budget);
	return 0;
}

/* A session with that process, since then. */
static void
add(const char *client, pid_t pid, int64_t since, bool trusted, bool submits)
{
	struct budget_guest g = { .trusted = trusted, .submits = submits };
	struct budget_seat seat;

	assert_true(ip_parse(str_of(client), &g.ip));
	assert_int_equal(budget_enter(budget, &g, since, &seat),
	    BUDGET_WELCOME);
	children_add(&children, pid, &g.ip, &seat, since);
}

/* The process that is asked next; 0: nobody. */
static pid_t
next_at(int64_t now)
{
	int number = eviction_next(&children, budget, now);
	struct child *c;
	size_t at = 0;

	while ((c = children_walk(&children, &at)) != NULL)
		if (number >= 0 && c->number == (uint32_t)number)
			return c->pid;
	assert_int_equal(number, -1);
	return 0;
}

static void
leave(pid_t pid)
{
	struct budget_seat seat;

	assert_true(children_remove(&children, pid, &seat));
	budget_leave(budget, &seat);
}

/* The largest network first, and in it who has been there for longest. */
static void
test_order(void **state)
{
	(void)state;
	add("198.51.100.9", 1, 1, false, false);
	add("192.0.2.1", 2, 30, false, false);
	add("192.0.2.2", 3, 20, false, true);
	add("192.0.2.3", 4, 40, false, false);
	add("2001:db8:0:1::1", 5, 2, false, false);
	add("2001:db8:0:2::1", 6, 3, false, false);
	assert_int_equal(next_at(LATER), 3);
	assert_int_equal(next_at(LATER), 2);
	leave(3);
	leave(2);
	/* Two of one /56 now, and one of the other network. */
	assert_int_equal(next_at(LATER), 5);
	assert_int_equal(next_at(LATER), 6);
	/* Each is asked once, whether it goes or not. */
	assert_int_equal(next_at(LATER), 1);
	assert_int_equal(next_at(LATER), 4);
	assert_int_equal(next_at(LATER), 0);
	add("192.0.2.1", 7, LATER, false, false);
	assert_int_equal(next_at(LATER), 0);
	assert_int_equal(next_at(2 * LATER), 7);
}

static void
test_who_stays(void **state)
{
	const struct ip none = { .family = 0 };
	struct budget_guest proxy = { .is_proxy = true };
	struct budget_seat seat;

	(void)state;
	/* Ours, a user, who has just come, and a proxy who has not yet said. */
	add("192.0.2.1", 1, 1, true, false);
	add("192.0.2.2", 2, 1, false, true);
	budget_log_in(budget, 2,
	    &children_find(&children, 2)->seat);
	add("192.0.2.3", 3, 5000, false, false);
	assert_int_equal(budget_enter(budget, &proxy, 1, &seat),
	    BUDGET_WELCOME);
	children_add(&children, 4, &none, &seat, 1);
	assert_int_equal(next_at(LATER), 0);
	assert_int_equal(next_at(5000 + EVICTION_AGE), 3);
	assert_int_equal(next_at(INT64_C(1) << 40), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, begin, end),
		cmocka_unit_test_setup_teardown(test_who_stays, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
