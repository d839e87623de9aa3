/* SPDX-License-Identifier: ISC */
/* os/turn: no more than there are, and those of the dead come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/turn.h"

enum { TURNS = 3 };

/* A process that takes one, says so, and keeps it until it is killed. */
static pid_t
start_holder(const struct turns *t)
{
	int said[2], ms = 0;
	pid_t pid;
	char c;

	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (pid == 0) {
		c = turn_take(t, &ms) >= 0 ? 'y' : 'n';
		(void)!write(said[1], &c, 1);
		for (;;)
			pause();
	}
	close(said[1]);
	assert_int_equal(read(said[0], &c, 1), 1);
	close(said[0]);
	assert_int_equal(c, 'y');
	return pid;
}

static void
end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
test_turns(void **state)
{
	struct turns t;
	pid_t holder[TURNS];
	int ms = 50, turn;
	int64_t begun;

	(void)state;
	turns_make(&t, 1);
	assert_true(t.fd >= 0);
	assert_true(t.n >= 1);
	t.n = TURNS;
	for (int i = 0; i < TURNS; i++)
		holder[i] = start_holder(&t);
	begun = clock_mono_ms();
	assert_int_equal(turn_take(&t, &ms), -1);
	assert_true(ms <= 0);
	assert_true(clock_mono_ms() - begun >= 50);
	/* Its patience is used up: now it is told at once. */
	assert_int_equal(turn_take(&t, &ms), -1);
	/* One dies: it is found, wherever it is. */
	end_holder(holder[1]);
	ms = 60000;
	turn = turn_take(&t, &ms);
	assert_in_range(turn, 0, TURNS - 1);
	assert_true(ms > 0);
	end_holder(holder[0]);
	end_holder(holder[2]);
	turn_give(&t, turn);
	turn_give(&t, -1);
	for (int i = 0; i < TURNS; i++)
		holder[i] = start_holder(&t);
	for (int i = 0; i < TURNS; i++)
		end_holder(holder[i]);
	turns_free(&t);
}

static void
test_no_limit(void **state)
{
	struct turns t = { -1, 8 };
	int ms = 1000;

	(void)state;
	assert_int_equal(turn_take(&t, &ms), -1);
	assert_int_equal(ms, 1000);
	turn_give(&t, -1);
	turns_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
