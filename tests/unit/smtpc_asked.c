/* SPDX-License-Identifier: ISC */
/*
 * What is told to the next host, by what it offers and what the sender has
 * asked for; and what must not go to it at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "os/clock.h"
#include "smtp/ext.h"
#include "smtpc/asked.h"

#define EVERY	(~0u)
#define NO(ext)	(EVERY & ~(unsigned)(ext))
#define FAR	INT64_C(2000000000000)

static const struct address ann = { { "ann", 3 }, { "a.example", 9 } };
static const struct address nobody;

/* ------------------------------------------------------ parameters ------ */

static const struct {
	unsigned		offered;
	bool			secure, utf8;
	struct envelope_wishes	w;
	const char		*expected;
} mails[] = {
	{ EVERY, true, false, { 0 }, "" },
	{ EVERY, true, true, { 0 }, " SMTPUTF8" },
	{ EVERY, true, false, { .smtputf8 = true }, " SMTPUTF8" },
	{ NO(EXT_SMTPUTF8), true, false, { .smtputf8 = true }, "" },
	{ EVERY, true, false, { .ret = RET_FULL }, " RET=FULL" },
	{ EVERY, true, false, { .ret = RET_HDRS, .envid = { "a+20b", 5 } },
	    " RET=HDRS ENVID=a+20b" },
	{ NO(EXT_DSN), true, false, { .ret = RET_HDRS,
	    .envid = { "a+20b", 5 } }, "" },
	{ EVERY, true, false, { .by = BY_RETURN, .by_time = FAR },
	    " BY=999999999;R" },
	{ EVERY, true, false, { .by = BY_NOTIFY, .by_trace = true,
	    .by_time = -FAR }, " BY=-999999999;NT" },
	{ NO(EXT_DELIVERBY), true, false, { .by = BY_NOTIFY,
	    .by_time = FAR }, "" },
	{ EVERY, true, false, { .priority = -4 }, " MT-PRIORITY=-4" },
	{ NO(EXT_MT_PRIORITY), true, false, { .priority = -4 }, "" },
	{ EVERY, true, false, { .requiretls = true }, " REQUIRETLS" },
	{ EVERY, false, false, { .requiretls = true }, "" },
	{ NO(EXT_REQUIRETLS), true, false, { .requiretls = true }, "" },
};

static void
test_mail(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		struct smtpc c = { .extensions = mails[i].offered,
		    .secure = mails[i].secure };
		struct smtpc_message m = { .sender = &ann,
		    .wishes = &mails[i].w };

		buf_reset(&b);
		asked_put_mail(&b, &c, &m, mails[i].utf8);
		assert_string_equal(buf_cstr(&b), mails[i].expected);
	}
	/* Nothing was asked by who has no wishes. */
	buf_reset(&b);
	asked_put_mail(&b, &(struct smtpc){ .extensions = EVERY },
	    &(struct smtpc_message){ .sender = &ann }, false);
	assert_int_equal(b.n, 0);
	buf_free(&b);
}

static const struct {
	unsigned	offered;
	enum envelope_by by;
	unsigned	notify;
	const char	*orcpt;
	const char	*expected;
} rcpts[] = {
	{ EVERY, BY_NONE, WANT_UNSAID, "", "" },
	{ EVERY, BY_NONE, WANT_NEVER, "", " NOTIFY=NEVER" },
	{ EVERY, BY_NONE, WANT_SUCCESS | WANT_FAILURE | WANT_DELAY, "",
	    " NOTIFY=SUCCESS,FAILURE,DELAY" },
	{ EVERY, BY_NONE, WANT_EXPANDED, "", " NOTIFY=NEVER" },
	{ EVERY, BY_NONE, WANT_EXPANDED | WANT_DELAY, "", " NOTIFY=DELAY" },
	{ NO(EXT_DSN), BY_NONE, WANT_NEVER, "rfc822;a", "" },
	/* RFC 3461 5.2.1 d: not a letter of it is changed. */
	{ EVERY, BY_NONE, WANT_UNSAID, "RFC822;Ann+2Bx@A.example",
	    " ORCPT=RFC822;Ann+2Bx@A.example" },
	{ EVERY, BY_NONE, WANT_UNSAID, "utf-8;\xc3\xa9@a",
	    " ORCPT=utf-8;\xc3\xa9@a" },
	{ NO(EXT_SMTPUTF8), BY_NONE, WANT_UNSAID, "utf-8;\xc3\xa9@a",
	    " ORCPT=utf-8;\\x{E9}@a" },
	{ NO(EXT_SMTPUTF8), BY_NONE, WANT_UNSAID, "utf-8;\\x{E9}@a",
	    " ORCPT=utf-8;\\x{E9}@a" },
	/* RFC 2852 4.1.4.2 */
	{ NO(EXT_DELIVERBY), BY_NOTIFY, WANT_UNSAID, "",
	    " NOTIFY=FAILURE,DELAY" },
	{ NO(EXT_DELIVERBY), BY_NOTIFY, WANT_SUCCESS, "",
	    " NOTIFY=SUCCESS,DELAY" },
	{ NO(EXT_DELIVERBY), BY_NOTIFY, WANT_NEVER, "", " NOTIFY=NEVER" },
	{ EVERY, BY_NOTIFY, WANT_UNSAID, "", "" },
};

