/* SPDX-License-Identifier: ISC */
/* One failure is an accident, two are a sick disk, for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "spool/health.h"

#define MINUTE	60000

static void
test_second_failure(void **state)
{
	struct health h = { 0 };

	(void)state;
	health_failed(&h, 1000);
	assert_int_equal(h.sick_until, 0);
	health_failed(&h, 1000 + 10 * MINUTE);
	assert_int_equal(h.sick_until, 0);
	health_failed(&h, 999 + 20 * MINUTE);
	assert_int_equal(h.sick_until, 999 + 21 * MINUTE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
