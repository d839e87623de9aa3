/* SPDX-License-Identifier: ISC */
/* Replies, written and read, in any split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "smtp/reply.h"

#define NONE	{ 0, 0, 0 }

static void
test_put(void **state)
{
	static const struct {
		int		 code;
		struct status	 status;
		const char	*text, *expected;
	} rows[] = {
		{ 220, NONE, "mx ESMTP", "220 mx ESMTP\r\n" },
		{ 250, NONE, "", "250 \r\n" },
		{ 250, { 2, 1, 0 }, "Ok", "250 2.1.0 Ok\r\n" },
		{ 250, NONE, "mx\nSIZE 1\n8BITMIME",
		    "250-mx\r\n250-SIZE 1\r\n250 8BITMIME\r\n" },
		{ 550, { 5, 1, 1 }, "a\nb",
		    "550-5.1.1 a\r\n550 5.1.1 b\r\n" },
		{ 250, NONE, "a\n", "250 a\r\n" },
		{ 250, NONE, "a\n\nb", "250-a\r\n250-\r\n250 b\r\n" },
		{ 550, NONE, "a\r\n250 ok", "550-a?\r\n550 250 ok\r\n" },
		{ 550, NONE, "a\tb\033c\177", "550 a?b?c?\r\n" },
		{ 421, { 5, 3, 2 }, "x", "421 4.3.2 x\r\n" },
	};
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		reply_put(&b, rows[i].code, rows[i].status,
		    str_of(rows[i].text));
		assert_string_equal(buf_cstr(&b), rows[i].expected);
	}
	buf_free(&b);
}

/* Long texts are continued, each line within the limit, nothing is lost. */
static void
test_put_long(void **state)
{
	struct status status = { 5, 7, 1 };
	struct str rest, line;
	struct buf text, b, back;
	size_t i, lines = 0;

	(void)state;
	buf_init(&text);
	buf_init(&b);
	buf_init(&back);
	for (i = 0; i < 300; i++)
		buf_printf(&text, "word%zu ", i);
	for (i = 0; i < 1100; i++)
		buf_putc(&text, 'x');
	reply_put(&b, 554, status, buf_str(&text));
	rest = buf_str(&b);
	while (str_cut(&rest, '\n', &line)) {
		assert_true(line.n + 1 <= 512);
		assert_true(str_starts(line, rest.n > 0 ?
		    STR("554-5.7.1 ") : STR("554 5.7.1 ")));
		assert_true(str_ends(line, STR("\r")));
		buf_puts(&back, str_slice(line, 10, line.n - 1));
		lines++;
	}
	assert_true(lines > 5);
	assert_true(str_eq(buf_str(&back), buf_str(&text)));
	buf_free(&text);
	buf_free(&b);
	buf_free(&back);
}

static void
test_put_fault(void **state)
{
	struct fault why;
	struct buf b;

	(void)state;
	buf_init(&b);
	fault_permanent(&why, 550, 1, 1, "No such user");
	reply_put_fault(&b, &why);
	fault_temporary(&why, 451, 3, 0, "Later");
	reply_put_fault(&b, &why);
	assert_string_equal(buf_cstr(&b),
	    "550 5.1.1 No such user\r\n451 4.3.0 Later\r\n");
	buf_free(&b);
}

struct reading {
	const char	*lines;		/* parted by '|' */
	enum reply_state state;		/* after the last */
	int		 code;
	struct status	 status;
	const char	*text, *described;
};

