/* SPDX-License-Identifier: ISC */
/* Arguments of MAIL and RCPT, good and malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "smtp/ext.h"
#include "smtp/param.h"

#define OLD	(EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME | EXT_STATUSCODES)
#define ALL	(OLD | EXT_DSN | EXT_SMTPUTF8 | EXT_AUTH | EXT_REQUIRETLS | \
		EXT_DELIVERBY | EXT_FUTURERELEASE | EXT_MT_PRIORITY | \
		EXT_CHUNKING | EXT_BINARYMIME)
#define NOW	INT64_C(1800000000)	/* 2027-01-15T08:00:00Z */
#define L(lit)	{ (lit), sizeof(lit) - 1 }

static struct param_context
context(unsigned enabled)
{
	return (struct param_context){ enabled, NOW, 3600, 60 };
}

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
		{ L("FROM:<a@b.example> body=BinaryMIME"), L("a"),
		    L("b.example"), BODY_BINARYMIME, 0 },
		{ L("FROM:<a@b.example>  BODY=7BIT\tSIZE=2  "), L("a"),
		    L("b.example"), BODY_7BIT, 2 },
		{ L("FROM:<a@b.example> SIZE=18446744073709551615"), L("a"),
		    L("b.example"), BODY_7BIT, UINT64_MAX },
		{ L("FROM:<a@b.example> SIZE=00000000000000000009"), L("a"),
		    L("b.example"), BODY_7BIT, 9 },
		{ L("FROM:<\"a b> SIZE=5\"@b.example> SIZE=6"),
		    L("a b> SIZE=5"), L("b.example"), BODY_7BIT, 6 },
	};
	struct param_context all = context(ALL);
	struct arena arena;
	struct envelope e;
	struct fault why;
	size_t i;

	(void)state;
	arena_init(&arena);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e = (struct envelope){ .body = BODY_8BITMIME,
		    .size_declared = 77 };
		if (param_mail(&arena, rows[i].args, &all, &e, &why) != 0)
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
		{ L(A " BODY=BINARYMIME"), 501, OLD },
		{ L(A " BODY=BINARYMIME"), 501,
		    ALL & ~(unsigned)EXT_CHUNKING },
		{ L(A " BODY=BINARYMIME"), 501,
		    ALL & ~(unsigned)EXT_BINARYMIME },
		{ L(A " BODY=BINARY"), 501, ALL },
		{ L(A " BODY=8BIT"), 501, ALL },
		{ L(A " -X=1"), 501, ALL },
		{ L(A " =1"), 501, ALL },
		{ L(A " X_Y=1"), 501, ALL },
		{ L(A " XY=\xc3\xa4"), 501, OLD },
		{ L(A " XY=\xc3\xa4"), 555, ALL },
		{ L(A " XY=\xc3"), 501, ALL },
		{ L(A " \xc3\xa4=1"), 501, ALL },
		{ L(A " X\r\nRCPT"), 501, ALL },
		{ L(A " XY"), 555, ALL },
		{ L(A " XY=1"), 555, ALL },
		{ L(A " X-Y=1 SIZE=1"), 555, ALL },
		{ L(A " AUTH=<>"), 555, OLD },
		{ L(A " PIPELINING"), 555, ALL },
		{ L(A " SIZE=1"), 555, ALL & ~(unsigned)EXT_SIZE },
		{ L(A " BODY=7BIT"), 555, EXT_SIZE },
		{ L(A " SMTPUTF8=1"), 501, ALL },
		{ L(A " SMTPUTF8="), 501, ALL },
		{ L(A " SMTPUTF8 SMTPUTF8"), 501, ALL },
		{ L(A " RET"), 501, ALL },
		{ L(A " RET=X"), 501, ALL },
		{ L(A " RET=FULL RET=HDRS"), 501, ALL },
		{ L(A " ENVID="), 501, ALL },
		{ L(A " ENVID=a+"), 501, ALL },
		{ L(A " ENVID=a+2b"), 501, ALL },
		{ L(A " ENVID=+0D"), 501, ALL },
		{ L(A " ENVID=+E9"), 501, ALL },
		{ L(A " ENVID=a ENVID=a"), 501, ALL },
		{ L(A " AUTH"), 501, ALL },
		{ L(A " AUTH="), 501, ALL },
		{ L(A " AUTH=x"), 501, ALL },
		{ L(A " AUTH=a+40b+"), 501, ALL },
		{ L(A " AUTH=<x+40y>"), 501, ALL },
		{ L(A " AUTH=a+0Ab+40c"), 501, ALL },
		{ L(A " REQUIRETLS=1"), 501, ALL },
		{ L(A " REQUIRETLS REQUIRETLS"), 501, ALL },
		{ L(A " BY=60"), 501, ALL },
		{ L(A " BY=60;"), 501, ALL },
		{ L(A " BY=60;Q"), 501, ALL },
		{ L(A " BY=0;R"), 501, ALL },
		{ L(A " BY=-1;R"), 501, ALL },
		{ L(A " BY=60;RX"), 501, ALL },
		{ L(A " BY=1000000000;N"), 501, ALL },
		{ L(A " BY=-;N"), 501, ALL },
		{ L(A " HOLDFOR=0"), 501, ALL },
		{ L(A " HOLDFOR=3601"), 501, ALL },
		{ L(A " HOLDFOR=-5"), 501, ALL },
		{ L(A " HOLDFOR=9999999999"), 501, ALL },
		{ L(A " HOLDFOR=5 HOLDUNTIL=2027-01-15T08:10:00Z"), 501, ALL },
		{ L(A " HOLDUNTIL=2027-01-15T08:00:00Z"), 501, ALL },
		{ L(A " HOLDUNTIL=2027-01-15T07:59:59Z"), 501, ALL },
		{ L(A " HOLDUNTIL=2027-01-15T09:00:01Z"), 501, ALL },
		{ L(A " HOLDUNTIL=2027-01-15"), 501, ALL },
		{ L(A " HOLDUNTIL=2027-01-15T08:10:00+00:00"), 501, ALL },
		{ L(A " HOLDUNTIL=2027-02-29T08:10:00Z"), 501, ALL },
		{ L(A " HOLDFOR=120 BY=119;N"), 501, ALL },
		{ L(A " BY=119;R HOLDFOR=120"), 501, ALL },
		{ L(A " MT-PRIORITY="), 501, ALL },
		{ L(A " MT-PRIORITY=10"), 501, ALL },
		{ L(A " MT-PRIORITY=-0"), 501, ALL },
		{ L(A " MT-PRIORITY=+3"), 501, ALL },
		{ L(A " MT-PRIORITY=3 MT-PRIORITY=3"), 501, ALL },
		{ L(A " RET=FULL"), 555, ALL & ~(unsigned)EXT_DSN },
		{ L(A " ENVID=x"), 555, ALL & ~(unsigned)EXT_DSN },
		{ L(A " SMTPUTF8"), 555, ALL & ~(unsigned)EXT_SMTPUTF8 },
		{ L(A " AUTH=<>"), 555, ALL & ~(unsigned)EXT_AUTH },
		{ L(A " REQUIRETLS"), 555, ALL & ~(unsigned)EXT_REQUIRETLS },
		{ L(A " BY=60;N"), 555, ALL & ~(unsigned)EXT_DELIVERBY },
		{ L(A " HOLDFOR=5"), 555, ALL & ~(unsigned)EXT_FUTURERELEASE },
		{ L(A " MT-PRIORITY=1"), 555, ALL & ~(unsigned)EXT_MT_PRIORITY },
		{ L(A " BY=59;R"), 555, ALL },
		{ L(A " NOTIFY=NEVER"), 555, ALL },
		{ L(A " SIZE=1"), 555, 0 },
	};
	struct arena arena;
	struct envelope e = { .size_declared = 77 };
	struct fault why;
	size_t i;

	(void)state;
	arena_init(&arena);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct param_context c = context(rows[i].enabled);

		fault_clear(&why);
		if (param_mail(&arena, rows[i].args, &c, &e, &why) == 0)
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
test_utf8(void **state)
{
	static const struct {
		struct str	args;
		unsigned	enabled;
		int		reply;
	} rows[] = {
		{ L("FROM:<\xc3\xa9@b.example> SMTPUTF8"), ALL, 0 },
		{ L("FROM:<a@b\xc3\xbc.example> smtputf8"), ALL, 0 },
		{ L("FROM:<\"\xc3\xa9 b\"@b.example> SMTPUTF8"), ALL, 0 },
		{ L("FROM:<a@b.example> SMTPUTF8"), ALL, 0 },
		{ L("FROM:<\xc3\xa9@b.example>"), ALL, 553 },
		{ L("FROM:<\xc3\xa9@b.example>"), OLD, 553 },
		{ L("FROM:<a@b\xc3\xbc.example> SIZE=1"), ALL, 553 },
		{ L("FROM:<\xc3\xa9@b.example> SMTPUTF8"), OLD, 555 },
		{ L("FROM:<\xe9@b.example> SMTPUTF8"), ALL, 501 },
		{ L("FROM:<\xc2\x85@b.example> SMTPUTF8"), ALL, 501 },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct param_context c = context(rows[i].enabled);
		struct envelope e = { 0 };
		struct fault why = { 0 };
		int r = param_mail(&arena, rows[i].args, &c, &e, &why);

		if ((r == 0) != (rows[i].reply == 0) ||
		    (r < 0 && why.reply != rows[i].reply))
			fail_msg("row %zu: %d %s", i, why.reply, why.text);
		assert_int_equal(e.wishes.smtputf8, r == 0);
		if (why.reply == 553)
			assert_int_equal(why.subject * 10 + why.detail, 67);
	}
	arena_free(&arena);
}

