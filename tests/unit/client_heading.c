/* SPDX-License-Identifier: ISC */
/*
 * The header of a message from a program: where it ends, whom it names, what
 * is taken from it and what is added; and the "From " lines of UUCP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/heading.h"
#include "client/uucp.h"

struct split_row {
	const char	*text, *fields, *body;
};

static void
test_split(void **state)
{
	static const struct split_row rows[] = {
		{ "", "", "" },
		{ "A: b\r\n\r\nc\r\n", "A: b\r\n", "c\r\n" },
		{ "A: b\r\n", "A: b\r\n", "" },
		{ "\r\nc\r\n", "", "c\r\n" },
		{ "\r\n\r\n", "", "\r\n" },
		{ "hello world\r\n", "", "hello world\r\n" },
		{ "A: b\r\nno field\r\nB: c\r\n", "A: b\r\n",
		    "no field\r\nB: c\r\n" },
		{ "A: b\r\n c\r\n\r\nd\r\n", "A: b\r\n c\r\n", "d\r\n" },
		{ "From a@b Mon\r\nA: b\r\n\r\nc\r\n", "A: b\r\n", "c\r\n" },
		{ ">From a\r\nFrom b\r\nA: b\r\n", "A: b\r\n", "" },
		{ "From: b\r\n\r\nFrom c\r\n", "From: b\r\n", "From c\r\n" },
		{ " A: b\r\n", "", " A: b\r\n" },
	};
	struct str fields, body;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		heading_split(str_of(rows[i].text), &fields, &body);
		assert_true(str_eq(fields, str_of(rows[i].fields)));
		assert_true(str_eq(body, str_of(rows[i].body)));
	}
}

struct recipients_row {
	const char	*fields, *expected;	/* "!...": the fault */
};

static void
test_recipients(void **state)
{
	static const struct recipients_row rows[] = {
		{ "", "" },
		{ "Subject: a@b\r\nFrom: c@d\r\n", "" },
		{ "To: a@b\r\n", "a@b " },
		{ "TO: a\r\ncc: b@c,\r\n D <d@e>\r\nBcc: f (x)\r\nTo: g\r\n",
		    "a b@c d@e f g " },
		{ "To: undisclosed-recipients:;\r\nBcc: a\r\n", "a " },
		{ "Bcc:\r\nTo: a\r\n", "a " },
		{ "To: a\r\nResent-To: b\r\nBcc: c\r\nResent-Bcc: d\r\n",
		    "b d " },
		{ "Resent-From: x\r\nTo: a\r\n", "a " },
		{ "To: a\r\nCc: b@@c\r\n", "!Cc field: near \"b@@c\": " },
		{ "To: <a\r\n", "!To field: near \"<a\": " },
	};
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct fault why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		address_vec list = { 0 };

		buf_reset(&b);
		if (heading_recipients(&a, str_of(rows[i].fields), &list,
		    &why) != 0) {
			assert_int_equal(why.kind, FAULT_PERMANENT);
			buf_printf(&b, "!%s", why.text);
			assert_true(str_starts(buf_str(&b),
			    str_of(rows[i].expected)));
			continue;
		}
		for (size_t j = 0; j < list.n; j++) {
			address_put(&b, &list.p[j]);
			buf_putc(&b, ' ');
		}
		assert_string_equal(buf_cstr(&b), rows[i].expected);
	}
	buf_free(&b);
	arena_free(&a);
}

static const struct heading_origin origin = {
	.from = { { "root", 4 }, { "h.test", 6 } },
	.full_name = { "Big Boss", 8 },
	.hostname = { "h.test", 6 },
	.now_ms = INT64_C(1763792546000),
};

#define FROM	"From: Big Boss <root@h.test>\r\n"
#define DATE	"Date: Sat, 22 Nov 2025 06:22:26 +0000\r\n"
#define ID	"Message-ID: <...@h.test>\r\n"

/* Message-IDs that are made here differ every time. */
static void
mask_ids(struct buf *b, const char *masked)
{
	struct str s = buf_str(b), head = STR("Message-ID: <0");
	struct buf out = { 0 };
	size_t at;

	while ((at = str_search(s, head)) < s.n) {
		buf_puts(&out, str_slice(s, 0, at + head.n - 1));
		buf_putz(&out, "...");
		s = str_from(s, at + head.n - 1);
		s = str_from(s, str_find(s, '@'));
	}
	buf_puts(&out, s);
	assert_string_equal(buf_cstr(&out), masked);
	buf_free(&out);
}

