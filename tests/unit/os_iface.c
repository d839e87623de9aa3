/* SPDX-License-Identifier: ISC */
/* The machine knows its own addresses: loopback is among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "os/iface.h"

static void
test_loopback(void **state)
{
	struct ip ip[64];
	size_t n = iface_addresses(ip, 64);
	bool found = false;

	(void)state;
	assert_true(n > 0 && n <= 64);
	for (size_t i = 0; i < n; i++)
		found = found || ip_is_loopback(&ip[i]);
	assert_true(found);
	assert_int_equal(iface_addresses(ip, 0), 0);
	assert_int_equal(iface_addresses(ip, 1), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
