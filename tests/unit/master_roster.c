/* SPDX-License-Identifier: ISC */
/* master/roster: whose each process is, while masters come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "master/roster.h"

static pid_t
start_master(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	assert_true(pid > 0);
	return pid;
}

static void
end_master(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* As in a master, but here. */
static void
open_children(const struct rosters *r, struct children *c)
{
	struct rosters copy = *r;

	copy.fd[r->now] = dup(roster_fd(r));
	children_init(c, 4, roster_open(&copy), r->serial);
}

static struct ip
ip(unsigned n)
{
	return ip_of_bytes((const uint8_t[]){ 192, 0, 2, (uint8_t)n }, 4);
}

static void
add(struct children *c, pid_t pid, unsigned n)
{
	struct ip who = ip(n);

	children_add(c, pid, &who, &(struct budget_seat){ .at = { 0 } }, 0);
}

enum {
	NOT_NOW = 999,
};

/* The last octet of whose connection it has; 0: nobody knows. */
static unsigned
ask(const struct rosters *r, pid_t pid)
{
	struct child child;

	switch (rosters_ask(r, pid, &child)) {
	case ROSTER_KNOWN:
		return child.ip.b[3];
	case ROSTER_NOT_NOW:
		return NOT_NOW;
	case ROSTER_UNKNOWN:
		break;
	}
	return 0;
}

/* The younger master is right, and one that has ended is still heard. */
static void
test_generations(void **state)
{
	struct rosters r, seen;
	struct children one, two;
	struct budget_seat seat;
	struct fault why;
	pid_t first, second;

	(void)state;
	assert_int_equal(rosters_make(&r, &why), 0);
	rosters_turn(&r);
	first = start_master();
	rosters_give(&r, first);
	open_children(&r, &one);
	add(&one, 100, 1);
	add(&one, 101, 2);
	rosters_turn(&r);
	second = start_master();
	rosters_give(&r, second);
	open_children(&r, &two);
	add(&two, 101, 3);
	seen = r;
	rosters_look(&seen);
	assert_int_equal(ask(&seen, 100), 1);
	assert_int_equal(ask(&seen, 101), 3);
	assert_int_equal(ask(&seen, 102), 0);
	end_master(first);
	assert_int_equal(ask(&seen, 100), 1);
	assert_true(children_remove(&two, 101, &seat));
	assert_int_equal(ask(&seen, 101), 2);
	end_master(second);
}

/* A number that the younger master is about to give, and the older one has still:
 * nobody's, until it is known. */
static void
test_expected(void **state)
{
	struct rosters r, seen;
	struct children one, two;
	struct fault why;
	pid_t first, second;

	(void)state;
	assert_int_equal(rosters_make(&r, &why), 0);
	rosters_turn(&r);
	rosters_give(&r, first = start_master());
	open_children(&r, &one);
	add(&one, 100, 1);
	rosters_turn(&r);
	rosters_give(&r, second = start_master());
	open_children(&r, &two);
	add(&two, 200, 3);
	seen = r;
	for (int i = 0; i < ROSTERS; i++)
		seen.fd[i] = dup(r.fd[i]);
	rosters_look(&seen);
	/* What the older one expects is none of the younger one's. */
	children_expect(&one);
	assert_int_equal(ask(&seen, 200), 3);
	assert_int_equal(ask(&seen, 100), 1);
	children_expect(&two);
	assert_int_equal(ask(&seen, 100), NOT_NOW);
	assert_int_equal(ask(&seen, 300), NOT_NOW);
	assert_int_equal(ask(&seen, 200), 3);
	children_expect_no_more(&two);
	assert_int_equal(ask(&seen, 300), NOT_NOW);
	children_expect_no_more(&one);
	assert_int_equal(ask(&seen, 300), 0);
	assert_int_equal(ask(&seen, 100), 1);
	children_expect(&two);
	add(&two, 100, 4);
	assert_int_equal(ask(&seen, 100), 4);
	add(&one, 101, 2);
	/* Who dies on the way expects nobody any more. */
	children_expect(&two);
	assert_int_equal(ask(&seen, 101), NOT_NOW);
	end_master(second);
	rosters_bury(&r, second);
	assert_int_equal(ask(&seen, 101), 2);
	assert_int_equal(ask(&seen, 200), 3);
	end_master(first);
}

/* Nor is what he was changing believed, or waited for. */
static void
test_half_changed(void **state)
{
	struct rosters r, seen;
	struct children one, two;
	struct fault why;

	(void)state;
	assert_int_equal(rosters_make(&r, &why), 0);
	rosters_turn(&r);
	rosters_give(&r, 1000);
	open_children(&r, &one);
	add(&one, 101, 2);
	rosters_turn(&r);
	rosters_give(&r, 1001);
	open_children(&r, &two);
	add(&two, 200, 3);
	seen = r;
	for (int i = 0; i < ROSTERS; i++)
		seen.fd[i] = dup(r.fd[i]);
	rosters_look(&seen);
	two.shown->turn++;
	assert_int_equal(ask(&seen, 101), NOT_NOW);
	rosters_bury(&r, 1001);
	assert_int_equal(ask(&seen, 101), 2);
	assert_int_equal(ask(&seen, 200), 0);
}

/* Somebody else gets the number of one who was buried: he is no master. */
static void
test_numbers_are_given_again(void **state)
{
	struct rosters r;
	struct fault why;

	(void)state;
	assert_int_equal(rosters_make(&r, &why), 0);
	for (unsigned i = 0; i < ROSTERS; i++) {
		assert_int_equal(rosters_turn(&r), 0);
		rosters_give(&r, i == 0 ? getpid() : 1000 + (pid_t)i);
	}
	rosters_bury(&r, getpid());
	rosters_bury(&r, 1000);
	assert_int_equal(rosters_turn(&r), 0);
	rosters_give(&r, 2000);
	assert_int_equal(rosters_turn(&r), 1001);
	/* Who has lost his is nobody's owner any more. */
	rosters_give(&r, 2001);
	rosters_bury(&r, 1001);
	assert_int_equal(rosters_turn(&r), 1002);
}

/* Those of the living are kept, as long as there are others. */
static void
test_who_gives_way(void **state)
{
	struct rosters r;
	struct fault why;
	pid_t master[ROSTERS];
	unsigned of[ROSTERS];

	(void)state;
	assert_int_equal(rosters_make(&r, &why), 0);
	for (unsigned i = 0; i < ROSTERS; i++) {
		assert_int_equal(rosters_turn(&r), 0);
		master[i] = start_master();
		rosters_give(&r, master[i]);
		of[i] = r.now;
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(of[k], of[i]);
	}
	end_master(master[3]);
	rosters_bury(&r, master[3]);
	assert_int_equal(rosters_turn(&r), 0);
	assert_int_equal(r.now, of[3]);
	rosters_give(&r, getpid());
	/* He loses it while he lives, and is named. */
	assert_int_equal(rosters_turn(&r), master[0]);
	assert_int_equal(r.now, of[0]);
	for (unsigned i = 0; i < ROSTERS; i++)
		if (i != 3)
			end_master(master[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_expected),
		cmocka_unit_test(test_half_changed),
		cmocka_unit_test(test_who_gives_way),
		cmocka_unit_test(test_numbers_are_given_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
