/* SPDX-License-Identifier: ISC */
/*
 * os/private: it can be used, is zero at first, and is not there in a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/private.h"

#define SIZE	100000

static void
test_use(void **state)
{
	char *p = private_alloc(SIZE);

	(void)state;
	for (int i = 0; i < SIZE; i++)
		assert_int_equal(p[i], 0);
	memset(p, 'x', SIZE);
	private_free(p, SIZE);
	private_free(NULL, SIZE);
}

static void
test_not_in_a_child(void **state)
{
	unsigned char there;
	char *p = private_alloc(SIZE);
	int status;
	pid_t pid;

	(void)state;
	p[0] = 'x';
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(mincore(p, 1, &there) < 0 && errno == ENOMEM ? 7 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(p[0], 'x');
	private_free(p, SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_use),
		cmocka_unit_test(test_not_in_a_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
