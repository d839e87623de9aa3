/* SPDX-License-Identifier: ISC */
/* Command lines: verbs in any case, arguments, odd blanks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "smtp/command.h"

struct row {
	struct str	line;
	enum verb	verb;
	struct str	word, args;
};

#define L(lit)	{ (lit), sizeof(lit) - 1 }

static void
try(const struct row *rows, size_t n)
{
	struct command c;
	size_t i;

	for (i = 0; i < n; i++) {
		c = command_parse(rows[i].line);
		if (c.verb != rows[i].verb || !str_eq(c.word, rows[i].word) ||
		    !str_eq(c.args, rows[i].args))
			fail_msg("row %zu: %.*s", i, STR_ARG(rows[i].line));
	}
}

static void
test_good(void **state)
{
	static const struct row rows[] = {
		{ L("EHLO a.example"), VERB_EHLO, L("EHLO"), L("a.example") },
		{ L("helo\ta"), VERB_HELO, L("helo"), L("a") },
		{ L("MAIL FROM:<a@b> SIZE=1"), VERB_MAIL, L("MAIL"),
		    L("FROM:<a@b> SIZE=1") },
		{ L("rCpT TO:<a@b>  "), VERB_RCPT, L("rCpT"), L("TO:<a@b>") },
		{ L("DATA"), VERB_DATA, L("DATA"), L("") },
		{ L("DATA \t "), VERB_DATA, L("DATA"), L("") },
		{ L("rset"), VERB_RSET, L("rset"), L("") },
		{ L("NOOP  a  b "), VERB_NOOP, L("NOOP"), L("a  b") },
		{ L("VRFY x"), VERB_VRFY, L("VRFY"), L("x") },
		{ L("EXPN x"), VERB_EXPN, L("EXPN"), L("x") },
		{ L("HELP"), VERB_HELP, L("HELP"), L("") },
		{ L("QUIT"), VERB_QUIT, L("QUIT"), L("") },
		{ L("TURN"), VERB_TURN, L("TURN"), L("") },
	};

	(void)state;
	try(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
test_malformed(void **state)
{
	static const struct row rows[] = {
		{ L(""), VERB_UNKNOWN, L(""), L("") },
		{ L(" "), VERB_UNKNOWN, L(""), L("") },
		{ L(" QUIT"), VERB_UNKNOWN, L(""), L("QUIT") },
		{ L("QUI"), VERB_UNKNOWN, L("QUI"), L("") },
		{ L("QUITS"), VERB_UNKNOWN, L("QUITS"), L("") },
		{ L("QUIT\r"), VERB_UNKNOWN, L("QUIT\r"), L("") },
		{ L("NO\0OP"), VERB_UNKNOWN, L("NO\0OP"), L("") },
		{ L("NOOP\0"), VERB_UNKNOWN, L("NOOP\0"), L("") },
		{ L("NOOP\n"), VERB_UNKNOWN, L("NOOP\n"), L("") },
		{ L("MAIL:"), VERB_UNKNOWN, L("MAIL:"), L("") },
		{ L("\xff\xfe x"), VERB_UNKNOWN, L("\xff\xfe"), L("x") },
		{ L("GET / HTTP/1.1"), VERB_UNKNOWN, L("GET"),
		    L("/ HTTP/1.1") },
	};

	(void)state;
	try(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(command_name(VERB_MAIL), "MAIL");
	assert_string_equal(command_name(VERB_TURN), "TURN");
	assert_string_equal(command_name(VERB_UNKNOWN), "UNKNOWN");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