static void
test_feed(void **state)
{
	static const struct reading rows[] = {
		{ "250 Ok", REPLY_COMPLETE, 250, NONE, "Ok", "250 Ok" },
		{ "250", REPLY_COMPLETE, 250, NONE, "", "250" },
		{ "250 ", REPLY_COMPLETE, 250, NONE, "", "250" },
		{ "354 go on", REPLY_COMPLETE, 354, NONE, "go on",
		    "354 go on" },
		{ "250-a|250-b|250 c", REPLY_COMPLETE, 250, NONE, "a\nb\nc",
		    "250 a b c" },
		{ "250-a|250-|250", REPLY_COMPLETE, 250, NONE, "a\n\n",
		    "250 a" },
		{ "250-a", REPLY_MORE, 250, NONE, "a", "250 a" },
		{ "550-5.1.1 No|550 5.1.1 user", REPLY_COMPLETE, 550,
		    { 5, 1, 1 }, "5.1.1 No\n5.1.1 user",
		    "550 5.1.1 No user" },
		{ "550-5.1.1 No|550 5.1.2 user", REPLY_COMPLETE, 550,
		    { 5, 1, 1 }, "5.1.1 No\n5.1.2 user",
		    "550 5.1.1 No 5.1.2 user" },
		{ "550 2.0.0 odd", REPLY_COMPLETE, 550, NONE, "2.0.0 odd",
		    "550 2.0.0 odd" },
		{ "550 a\033[1mb", REPLY_COMPLETE, 550, NONE, "a\033[1mb",
		    "550 a?[1mb" },
	};
	static const struct reading malformed[] = {
		{ .lines = "" }, { .lines = "2" }, { .lines = "25" },
		{ .lines = "25a ok" }, { .lines = "150 ok" },
		{ .lines = "650 ok" }, { .lines = "2500 ok" },
		{ .lines = "250_ok" }, { .lines = "250\tok" },
		{ .lines = " 250 ok" }, { .lines = "ok" },
		{ .lines = "-50 ok" }, { .lines = "250-a|251 b" },
		{ .lines = "250-a|b" }, { .lines = "HTTP/1.1 400 no" },
	};
	struct str rest, line;
	struct reply r;
	struct buf b;
	size_t i;
	enum reply_state last;

	(void)state;
	reply_init(&r);
	buf_init(&b);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		reply_reset(&r);
		buf_reset(&b);
		rest = str_of(rows[i].lines);
		last = REPLY_MORE;
		while (str_cut(&rest, '|', &line)) {
			assert_int_equal(last, REPLY_MORE);
			last = reply_feed(&r, line);
		}
		assert_int_equal(last, rows[i].state);
		assert_int_equal(r.code, rows[i].code);
		assert_memory_equal(&r.status, &rows[i].status,
		    sizeof(r.status));
		assert_string_equal(buf_cstr(&r.text), rows[i].text);
		reply_describe(&b, &r);
		assert_string_equal(buf_cstr(&b), rows[i].described);
	}
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		reply_reset(&r);
		rest = str_of(malformed[i].lines);
		last = rest.n > 0 ? REPLY_MORE : reply_feed(&r, rest);
		while (str_cut(&rest, '|', &line))
			last = reply_feed(&r, line);
		if (last != REPLY_GARBAGE)
			fail_msg("taken: %s", malformed[i].lines);
	}
	reply_free(&r);
	buf_free(&b);
}

static void
test_endless(void **state)
{
	enum reply_state last = REPLY_MORE;
	struct reply r;
	size_t i;

	(void)state;
	reply_init(&r);
	for (i = 0; i < 10000000 && last == REPLY_MORE; i++)
		last = reply_feed(&r, STR("250-"));
	assert_int_equal(last, REPLY_GARBAGE);
	assert_true(r.text.n <= REPLY_TEXT_MAX);
	reply_reset(&r);
	last = REPLY_MORE;
	for (i = 0; i < 10000000 && last == REPLY_MORE; i++)
		last = reply_feed(&r, STR("250-and so on and so on"));
	assert_int_equal(last, REPLY_GARBAGE);
	assert_true(r.text.n <= REPLY_TEXT_MAX);
	reply_free(&r);
	assert_int_equal(r.text.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_long),
		cmocka_unit_test(test_put_fault),
		cmocka_unit_test(test_feed),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