static void
test_rcpt(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rcpts) / sizeof(rcpts[0]); i++) {
		struct smtpc c = { .extensions = rcpts[i].offered };
		struct envelope_wishes w = { .by = rcpts[i].by };
		struct smtpc_message m = { .sender = &ann, .wishes = &w };
		struct recipient r = { .notify = rcpts[i].notify,
		    .orcpt = str_of(rcpts[i].orcpt) };

		buf_reset(&b);
		asked_put_rcpt(&b, &c, &m, &r);
		assert_string_equal(buf_cstr(&b), rcpts[i].expected);
	}
	buf_free(&b);
}

/* ------------------------------------------- what must not get lost ----- */

static const struct str ascii[] = {
	{ "Received: x\r\n", 13 }, { "Subject: x\r\n\r\n\xc3\xa9\r\n", 18 },
};
static const struct str eight[] = {
	{ "Received: x\r\n", 13 }, { "Subject: \xc3\xa9\r\n\r\nx\r\n", 18 },
};

static void
test_check(void **state)
{
	const struct {
		unsigned		 offered;
		bool			 secure;
		const struct address	*sender;
		const struct str	*parts;
		struct envelope_wishes	 w;
		int			 status;	/* subject, detail */
	} rows[] = {
		{ 0, false, &ann, eight, { 0 }, 0 },
		{ 0, false, &ann, ascii, { .smtputf8 = true }, 0 },
		{ 0, false, &ann, eight, { .smtputf8 = true }, 609 },
		{ EVERY, false, &ann, eight, { .smtputf8 = true }, 0 },
		{ EVERY, true, &ann, ascii, { .requiretls = true }, 0 },
		{ EVERY, false, &ann, ascii, { .requiretls = true }, 730 },
		{ NO(EXT_REQUIRETLS), true, &ann, ascii,
		    { .requiretls = true }, 730 },
		/* RFC 8689 5: reports are not held up by it. */
		{ 0, false, &nobody, ascii, { .requiretls = true }, 0 },
		{ NO(EXT_DELIVERBY), true, &ann, ascii,
		    { .by = BY_RETURN, .by_time = FAR }, 303 },
		{ NO(EXT_DELIVERBY), true, &ann, ascii,
		    { .by = BY_NOTIFY, .by_time = FAR }, 0 },
		{ EVERY, true, &ann, ascii,
		    { .by = BY_RETURN, .by_time = FAR }, 0 },
		{ EVERY, true, &ann, ascii,
		    { .by = BY_RETURN, .by_time = clock_wall() + 30 }, 407 },
		{ EVERY, true, &ann, ascii,
		    { .by = BY_RETURN, .by_time = 1 }, 407 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtpc c = { .extensions = rows[i].offered,
		    .secure = rows[i].secure, .by_least = 60 };
		struct smtpc_message m = { .sender = rows[i].sender,
		    .parts = rows[i].parts, .nparts = 2,
		    .wishes = &rows[i].w };
		struct fault why = { 0 };

		if ((asked_check(&c, &m, &why) == 0) !=
		    (rows[i].status == 0) ||
		    why.subject * 100 + why.detail != rows[i].status)
			fail_msg("row %zu: %s", i, why.text);
		if (rows[i].status != 0)
			assert_int_equal(why.kind, FAULT_PERMANENT);
	}
}

/* RFC 6531 3.2: a domain has another spelling, a local part has none. */
static void
test_address(void **state)
{
	static const struct {
		unsigned	offered;
		struct address	in, out;
		bool		fails;
	} rows[] = {
		{ EVERY, { { "\xc3\xa9", 2 }, { "b\xc3\xbc.example", 11 } },
		    { { "\xc3\xa9", 2 }, { "b\xc3\xbc.example", 11 } }, false },
		{ 0, { { "a", 1 }, { "b\xc3\xbc" "cher.example", 15 } },
		    { { "a", 1 }, { "xn--bcher-kva.example", 21 } }, false },
		{ 0, { { "a", 1 }, { "b.example", 9 } },
		    { { "a", 1 }, { "b.example", 9 } }, false },
		{ 0, { { NULL, 0 }, { NULL, 0 } }, { { NULL, 0 }, { NULL, 0 } },
		    false },
		{ 0, { { "\xc3\xa9", 2 }, { "b.example", 9 } },
		    { { NULL, 0 }, { NULL, 0 } }, true },
	};
	struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtpc c = { .extensions = rows[i].offered };
		struct address out;
		struct fault why = { 0 };
		int r = asked_address(&c, &a, &rows[i].in, &out, &why);

		assert_int_equal(r, rows[i].fails ? -1 : 0);
		if (r == 0)
			assert_true(address_eq(&out, &rows[i].out));
		else
			assert_int_equal(why.subject * 10 + why.detail, 67);
	}
	arena_free(&a);
}

static void
test_next_hop(void **state)
{
	(void)state;
	assert_int_equal(asked_next_hop(&(struct smtpc){ .extensions = 0 }), 0);
	assert_int_equal(asked_next_hop(&(struct smtpc){
	    .extensions = EXT_DSN }), OUTCOME_DSN);
	assert_int_equal(asked_next_hop(&(struct smtpc){
	    .extensions = EXT_DELIVERBY }), OUTCOME_BY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_rcpt),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_next_hop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
