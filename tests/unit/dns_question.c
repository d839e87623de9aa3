/* SPDX-License-Identifier: ISC */
/*
 * dns/question: what is a name, what a question looks like on the wire, and
 * which packets are an answer to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dns/question.h"

static const struct {
	const char	*name;
	size_t		 length;	/* without EDNS; 0: refused */
} names[] = {
	{ "a.test", 24 },
	{ "test", 22 },
	{ "4.3.2.1.in-addr.arpa", 38 },
	{ "_x+=.test", 27 },
	{ "a.012345678901234567890123456789012345678901234567890123456789012",
	    83 },
	{ "", 0 },
	{ ".", 0 },
	{ "a.", 0 },
	{ ".a", 0 },
	{ "a..b", 0 },
	{ "a b.test", 0 },
	{ "a\\.test", 0 },
	{ "a\nb.test", 0 },
	{ "caf\303\251.test", 0 },
	{ "0123456789012345678901234567890123456789012345678901234567890123",
	    0 },
};

static void
test_names(void **state)
{
	uint8_t out[QUESTION_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = question_put(out, 7, str_of(names[i].name), RR_A,
		    false);

		if (n != names[i].length)
			fail_msg("%s: %zu", names[i].name, n);
	}
}

static void
test_longest(void **state)
{
	uint8_t out[QUESTION_SIZE];
	char name[300];

	(void)state;
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 2 == 0 ? 'a' : '.';
	assert_int_equal(question_put(out, 7, str_span(name, 253), RR_A,
	    true), 12 + 255 + 4 + 11);
	assert_int_equal(question_put(out, 7, str_span(name, 255), RR_A,
	    true), 0);
}

static void
test_bytes(void **state)
{
	static const uint8_t expected[] = {
		0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1,
		1, 'A', 4, 't', 'e', 's', 't', 0, 0, 12, 0, 1,
		0, 0, 41, 1232 >> 8, 1232 & 255, 0, 0, 0, 0, 0, 0,
	};
	uint8_t out[QUESTION_SIZE];

	(void)state;
	assert_int_equal(question_put(out, 0x1234, STR("A.test"), RR_PTR,
	    true), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
}

/* What is done to an answer, and whether it still is one. */
static void
test_answers(void **state)
{
	static const struct {
		size_t	at;
		uint8_t	value;
		bool	is;
	} rows[] = {
		{ 2, 0x81, true },		/* as it should be */
		{ 2, 0x80, true },
		{ 2, 0x01, false },		/* a question */
		{ 0, 0x13, false },
		{ 1, 0x35, false },
		{ 5, 2, false },		/* two questions */
		{ 5, 0, false },		/* none, and no FORMERR */
		{ 4, 1, false },
		{ 13, 'a', true },
		{ 13, 'b', false },
		{ 12, 2, false },
		{ 14, 0xc0, false },
		{ 21, 1, false },		/* type */
		{ 23, 3, false },		/* class */
	};
	uint8_t question[QUESTION_SIZE], p[QUESTION_SIZE];
	size_t n = question_put(question, 0x1234, STR("A.test"), RR_PTR,
	    true);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(p, question, sizeof(p));
		p[2] |= 0x80;
		p[rows[i].at] = rows[i].value;
		if (question_has_answer(question, n, p, 24) != rows[i].is)
			fail_msg("row %zu", i);
	}
	memcpy(p, question, sizeof(p));
	p[2] |= 0x80;
	for (size_t size = 0; size < 24; size++)
		assert_false(question_has_answer(question, n, p, size));
	/* One that could not be read. */
	p[5] = 0;
	p[3] |= 1;
	assert_true(question_has_answer(question, n, p, 12));
}

static void
test_reverse(void **state)
{
	static const struct {
		const char *ip, *text;
	} rows[] = {
		{ "192.0.2.1", "1.2.0.192" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "2001:db8::ab1", "1.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0."
		    "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2" },
	};
	struct buf b = { 0 };
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(ip_parse(str_of(rows[i].ip), &ip));
		buf_reset(&b);
		question_put_reverse(&b, &ip);
		assert_string_equal(buf_cstr(&b), rows[i].text);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_reverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
