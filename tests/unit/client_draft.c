/* SPDX-License-Identifier: ISC */
/*
 * The text of a message as programs write it, in every split, and what becomes
 * of its line ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "client/draft.h"

struct row {
	struct str	in;
	bool		dot_ends;
	struct str	out;
	bool		done;
};

#define L(lit)	{ (lit), sizeof(lit) - 1 }

static const struct row rows[] = {
	{ L(""), true, L(""), false },
	{ L("a\nb\n"), true, L("a\r\nb\r\n"), false },
	{ L("a\r\nb\r\n"), true, L("a\r\nb\r\n"), false },
	{ L("a"), true, L("a\r\n"), false },
	{ L("\n"), true, L("\r\n"), false },
	{ L("a\n\n"), true, L("a\r\n\r\n"), false },
	{ L("10%\r50%\r100%\n"), true, L("10% 50% 100%\r\n"), false },
	{ L("a\r"), true, L("a\r\n"), false },
	{ L("\r"), true, L("\r\n"), false },
	{ L("a\r\r\nb"), true, L("a \r\nb\r\n"), false },
	{ L("\rb\n"), true, L(" b\r\n"), false },
	{ L("\r\r\r"), true, L("  \r\n"), false },
	{ L("a\n.\nb\n"), true, L("a\r\n"), true },
	{ L("a\n.\r\nb\n"), true, L("a\r\n"), true },
	{ L("a\n.\nb\n"), false, L("a\r\n.\r\nb\r\n"), false },
	{ L("a\n."), true, L("a\r\n"), true },
	{ L("a\n."), false, L("a\r\n.\r\n"), false },
	{ L(".\n"), true, L(""), true },
	{ L("a.\n..\n.x\n. \n"), true, L("a.\r\n..\r\n.x\r\n. \r\n"), false },
	{ L("a\n.\r.\n"), true, L("a\r\n. .\r\n"), false },
	{ L("a\0b\n"), true, L("a\0b\r\n"), false },
};

static void
check(const struct row *row, size_t first, size_t second)
{
	struct draft d;

	draft_init(&d, row->dot_ends);
	draft_feed(&d, str_slice(row->in, 0, first));
	draft_feed(&d, str_slice(row->in, first, second));
	draft_feed(&d, str_from(row->in, second));
	draft_finish(&d);
	if (!str_eq(buf_str(&d.text), row->out) || d.done != row->done)
		fail_msg("row %td, split at %zu and %zu: \"%.*s\"",
		    row - rows, first, second, STR_ARG(buf_str(&d.text)));
	draft_free(&d);
}

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j <= rows[i].in.n; j++)
			for (size_t k = j; k <= rows[i].in.n; k++)
				check(&rows[i], j, k);
}

/* Writes s to a pipe and reads it as a draft of at most max bytes. */
static int
read_through_pipe(struct str s, size_t max, struct draft *d, struct fault *why)
{
	int fd[2], result;

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], s.p, s.n), (ssize_t)s.n);
	close(fd[1]);
	draft_init(d, true);
	result = draft_read(d, fd[0], max, why);
	close(fd[0]);
	return result;
}

static void
test_read(void **state)
{
	struct draft d;
	struct fault why;

	(void)state;
	assert_int_equal(read_through_pipe(STR("a\nb"), 6, &d, &why), 0);
	assert_true(str_eq(buf_str(&d.text), STR("a\r\nb\r\n")));
	draft_free(&d);
	assert_int_equal(read_through_pipe(STR("aaaa\nb\n"), 5, &d, &why),
	    -1);
	assert_int_equal(why.kind, FAULT_PERMANENT);
	assert_string_equal(why.text, "message too large");
	draft_free(&d);
	draft_init(&d, true);
	assert_int_equal(draft_read(&d, -1, 5, &why), -1);
	assert_int_equal(why.kind, FAULT_TEMPORARY);
	draft_free(&d);
}

/* The lone dot ends it although the writer is still there. */
static void
test_dot_is_seen_at_once(void **state)
{
	struct draft d;
	struct fault why;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "a\n.\n", 4), 4);
	draft_init(&d, true);
	assert_int_equal(draft_read(&d, fd[0], 100, &why), 0);
	assert_true(d.done);
	assert_true(str_eq(buf_str(&d.text), STR("a\r\n")));
	draft_free(&d);
	close(fd[0]);
	close(fd[1]);
}

static void
test_eight_bit(void **state)
{
	char text[40];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_false(draft_is_eight_bit(STR_NONE));
	for (size_t n = 1; n <= sizeof(text); n++) {
		assert_false(draft_is_eight_bit(str_span(text, n)));
		for (size_t i = 0; i < n; i++) {
			text[i] = (char)0x80;
			assert_true(draft_is_eight_bit(str_span(text, n)));
			text[i] = 'a';
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_dot_is_seen_at_once),
		cmocka_unit_test(test_eight_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