static void
test_complete(void **state)
{
	static const struct recipients_row rows[] = {
		{ "", FROM DATE ID "\r\n" },
		{ "Subject: x\r\n", "Subject: x\r\n" FROM DATE ID "\r\n" },
		{ "from: a@b\r\nDATE: x\r\nMessage-Id: <y>\r\n",
		    "from: a@b\r\nDATE: x\r\nMessage-Id: <y>\r\n\r\n" },
		{ "From: root (Cron Daemon)\r\nTo: root\r\nSubject: root\r\n",
		    "From: root@h.test (Cron Daemon)\r\nTo: root@h.test\r\n"
		    "Subject: root\r\n" DATE ID "\r\n" },
		{ "Bcc: a,\r\n b\r\nTo: c@d\r\nBCC: e\r\nResent-Bcc: f\r\n"
		    "Resent-From: a@b\r\n", "Resent-" DATE "Resent-" ID
		    "To: c@d\r\nResent-From: a@b\r\n" FROM DATE ID "\r\n" },
		{ "Resent-To: x\r\nFrom: a@b\r\nDate: c\r\nMessage-ID: d\r\n",
		    "Resent-" FROM "Resent-" DATE "Resent-" ID
		    "Resent-To: x@h.test\r\nFrom: a@b\r\nDate: c\r\n"
		    "Message-ID: d\r\n\r\n" },
	};
	struct buf b = { 0 };

	(void)state;
	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		heading_complete(&b, str_of(rows[i].fields), &origin);
		mask_ids(&b, rows[i].expected);
	}
	buf_free(&b);
}

/* A name that would break out of its field. */
static void
test_hostile_name(void **state)
{
	struct heading_origin o = origin;
	struct buf b = { 0 };

	(void)state;
	o.full_name = STR("x\r\nBcc: y@z\r\n\r\nspam");
	heading_complete(&b, STR("Date: a\r\nMessage-ID: b\r\n"), &o);
	assert_string_equal(buf_cstr(&b), "Date: a\r\nMessage-ID: b\r\n"
	    "From: \"x  Bcc: y@z    spam\" <root@h.test>\r\n\r\n");
	buf_reset(&b);
	o.full_name = STR_NONE;
	heading_complete(&b, STR("Date: a\r\nMessage-ID: b\r\n"), &o);
	assert_string_equal(buf_cstr(&b), "Date: a\r\nMessage-ID: b\r\n"
	    "From: root@h.test\r\n\r\n");
	buf_free(&b);
}

struct uucp_row {
	const char	*text, *sender, *rest;	/* sender NULL: none */
};

static void
test_uucp(void **state)
{
	static const struct uucp_row rows[] = {
		{ "From u Mon Nov 22 06:22 2026 remote from h\r\nA: b\r\n",
		    "u@h", "A: b\r\n" },
		{ "From x Mon remote from gw\r\n>From u Sun remote from h\r\n"
		    "A: b\r\n", "u@h", "A: b\r\n" },
		{ "From a!b!u Mon remote from h\n", "u@b", "" },
		{ "From u@d Mon remote from h\n", "u@d", "" },
		{ "From u Mon\nx", "u", "x" },
		{ "From !u Mon\nx", "u", "x" },
		/* malformed: the line goes, nobody is told */
		{ "From \nx", NULL, "x" },
		{ "From a!b! Mon\nx", NULL, "x" },
		{ "From u remote from h x\ny", NULL, "y" },
		{ "From: u\n", NULL, "From: u\n" },
		{ "", NULL, "" },
	};
	struct arena a = { 0 };
	struct address sender;
	struct str text;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text = str_of(rows[i].text);
		assert_int_equal(uucp_cut_sender(&a, &text, &sender),
		    rows[i].sender != NULL);
		assert_true(str_eq(text, str_of(rows[i].rest)));
		if (rows[i].sender != NULL)
			assert_true(str_eq(address_text(&a, &sender),
			    str_of(rows[i].sender)));
	}
	assert_true(str_eq(uucp_recipient(STR("(a!b)")), STR("a!b")));
	assert_true(str_eq(uucp_recipient(STR("()")), STR("")));
	assert_true(str_eq(uucp_recipient(STR("(a")), STR("(a")));
	assert_true(str_eq(uucp_recipient(STR("(")), STR("(")));
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_hostile_name),
		cmocka_unit_test(test_uucp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
