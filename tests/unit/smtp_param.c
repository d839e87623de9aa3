/* SPDX-License-Identifier: ISC */
/* Arguments of MAIL and RCPT, good and malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "smtp/ext.h"
#include "smtp/param.h"

#define ALL	(EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME | EXT_STATUSCODES)
#define L(lit)	{ (lit), sizeof(lit) - 1 }

static void
test_mail(void **state)
{
	static const struct {
		struct str		args;
		struct str		local, domain;
		enum envelope_body	body;
		uint64_t		size;
	} rows[] = {
		{ L("FROM:<a@b.example>"), L("a"), L("b.example"),
		    BODY_7BIT, 0 },
		{ L("from:<a@b.example>"), L("a"), L("b.example"),
		    BODY_7BIT, 0 },
		{ L("FROM: <a@b.example>"), L("a"), L("b.example"),
		    BODY_7BIT, 0 },
		{ L("FROM:<>"), L(""), L(""), BODY_7BIT, 0 },
		{ L("FROM:<> SIZE=7"), L(""), L(""), BODY_7BIT, 7 },
		{ L("FROM:<a@b.example> SIZE=0"), L("a"), L("b.example"),
		    BODY_7BIT, 0 },
		{ L("FROM:<a@b.example> size=1000 body=8bitmime"), L("a"),
		    L("b.example"), BODY_8BITMIME, 1000 },
		{ L("FROM:<a@b.example>  BODY=7BIT\tSIZE=2  "), L("a"),
		    L("b.example"), BODY_7BIT, 2 },
		{ L("FROM:<a@b.example> SIZE=18446744073709551615"), L("a"),
		    L("b.example"), BODY_7BIT, UINT64_MAX },
		{ L("FROM:<a@b.example> SIZE=00000000000000000009"), L("a"),
		    L("b.example"), BODY_7BIT, 9 },
		{ L("FROM:<\"a b> SIZE=5\"@b.example> SIZE=6"),
		    L("a b> SIZE=5"), L("b.example"), BODY_7BIT, 6 },
	};
	struct arena arena;
	struct envelope e;
	struct fault why;
	size_t i;

	(void)state;
	arena_init(&arena);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e = (struct envelope){ .body = BODY_8BITMIME,
		    .size_declared = 77 };
		if (param_mail(&arena, rows[i].args, ALL, &e, &why) != 0)
			fail_msg("%s: %s", rows[i].args.p, why.text);
		assert_true(str_eq(e.sender.local, rows[i].local));
		assert_true(str_eq(e.sender.domain, rows[i].domain));
		assert_int_equal(e.body, rows[i].body);
		assert_int_equal(e.size_declared, rows[i].size);
	}
	arena_free(&arena);
}

struct bad {
	struct str	args;
	int		reply;		/* 0: any of 5yz; or with x.5.4 */
	unsigned	enabled;
};

#define A	"FROM:<a@b.example>"