static void
test_wishes(void **state)
{
	struct param_context all = context(ALL);
	struct arena arena = { 0 };
	struct envelope e = { 0 };
	struct envelope_wishes *w = &e.wishes;
	struct fault why;

	(void)state;
	assert_int_equal(param_mail(&arena, STR("FROM:<a@b.example> RET=full "
	    "ENVID=a+20b BY=+600;nT HOLDFOR=300 MT-PRIORITY=-3 REQUIRETLS "
	    "AUTH=a+40b BODY=BINARYMIME"), &all, &e, &why), 0);
	assert_int_equal(e.body, BODY_BINARYMIME);
	assert_int_equal(w->ret, RET_FULL);
	assert_true(str_eq(w->envid, STR("a+20b")));
	assert_int_equal(w->by, BY_NOTIFY);
	assert_true(w->by_trace);
	assert_int_equal(w->by_time, NOW + 600);
	assert_int_equal(w->hold_until, NOW + 300);
	assert_true(str_eq(w->hold, STR("for;300")));
	assert_int_equal(w->priority, -3);
	assert_true(w->requiretls);
	assert_true(str_eq(w->auth, STR("a+40b")));
	assert_int_equal(param_mail(&arena, STR("FROM:<> BY=-7;N "
	    "AUTH=<>"), &all, &e, &why), 0);
	assert_int_equal(w->by_time, NOW - 7);
	assert_int_equal(w->hold_until, 0);
	assert_false(w->requiretls);
	assert_true(str_eq(w->auth, STR("<>")));
	assert_int_equal(param_mail(&arena, STR("FROM:<> "
	    "HOLDUNTIL=2027-01-15T08:59:59Z BY=60;R"), &all, &e, &why), -1);
	assert_int_equal(param_mail(&arena, STR("FROM:<> "
	    "HOLDUNTIL=2027-01-15T08:00:59Z BY=60;R"), &all, &e, &why), 0);
	assert_int_equal(w->hold_until, NOW + 59);
	assert_int_equal(w->by, BY_RETURN);
	assert_true(str_eq(w->hold, STR("until;2027-01-15T08:00:59Z")));
	arena_free(&arena);
}

