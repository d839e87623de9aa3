/* SPDX-License-Identifier: ISC */
/* master/names: in a flood of questions it hears that it is to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>

#include "fake_wait.h"
#include "master/names.h"
#include "os/signal.h"

static void
test_flood(void **state)
{
	struct sock_addr server = { .port = 53 };
	struct names_setup setup = { .server = &server, .n = 1, .lines = 4 };
	struct fault why;
	int tray[2];

	(void)state;
	assert_true(ip_parse(STR("127.0.0.1"), &server.ip));
	assert_int_equal(sock_pair(SOCK_SEQPACKET, tray, &why), 0);
	setup.tray = tray[0];
	setup.taken = tray[1];
	signal_catch(SIGTERM);
	signal_block_caught();
	names_run(&setup);
	signal_reset();
	assert_true(fake_waits > 1);
	close(tray[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