static void
test_mail_malformed(void **state)
{
	static const struct bad rows[] = {
		{ L(""), 501, ALL },
		{ L("FROM"), 501, ALL },
		{ L("FROM <a@b.example>"), 501, ALL },
		{ L("TO:<a@b.example>"), 501, ALL },
		{ L("FROM:"), 0, ALL },
		{ L("FROM:<a@b.example"), 0, ALL },
		{ L("FROM:<a b@b.example>"), 0, ALL },
		{ L("FROM:<a\0b@b.example>"), 0, ALL },
		{ L(A "SIZE=1"), 501, ALL },
		{ L(A "x"), 501, ALL },
		{ L(A " SIZE"), 501, ALL },
		{ L(A " SIZE="), 501, ALL },
		{ L(A " SIZE=-1"), 501, ALL },
		{ L(A " SIZE=+1"), 501, ALL },
		{ L(A " SIZE=0x10"), 501, ALL },
		{ L(A " SIZE=1K"), 501, ALL },
		{ L(A " SIZE=123456789012345678901"), 501, ALL },
		{ L(A " SIZE=000000000000000000001"), 501, ALL },
		{ L(A " SIZE=18446744073709551616"), 552, ALL },
		{ L(A " SIZE=99999999999999999999"), 552, ALL },
		{ L(A " SIZE=1 SIZE=1"), 501, ALL },
		{ L(A " BODY=7BIT size=1 body=7BIT"), 501, ALL },
		{ L(A " SIZE=1=1"), 501, ALL },
		{ L(A " SIZE=1\0"), 501, ALL },
		{ L(A " BODY"), 501, ALL },
		{ L(A " BODY="), 501, ALL },
		{ L(A " BODY=BINARYMIME"), 501, ALL },
		{ L(A " BODY=8BIT"), 501, ALL },
		{ L(A " -X=1"), 501, ALL },
		{ L(A " =1"), 501, ALL },
		{ L(A " X_Y=1"), 501, ALL },
		{ L(A " XY=\xc3\xa4"), 501, ALL },
		{ L(A " \xc3\xa4=1"), 501, ALL },
		{ L(A " X\r\nRCPT"), 501, ALL },
		{ L(A " XY"), 555, ALL },
		{ L(A " XY=1"), 555, ALL },
		{ L(A " X-Y=1 SIZE=1"), 555, ALL },
		{ L(A " AUTH=<>"), 555, ALL },
		{ L(A " PIPELINING"), 555, ALL },
		{ L(A " SIZE=1"), 555, ALL & ~(unsigned)EXT_SIZE },
		{ L(A " BODY=7BIT"), 555, EXT_SIZE },
		{ L(A " SIZE=1"), 555, 0 },
	};
	struct arena arena;
	struct envelope e = { .size_declared = 77 };
	struct fault why;
	size_t i;

	(void)state;
	arena_init(&arena);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fault_clear(&why);
		if (param_mail(&arena, rows[i].args, rows[i].enabled, &e,
		    &why) == 0)
			fail_msg("row %zu taken: %s", i, rows[i].args.p);
		assert_int_equal(why.kind, FAULT_PERMANENT);
		assert_int_equal(why.reply / 100, 5);
		assert_int_equal(e.size_declared, 77);
		if (rows[i].reply == 0)
			continue;
		if (why.reply != rows[i].reply)
			fail_msg("row %zu: %d %s", i, why.reply, why.text);
		assert_int_equal(why.subject, why.reply == 552 ? 3 : 5);
		assert_int_equal(why.detail, 4);
	}
	arena_free(&arena);
}

static void
test_rcpt(void **state)
{
	static const struct {
		struct str	args;
		int		reply;	/* 0: good */
	} rows[] = {
		{ L("TO:<a@b.example>"), 0 },
		{ L("to: <a@b.example> "), 0 },
		{ L("TO:<@x.example,@y.example:a@b.example>"), 0 },
		{ L("TO:<>"), -1 },
		{ L("TO:<a@b.example> X"), 555 },
		{ L("TO:<a@b.example> SIZE=1"), 555 },
		{ L("TO:<a@b.example> NOTIFY=NEVER"), 555 },
		{ L("TO:<a@b.example> X="), 501 },
		{ L("TO:<a@b.example>,<c@d.example>"), 501 },
		{ L("FROM:<a@b.example>"), 501 },
		{ L("<a@b.example>"), 501 },
	};
	struct arena arena;
	struct address a;
	struct fault why;
	size_t i;
	int result;

	(void)state;
	arena_init(&arena);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		result = param_rcpt(&arena, rows[i].args, ALL, &a, &why);
		if (result != (rows[i].reply == 0 ? 0 : -1))
			fail_msg("row %zu: %s", i, rows[i].args.p);
		if (result == 0) {
			assert_true(str_eq(a.local, STR("a")));
			assert_true(str_eq(a.domain, STR("b.example")));
		} else if (rows[i].reply > 0) {
			assert_int_equal(why.reply, rows[i].reply);
		}
	}
	assert_int_equal(param_rcpt(&arena, STR("TO:<Postmaster>"), ALL, &a,
	    &why), 0);
	assert_true(str_eq(a.local, STR("Postmaster")));
	assert_int_equal(a.domain.n, 0);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_mail_malformed),
		cmocka_unit_test(test_rcpt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
