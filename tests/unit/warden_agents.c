/* SPDX-License-Identifier: ISC */
/* warden/agents: who is alive, whatever else ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "warden/agents.h"

enum { MANY = 100 };

static void
test_agents(void **state)
{
	struct agents a = { 0 };

	(void)state;
	agents_forget(&a, 7);
	assert_int_equal(a.n, 0);
	for (int i = 0; i < MANY; i++) {
		assert_true(agents_have_room(&a));
		agents_add(&a, 1000 + i);
	}
	assert_int_equal(a.n, MANY);
	/* Strangers, and each of ours once. */
	agents_forget(&a, 7);
	agents_forget(&a, 1000 + MANY);
	assert_int_equal(a.n, MANY);
	for (int i = 0; i < MANY; i += 2) {
		agents_forget(&a, 1000 + i);
		agents_forget(&a, 1000 + i);
	}
	assert_int_equal(a.n, MANY / 2);
	for (unsigned i = 0; i < a.n; i++)
		assert_int_equal(a.pid[i] % 2, 1);
	assert_true(agents_have_room(&a));
	agents_add(&a, 5);
	assert_int_equal(a.n, MANY / 2 + 1);
	agents_free(&a);
	assert_int_equal(a.n, 0);
	assert_true(agents_have_room(&a));
	agents_add(&a, 6);
	assert_int_equal(a.n, 1);
	agents_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
