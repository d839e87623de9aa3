/* SPDX-License-Identifier: ISC */
/*
 * os/signal: a signal is a flag, once, and lost neither before nor during a
 * wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/time.h>
#include <sys/wait.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/signal.h"

static void
taken_once(void **state)
{
	(void)state;
	signal_catch(SIGUSR1);
	assert_false(signal_take(SIGUSR1));
	raise(SIGUSR1);
	raise(SIGUSR1);
	assert_true(signal_is_pending(SIGUSR1));
	assert_false(signal_is_pending(SIGUSR2));
	assert_true(signal_take(SIGUSR1));
	assert_false(signal_take(SIGUSR1));
	signal_reset();
}

static void
calls_are_interrupted(void **state)
{
	/* Again and again: the first may come before we wait. */
	const struct itimerval often = { { 0, 100000 }, { 0, 100000 } },
	    never = { { 0, 0 }, { 0, 0 } };
	char c;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	signal_catch(SIGALRM);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_int_equal(read(p[0], &c, 1), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_true(signal_take(SIGALRM));
	signal_reset();
	close(p[0]);
	close(p[1]);
}

/* A signal that came between asking and waiting ends the wait. */
static void
no_race(void **state)
{
	struct timespec limit = { 10, 0 };

	(void)state;
	signal_catch(SIGUSR1);
	signal_catch(SIGCHLD);
	signal_block_caught();
	assert_int_equal(sigismember(signal_wait_mask(), SIGUSR1), 0);
	raise(SIGUSR1);
	assert_false(signal_is_pending(SIGUSR1));
	assert_int_equal(ppoll(NULL, 0, &limit, signal_wait_mask()), -1);
	assert_int_equal(errno, EINTR);
	assert_true(signal_take(SIGUSR1));
	signal_reset();
}

static int
child(void)
{
	sigset_t now;
	struct sigaction sa;

	raise(SIGUSR2);		/* blocked, pending in the parent's way */
	signal_reset();		/* delivered with its default now: dies */
	sigprocmask(SIG_SETMASK, NULL, &now);
	sigaction(SIGUSR1, NULL, &sa);
	return sa.sa_handler == SIG_DFL && !signal_is_pending(SIGUSR1) &&
	    sigismember(&now, SIGUSR1) == 0 ? 7 : 1;
}

static void
reset_in_a_child(void **state)
{
	struct sigaction sa;
	int status;
	pid_t pid;

	(void)state;
	signal_ignore(SIGPIPE);
	signal_catch(SIGUSR1);
	raise(SIGUSR1);
	signal_block_caught();
	if ((pid = fork()) == 0) {
		signal_ignore(SIGUSR2);
		_exit(child());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	if ((pid = fork()) == 0) {
		signal_catch(SIGUSR2);
		signal_block_caught();
		_exit(child());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR2);
	/* The parent's own flags are untouched; what is ignored stays so. */
	assert_true(signal_take(SIGUSR1));
	signal_reset();
	sigaction(SIGPIPE, NULL, &sa);
	assert_ptr_equal(sa.sa_handler, SIG_IGN);
	signal_default(SIGPIPE);
}

/* Where there is always something to read, none comes by itself. */
static void
let_in(void **state)
{
	struct timespec limit = { 10, 0 };
	struct pollfd p = { .events = POLLIN };
	int pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	p.fd = pair[0];
	signal_catch(SIGUSR1);
	signal_block_caught();
	raise(SIGUSR1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ppoll(&p, 1, &limit, signal_wait_mask()), 1);
	signal_let_in();
	assert_true(signal_take(SIGUSR1));
	raise(SIGUSR1);
	assert_false(signal_take(SIGUSR1));
	signal_let_in();
	assert_true(signal_take(SIGUSR1));
	signal_reset();
	close(pair[0]);
	close(pair[1]);
}

/* A loop hears of it as well, if not at once. */
static void
let_in_while_waiting(void **state)
{
	struct timespec limit = { 10, 0 };
	struct pollfd p = { .events = POLLIN };
	int pair[2], n;
	bool taken = false;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	p.fd = pair[0];
	signal_catch(SIGUSR1);
	signal_block_caught();
	for (int k = 0; k < 3; k++) {
		raise(SIGUSR1);
		taken = false;
		for (n = 0; n < 1000 && !taken; n++) {
			assert_int_equal(ppoll(&p, 1, &limit,
			    signal_wait_mask()), 1);
			signal_waited(1);
			taken = signal_take(SIGUSR1);
		}
		assert_true(taken);
		/* Not in each: that would cost two calls. */
		assert_true(n > 1);
	}
	/* Waits that let them in by themselves begin a new count. */
	for (n = 0; n < 1000; n++) {
		if (n % 32 == 31)
			raise(SIGUSR1);
		signal_waited(n % 32 == 31 ? -1 : 1);
	}
	assert_false(signal_take(SIGUSR1));
	signal_let_in();
	assert_true(signal_take(SIGUSR1));
	signal_reset();
	close(pair[0]);
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_once),
		cmocka_unit_test(calls_are_interrupted),
		cmocka_unit_test(no_race),
		cmocka_unit_test(let_in),
		cmocka_unit_test(let_in_while_waiting),
		cmocka_unit_test(reset_in_a_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
