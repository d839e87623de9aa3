/* SPDX-License-Identifier: ISC */
/*
 * master/child: sessions counted in all and by client, against a plain table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "master/child.h"

enum {
	CLIENTS = 40,
	PROCESSES = 300,
	OPERATIONS = 20000,
};

static void
dispose(struct children *c)
{
	table_free(&c->by_pid);
	table_free(&c->by_client);
}

static struct ip
client(unsigned i)
{
	struct ip ip = { .family = i % 2 == 0 ? 4 : 6 };

	/* The same bytes in both families are two clients. */
	ip.b[0] = 10;
	ip.b[3] = (uint8_t)(i / 2);
	return ip;
}

static void
test_model(void **state)
{
	int owner[PROCESSES];		/* the client, or -1 */
	unsigned count[CLIENTS] = { 0 }, n = 0;
	struct children c;
	uint32_t seed = 1;

	(void)state;
	children_init(&c);
	for (int i = 0; i < PROCESSES; i++)
		owner[i] = -1;
	for (int k = 0; k < OPERATIONS; k++) {
		unsigned i, who;
		struct ip ip;

		seed = seed * 1664525 + 1013904223;
		i = (seed >> 8) % PROCESSES;
		who = (seed >> 20) % CLIENTS;
		if (owner[i] < 0) {
			ip = client(who);
			children_add(&c, (pid_t)(i + 1000), &ip);
			owner[i] = (int)who;
			count[who]++;
			n++;
		} else {
			who = (unsigned)owner[i];
			assert_true(children_remove(&c, (pid_t)(i + 1000)));
			assert_false(children_remove(&c, (pid_t)(i + 1000)));
			owner[i] = -1;
			count[who]--;
			n--;
		}
		ip = client(who);
		assert_int_equal(children_of(&c, &ip), count[who]);
		assert_int_equal(c.n, n);
	}
	for (int i = 0; i < PROCESSES; i++)
		(void)children_remove(&c, i + 1000);
	/* Nothing is left of clients that have gone. */
	assert_int_equal(c.n, 0);
	assert_int_equal(c.by_pid.n, 0);
	assert_int_equal(c.by_client.n, 0);
	dispose(&c);
}

static void
test_unknown(void **state)
{
	struct children c;
	struct ip ip = client(1);

	(void)state;
	children_init(&c);
	assert_int_equal(children_of(&c, &ip), 0);
	assert_false(children_remove(&c, 1));
	children_signal(&c, SIGTERM);
	dispose(&c);
}

/* Real ones: each gets the signal, and nobody else. */
static void
test_signal(void **state)
{
	struct children c;
	struct ip ip = client(0);
	pid_t pid[3];
	int status;

	(void)state;
	children_init(&c);
	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i] == 0) {
			alarm(20);
			for (;;)
				pause();
		}
		if (i < 2)
			children_add(&c, pid[i], &ip);
	}
	assert_int_equal(children_of(&c, &ip), 2);
	children_signal(&c, SIGUSR1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGUSR1);
		assert_true(children_remove(&c, pid[i]));
	}
	assert_int_equal(waitpid(pid[2], &status, WNOHANG), 0);
	kill(pid[2], SIGKILL);
	assert_int_equal(waitpid(pid[2], &status, 0), pid[2]);
	dispose(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
