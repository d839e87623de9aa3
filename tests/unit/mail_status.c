/* SPDX-License-Identifier: ISC */
/* mail/status: codes read off replies, written, taken from faults, in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "mail/status.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* rest is NULL where there is no code. */
static const struct {
	const char	*in;
	struct status	 st;
	const char	*rest;
} cuts[] = {
	{ "2.0.0 Ok", { 2, 0, 0 }, "Ok" },
	{ "5.1.1", { 5, 1, 1 }, "" },
	{ "5.1.1 ", { 5, 1, 1 }, "" },
	{ "4.7.1 \t x  y ", { 4, 7, 1 }, "x  y " },
	{ "5.1.1\tx", { 5, 1, 1 }, "x" },
	{ "5.7.509 x", { 5, 7, 509 }, "x" },
	{ "5.999.999", { 5, 999, 999 }, "" },
	{ "2.10.0", { 2, 10, 0 }, "" },
	{ "", { 0, 0, 0 }, NULL },
	{ " 5.1.1", { 0, 0, 0 }, NULL },
	{ "5", { 0, 0, 0 }, NULL },
	{ "5.", { 0, 0, 0 }, NULL },
	{ "5.1", { 0, 0, 0 }, NULL },
	{ "5.1.", { 0, 0, 0 }, NULL },
	{ "5.1 x", { 0, 0, 0 }, NULL },
	{ "5..1", { 0, 0, 0 }, NULL },
	{ ".1.1", { 0, 0, 0 }, NULL },
	{ "5.1.1x", { 0, 0, 0 }, NULL },
	{ "5.1.1.1", { 0, 0, 0 }, NULL },
	{ "5.1.1: x", { 0, 0, 0 }, NULL },
	{ "5.1.-1", { 0, 0, 0 }, NULL },
	{ "5.1.1000", { 0, 0, 0 }, NULL },
	{ "5.1000.1", { 0, 0, 0 }, NULL },
	{ "5.1.99999999999999999999", { 0, 0, 0 }, NULL },
	{ "5.01.1", { 0, 0, 0 }, NULL },
	{ "5.1.00", { 0, 0, 0 }, NULL },
	{ "05.1.1", { 0, 0, 0 }, NULL },
	{ "0.1.1", { 0, 0, 0 }, NULL },
	{ "1.1.1", { 0, 0, 0 }, NULL },
	{ "3.1.1", { 0, 0, 0 }, NULL },
	{ "6.1.1", { 0, 0, 0 }, NULL },
	{ "55.1.1", { 0, 0, 0 }, NULL },
	{ "192.0.2.1 says no", { 0, 0, 0 }, NULL },
	{ "Ok 2.0.0", { 0, 0, 0 }, NULL },
	{ "#5.1.1", { 0, 0, 0 }, NULL },
};

static void
test_cut(void **state)
{
	struct buf b = { 0 };
	struct status st;
	struct str s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cuts); i++) {
		s = str_of(cuts[i].in);
		if (status_cut(&s, &st) != (cuts[i].rest != NULL))
			fail_msg("\"%s\"", cuts[i].in);
		if (cuts[i].rest == NULL) {
			assert_true(str_eq(s, str_of(cuts[i].in)));
			continue;
		}
		assert_true(str_eq(s, str_of(cuts[i].rest)));
		assert_int_equal(st.class, cuts[i].st.class);
		assert_int_equal(st.subject, cuts[i].st.subject);
		assert_int_equal(st.detail, cuts[i].st.detail);
		buf_reset(&b);
		status_put(&b, st);
		assert_true(str_starts(str_of(cuts[i].in), buf_str(&b)));
	}
	buf_free(&b);
}

static void
test_of_fault(void **state)
{
	struct fault f;
	struct status st;

	(void)state;
	fault_permanent(&f, 550, 1, 1, "x");
	st = status_of_fault(&f);
	assert_true(st.class == 5 && st.subject == 1 && st.detail == 1);
	fault_temporary(&f, 451, 4, 3, "x");
	st = status_of_fault(&f);
	assert_true(st.class == 4 && st.subject == 4 && st.detail == 3);
	fault_clear(&f);
	assert_int_equal(status_of_fault(&f).class, 0);
}

static void
test_text(void **state)
{
	const char *unknown = status_text((struct status){ 5, 0, 0 });
	struct status st = { 5, 0, 0 };

	(void)state;
	assert_string_equal(status_text((struct status){ 5, 1, 1 }),
	    "Bad destination mailbox address");
	assert_string_equal(status_text((struct status){ 4, 4, 7 }),
	    "Delivery time expired");
	assert_string_equal(status_text((struct status){ 4, 7, 7 }),
	    "Message integrity failure");
	/* an unknown detail has the words of its subject */
	assert_ptr_equal(status_text((struct status){ 5, 7, 509 }),
	    status_text((struct status){ 5, 7, 0 }));
	assert_ptr_equal(status_text((struct status){ 5, 9, 1 }), unknown);
	assert_ptr_equal(status_text((struct status){ 0, -1, -1 }), unknown);
	for (st.subject = 0; st.subject < 20; st.subject++) {
		for (st.detail = 0; st.detail < 40; st.detail++)
			assert_true(strlen(status_text(st)) > 5);
		if (st.subject >= 1 && st.subject <= 7)
			assert_ptr_not_equal(status_text(st), unknown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_of_fault),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
