/* SPDX-License-Identifier: ISC */
/* visit/tally: what goes into a status comes out of it, and what is none of
 * ours is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "visit/tally.h"

static void
test_round_trip(void **state)
{
	static const struct {
		unsigned	idle, back;
	} rows[] = { { 0, 0 }, { 15, 0 }, { 16, 16 }, { 63, 16 }, { 64, 64 },
	    { 255, 64 }, { 256, 256 }, { 1000000, 256 } };

	(void)state;
	for (unsigned bits = 0; bits < 32; bits++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct tally t = { 7 * (bits & 1), (bits & 2) != 0,
			    (bits & 4) != 0, (bits & 8) != 0,
			    (bits & 16) != 0, rows[i].idle };
			struct tally u;
			int status = tally_pack(&t);

			assert_in_range(status, 128, 255);
			assert_true(tally_unpack(status, &u));
			assert_int_equal(u.login, t.login);
			assert_int_equal(u.messages, t.login ||
			    (!t.failed && t.messages > 0));
			assert_int_equal(u.handshake, t.handshake);
			assert_int_equal(u.failed, t.failed && !t.login);
			assert_int_equal(u.disk, t.disk);
			assert_int_equal(u.idle, rows[i].back);
		}
}

static void
test_others(void **state)
{
	static const int others[] = { -1, 0, 1, 75, 127, 256 };
	struct tally t;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(tally_unpack(others[i], &t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
