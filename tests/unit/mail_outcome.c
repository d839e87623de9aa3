/* SPDX-License-Identifier: ISC */
/* mail/outcome: from a fault, and the words of the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/outcome.h"

static void
test_of_fault(void **state)
{
	struct arena a = { 0 };
	char host[] = "mx.example", where[] = "mx.example[192.0.2.1]:25";
	struct outcome o;
	struct fault f;

	(void)state;
	fault_permanent(&f, 550, 1, 1, "no such user");
	o = outcome_of_fault(&a, &f, str_of(host), str_of(where));
	/* Nothing of it may live in what it was made from. */
	fault_temporary(&f, 451, 4, 1, "no answer");
	host[0] = where[0] = '#';
	assert_int_equal(o.kind, OUTCOME_FAILED);
	assert_int_equal(o.reply, 550);
	assert_int_equal(o.status.class, 5);
	assert_int_equal(o.status.subject, 1);
	assert_int_equal(o.status.detail, 1);
	assert_int_equal(o.delay_ms, 0);
	assert_true(str_eq(o.host, STR("mx.example")));
	assert_true(str_eq(o.where, STR("mx.example[192.0.2.1]:25")));
	assert_true(str_eq(o.text, STR("no such user")));

	o = outcome_of_fault(&a, &f, STR_NONE, STR("none"));
	assert_int_equal(o.kind, OUTCOME_DEFERRED);
	assert_int_equal(o.reply, 451);
	assert_int_equal(o.status.class, 4);
	assert_int_equal(o.status.subject, 4);
	assert_int_equal(o.host.n, 0);
	assert_true(str_eq(o.where, STR("none")));
	assert_true(str_eq(o.text, STR("no answer")));
	arena_free(&a);
}

static void
test_words(void **state)
{
	(void)state;
	assert_string_equal(outcome_word(OUTCOME_DEFERRED), "deferred");
	assert_string_equal(outcome_word(OUTCOME_DELIVERED), "sent");
	assert_string_equal(outcome_word(OUTCOME_RELAYED), "sent");
	assert_string_equal(outcome_word(OUTCOME_FAILED), "bounced");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_fault),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
