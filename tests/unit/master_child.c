/* SPDX-License-Identifier: ISC */
/*
 * master/child: the seat of each process, against a plain table; numbers as the
 * kernel gives them, and numbers that all want the same slot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <string.h>
#include <unistd.h>

#include "master/child.h"

enum {
	PROCESSES = 300,
	OPERATIONS = 20000,
};

static struct budget_seat
seat_of(unsigned i)
{
	return (struct budget_seat){ { i + 1, i + 2, 0 }, i % 2 == 0 };
}

/* Adds and removes at random; pid_of gives each process its number. */
static void
compare(pid_t (*pid_of)(unsigned))
{
	bool alive[PROCESSES] = { false };
	struct budget_seat seat, want;
	struct children c;
	uint32_t seed = 1;
	unsigned n = 0;

	children_init(&c, PROCESSES);
	for (int k = 0; k < OPERATIONS; k++) {
		unsigned i;

		seed = seed * 1664525 + 1013904223;
		i = (seed >> 8) % PROCESSES;
		want = seat_of(i);
		if (!alive[i]) {
			assert_false(children_remove(&c, pid_of(i), &seat));
			assert_null(children_find(&c, pid_of(i)));
			children_add(&c, pid_of(i), &want);
			n++;
		} else {
			memset(&seat, 0, sizeof(seat));
			assert_memory_equal(children_find(&c, pid_of(i))->at,
			    want.at, sizeof(want.at));
			assert_true(children_remove(&c, pid_of(i), &seat));
			assert_memory_equal(seat.at, want.at, sizeof(seat.at));
			assert_int_equal(seat.stranger, want.stranger);
			n--;
		}
		alive[i] = !alive[i];
		assert_int_equal(c.n, n);
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		assert_int_equal(children_remove(&c, pid_of(i), &seat),
		    alive[i]);
	assert_int_equal(c.n, 0);
	children_free(&c);
}

static pid_t
in_a_row(unsigned i)
{
	return (pid_t)(i + 4194304 - PROCESSES);
}

static pid_t
far_apart(unsigned i)
{
	return (pid_t)(i * 7919 + 1);
}

/* Multiples of a large power of two are not scattered well. */
static pid_t
crowded(unsigned i)
{
	return (pid_t)((i + 1) << 22);
}

static void
test_model(void **state)
{
	(void)state;
	compare(in_a_row);
	compare(far_apart);
	compare(crowded);
}

static void
test_full(void **state)
{
	struct budget_seat seat = seat_of(1);
	struct children c;

	(void)state;
	for (size_t max = 1; max < 10; max++) {
		children_init(&c, max);
		assert_false(children_remove(&c, 1, &seat));
		for (size_t i = 0; i < max; i++)
			children_add(&c, (pid_t)(100 + i), &seat);
		assert_int_equal(c.n, c.max);
		assert_false(children_remove(&c, 99, &seat));
		for (size_t i = 0; i < max; i++)
			assert_true(children_remove(&c, (pid_t)(100 + i),
			    &seat));
		assert_false(children_remove(&c, 100, &seat));
		children_free(&c);
	}
}

/* A session that was broken into finds nothing of this. */
static void
test_no_child_has_it(void **state)
{
	struct children c;
	int status;
	pid_t pid;

	(void)state;
	children_init(&c, PROCESSES);
	pid = fork();
	if (pid == 0) {
		/* Asks the kernel: a write from an address that is not there
		 * fails. */
		int fd[2];

		_exit(pipe(fd) == 0 && write(fd[1], c.child, 1) == -1 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	children_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_no_child_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
