/* SPDX-License-Identifier: ISC */
/* Who wants to hear of what: RFC 3461 5.2, RFC 2852 4.1.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/envelope.h"

static void
test_wants(void **state)
{
	/* notify, and whether failure, delay, success, expansion are told */
	static const struct {
		unsigned	notify;
		bool		failure, delay, success, expanded;
	} rows[] = {
		{ WANT_UNSAID, true, true, false, false },
		{ WANT_NEVER, false, false, false, false },
		{ WANT_SUCCESS, false, false, true, false },
		{ WANT_FAILURE, true, false, false, false },
		{ WANT_DELAY, false, true, false, false },
		{ WANT_SUCCESS | WANT_FAILURE, true, false, true, false },
		{ WANT_EXPANDED, false, false, false, true },
		{ WANT_EXPANDED | WANT_FAILURE, true, false, false, true },
	};
	struct envelope e = { .sender = { STR("a"), STR("b.example") } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct recipient r = { .notify = rows[i].notify };

		assert_int_equal(envelope_wants(&e, &r, WANT_FAILURE),
		    rows[i].failure);
		assert_int_equal(envelope_wants(&e, &r, WANT_DELAY),
		    rows[i].delay);
		assert_int_equal(envelope_wants(&e, &r, WANT_SUCCESS),
		    rows[i].success);
		assert_int_equal(envelope_wants(&e, &r, WANT_EXPANDED),
		    rows[i].expanded);
	}
}

/* RFC 3461 5.2: nothing goes back to <>, but for the postmaster. */
static void
test_null_sender(void **state)
{
	struct envelope e = { 0 };
	struct recipient r = { .notify = WANT_SUCCESS | WANT_FAILURE |
	    WANT_DELAY };

	(void)state;
	assert_true(envelope_wants(&e, &r, WANT_FAILURE));
	assert_false(envelope_wants(&e, &r, WANT_DELAY));
	assert_false(envelope_wants(&e, &r, WANT_SUCCESS));
}

static void
test_late(void **state)
{
	struct envelope e = { 0 };

	(void)state;
	assert_false(envelope_is_late(&e, INT64_MAX));
	e.wishes.by = BY_RETURN;
	e.wishes.by_time = 100;
	assert_false(envelope_is_late(&e, 99));
	assert_true(envelope_is_late(&e, 100));
}

static void
test_ascii(void **state)
{
	struct arena a = { 0 };
	struct envelope e = { .sender = { STR("a"), STR("b.example") } };
	struct recipient r = { .address = { STR("c"), STR("d.example") },
	    .original = { STR("\xc3\xa9"), STR("d.example") } };

	(void)state;
	vec_push(&a, &e.recipients, r);
	assert_true(envelope_is_ascii(&e));
	e.recipients.p[0].address.domain = STR("\xc3\xa9.example");
	assert_false(envelope_is_ascii(&e));
	e.recipients.p[0].address.domain = STR("d.example");
	e.sender.local = STR("\xc3\xa9");
	assert_false(envelope_is_ascii(&e));
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wants),
		cmocka_unit_test(test_null_sender),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