#define T	"TO:<a@b.example>"

static void
test_rcpt(void **state)
{
	static const struct {
		struct str	args;
		unsigned	enabled;
		int		reply;	/* 0: good */
	} rows[] = {
		{ L(T), ALL, 0 },
		{ L("to: <a@b.example> "), ALL, 0 },
		{ L("TO:<@x.example,@y.example:a@b.example>"), ALL, 0 },
		{ L("TO:<>"), ALL, -1 },
		{ L(T " X"), ALL, 555 },
		{ L(T " SIZE=1"), ALL, 555 },
		{ L(T " NOTIFY=NEVER"), OLD, 555 },
		{ L(T " ORCPT=rfc822;x"), OLD, 555 },
		{ L(T " RET=FULL"), ALL, 555 },
		{ L(T " NOTIFY=NEVER ORCPT=rfc822;x"), ALL, 0 },
		{ L(T " X="), ALL, 501 },
		{ L(T " NOTIFY=NEVER notify=NEVER"), ALL, 501 },
		{ L(T " NOTIFY"), ALL, 501 },
		{ L(T " ORCPT=x"), ALL, 501 },
		{ L(T " ORCPT=rfc822;+"), ALL, 501 },
		{ L("TO:<\xc3\xa9@b.example>"), ALL, 553 },
		{ L("TO:<a@b.example>,<c@d.example>"), ALL, 501 },
		{ L("FROM:<a@b.example>"), ALL, 501 },
		{ L("<a@b.example>"), ALL, 501 },
	};
	struct envelope e = { 0 };
	struct arena arena = { 0 };
	struct recipient to = { 0 };
	struct fault why;
	int result;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct param_context c = context(rows[i].enabled);

		result = param_rcpt(&arena, rows[i].args, &c, &e, &to, &why);
		if (result != (rows[i].reply == 0 ? 0 : -1))
			fail_msg("row %zu: %s", i, rows[i].args.p);
		if (result == 0) {
			assert_true(str_eq(to.address.local, STR("a")));
			assert_true(str_eq(to.address.domain,
			    STR("b.example")));
			assert_true(address_eq(&to.address, &to.original));
		} else if (rows[i].reply > 0) {
			assert_int_equal(why.reply, rows[i].reply);
		}
	}
	arena_free(&arena);
}

