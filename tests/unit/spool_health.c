/* SPDX-License-Identifier: ISC */
/* One failure is an accident, two are a sick disk; and all processes know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/health.h"

static void
test_second_failure(void **state)
{
	struct health *h = health_new();

	(void)state;
	assert_false(health_is_sick(NULL));
	assert_false(health_is_sick(h));
	health_failed(h);
	assert_false(health_is_sick(h));
	health_failed(h);
	assert_true(health_is_sick(h));
}

static void
test_shared(void **state)
{
	struct health *h = health_new();
	int status;
	pid_t pid;

	(void)state;
	for (int i = 0; i < 2; i++) {
		pid = fork();
		if (pid == 0) {
			health_failed(h);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	assert_true(health_is_sick(h));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_failure),
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
