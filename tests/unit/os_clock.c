/* SPDX-License-Identifier: ISC */
/*
 * os/clock: the clocks agree with the system's, and this boot has one name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"

static void
wall(void **state)
{
	time_t before = time(NULL);
	int64_t now = clock_wall(), ms = clock_wall_ms();

	(void)state;
	assert_true(now >= before && now <= time(NULL));
	assert_true(ms / 1000 >= now && ms / 1000 <= now + 2);
}

static void
others_go_on(void **state)
{
	int64_t boot = clock_boot_ms(), mono = clock_mono_ms();

	(void)state;
	assert_true(boot > 0 && mono > 0);
	/* Boot time counts suspended time as well. */
	assert_true(boot + 1 >= mono);
	usleep(20000);
	assert_true(clock_boot_ms() - boot >= 19);
	assert_true(clock_mono_ms() - mono >= 19);
	assert_true(clock_mono_ms() - mono < 20000);
}

static void
boot_has_a_name(void **state)
{
	static const uint8_t none[16];
	uint8_t a[16], b[16];

	(void)state;
	clock_boot_id(a);
	memset(b, 0xff, sizeof(b));
	clock_boot_id(b);
	assert_memory_equal(a, b, 16);
	assert_memory_not_equal(a, none, 16);
	/* A random UUID (RFC 9562 5.4) says so. */
	assert_int_equal(a[6] >> 4, 4);
	assert_int_equal(a[8] >> 6, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wall),
		cmocka_unit_test(others_go_on),
		cmocka_unit_test(boot_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