static void
test_rcpt_wishes(void **state)
{
	struct param_context all = context(ALL);
	struct envelope e = { 0 };
	struct arena arena = { 0 };
	struct recipient to = { 0 };
	struct fault why;

	(void)state;
	assert_int_equal(param_rcpt(&arena, STR("TO:<Postmaster>"), &all, &e,
	    &to, &why), 0);
	assert_true(str_eq(to.address.local, STR("Postmaster")));
	assert_int_equal(to.address.domain.n, 0);
	assert_int_equal(to.notify, WANT_UNSAID);
	assert_int_equal(param_rcpt(&arena, STR("TO:<a@b.example> "
	    "ORCPT=rfc822;a+2Bc@b NOTIFY=delay,SUCCESS"), &all, &e, &to,
	    &why), 0);
	assert_int_equal(to.notify, WANT_DELAY | WANT_SUCCESS);
	assert_true(str_eq(to.orcpt, STR("rfc822;a+2Bc@b")));
	e.wishes.smtputf8 = true;
	assert_int_equal(param_rcpt(&arena, STR("TO:<\xc3\xa9@b.example> "
	    "ORCPT=utf-8;\xc3\xa9@b"), &all, &e, &to, &why), 0);
	assert_true(str_eq(to.address.local, STR("\xc3\xa9")));
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_mail_malformed),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_rcpt),
		cmocka_unit_test(test_rcpt_wishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
