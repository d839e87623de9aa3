/* SPDX-License-Identifier: ISC */
/*
 * Delivery reports.  A small reader of our own takes the parts apart; with
 * REPORT_SAMPLE=dir in the environment the reports are also written there, to
 * be looked at with other programs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mail/header.h"
#include "mail/report.h"

#define WHEN	1795328546	/* Sun, 22 Nov 2026 06:22:26 +0000 */

struct parsed {
	struct str	head;
	struct str	part[3];	/* with their MIME header */
};

static struct report_recipient
make_recipient(const char *local, const char *text, int reply,
    struct status status)
{
	struct report_recipient rc = {
		.final = { str_of(local), STR("b.example") },
		.original = { str_of(local), STR("b.example") },
		.outcome = {
			.kind = OUTCOME_FAILED,
			.reply = reply,
			.status = status,
			.host = STR("mx.b.example"),
			.text = str_of(text),
		},
		.last_attempt = WHEN - 60,
	};

	return rc;
}

static struct report
make_report(const struct report_recipient *rc, size_t n)
{
	struct report r = {
		.action = REPORT_FAILED,
		.hostname = STR("mx.example"),
		.id = STR("01ABCDEFGH-b1"),
		.about_id = STR("01ABCDEFGH"),
		.to = { STR("alice"), STR("a.example") },
		.about_sender = { STR("alice"), STR("a.example") },
		.now = WHEN,
		.arrival = WHEN - 3600,
		.expires = WHEN + 86400,
		.recipients = rc,
		.n = n,
		.header = STR("From: alice@a.example\r\n"
		    "Message-ID: <1@a.example>\r\nSubject: x\r\n\r\n"),
	};

	return r;
}

static bool
has(struct str s, const char *needle)
{
	return str_search(s, str_of(needle)) < s.n;
}

/* Lines end in CRLF, are short enough, and hold no control character. */
static void
check_lines(struct str all)
{
	struct str line;
	size_t i;

	assert_true(str_ends(all, STR("\r\n")));
	while (str_cut(&all, '\n', &line)) {
		assert_true(str_ends(line, STR("\r")));
		line.n--;
		assert_true(line.n <= 998);
		for (i = 0; i < line.n; i++)
			assert_true(line.p[i] == '\t' ||
			    !str_is_control(line.p[i]));
	}
}

static struct parsed
parse(struct str all)
{
	struct parsed p;
	struct buf mark;
	struct str boundary;
	size_t i, at;

	buf_init(&mark);
	at = str_search(all, STR("\r\n\r\n"));
	p.head = str_slice(all, 0, at + 2);
	all = str_from(all, at + 4);
	at = str_search(p.head, STR("boundary=\""));
	assert_true(at < p.head.n);
	boundary = str_from(p.head, at + 10);
	boundary = str_slice(boundary, 0, str_find(boundary, '"'));
	assert_true(boundary.n > 0 && boundary.n <= 70);
	buf_printf(&mark, "\r\n--%.*s", STR_ARG(boundary));
	for (i = 0; i < 3; i++) {
		at = str_search(all, buf_str(&mark));
		assert_true(at < all.n);
		all = str_from(all, at + mark.n);
		assert_true(str_starts(all, STR("\r\n")));
		all = str_from(all, 2);
		p.part[i] = str_slice(all, 0, str_search(all, buf_str(&mark)));
	}
	all = str_from(all, p.part[2].n + mark.n);
	assert_true(str_eq(all, STR("--\r\n")));
	buf_free(&mark);
	return p;
}

static struct parsed
make(struct buf *b, const struct report *r, const char *name)
{
	const char *dir = getenv("REPORT_SAMPLE");
	char path[4096];
	FILE *f;

	buf_reset(b);
	report_put(b, r);
	check_lines(buf_str(b));
	if (dir != NULL) {
		snprintf(path, sizeof(path), "%s/%s.eml", dir, name);
		f = fopen(path, "we");
		assert_non_null(f);
		assert_int_equal(fwrite(b->p, 1, b->n, f), b->n);
		assert_int_equal(fclose(f), 0);
	}
	return parse(buf_str(b));
}

static void
test_failed(void **state)
{
	struct report_recipient rc = make_recipient("bob", "host "
	    "mx.b.example[192.0.2.1] said: 550 5.1.1 <bob@b.example>: no such "
	    "user (in reply to RCPT TO command)", 550,
	    (struct status){ 5, 1, 1 });
	struct report r = make_report(&rc, 1);
	struct header_field f;
	struct parsed p;
	struct buf b;

	(void)state;
	buf_init(&b);
	p = make(&b, &r, "failed");
	assert_true(has(p.head, "From: Mail Delivery System "
	    "<MAILER-DAEMON@mx.example>\r\n"));
	assert_true(has(p.head, "To: <alice@a.example>\r\n"));
	assert_true(has(p.head,
	    "Date: Sun, 22 Nov 2026 06:22:26 +0000\r\n"));
	assert_true(has(p.head, "Message-ID: <01ABCDEFGH-b1@mx.example>\r\n"));
	assert_true(has(p.head, "In-Reply-To: <1@a.example>\r\n"));
	assert_true(has(p.head, "Auto-Submitted: auto-replied\r\n"));
	assert_true(has(p.head, "MIME-Version: 1.0\r\n"));
	assert_true(header_find(p.head, STR("Content-Type"), &f));
	assert_true(has(f.value, "multipart/report; "
	    "report-type=delivery-status;"));
	assert_false(has(p.head, "8bit"));
	assert_true(has(p.part[0], "<bob@b.example>"));
	assert_true(has(p.part[0], "no such\r\n      user"));
	assert_true(has(p.part[0], "What you can do"));
	assert_true(has(p.part[1], "Content-Type: message/delivery-status"
	    "\r\n\r\nReporting-MTA: dns; mx.example\r\n"
	    "Arrival-Date: Sun, 22 Nov 2026 05:22:26 +0000\r\n"));
	assert_true(has(p.part[1], "\r\n\r\n"
	    "Final-Recipient: rfc822; bob@b.example\r\n"
	    "Action: failed\r\nStatus: 5.1.1\r\n"
	    "Remote-MTA: dns; mx.b.example\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 <bob@b.example>: no such user"
	    "\r\nLast-Attempt-Date: Sun, 22 Nov 2026 06:21:26 +0000\r\n"));
	assert_false(has(p.part[1], "Original-Recipient"));
	assert_false(has(p.part[1], "Will-Retry-Until"));
	assert_true(str_eq(p.part[2], STR("Content-Type: text/rfc822-headers"
	    "\r\n\r\nFrom: alice@a.example\r\nMessage-ID: <1@a.example>\r\n"
	    "Subject: x\r\n")));
	buf_free(&b);
}

static void
test_delayed(void **state)
{
	struct report_recipient rc[2] = {
		make_recipient("bob", "connect to mx.b.example: timed out", 0,
		    (struct status){ 4, 4, 1 }),
		make_recipient("carol", "", 0, (struct status){ 0, 0, 0 }),
	};
	struct report r = make_report(rc, 2);
	struct parsed p;
	struct buf b;

	(void)state;
	buf_init(&b);
	rc[0].original = (struct address){ STR("team"), STR("c.example") };
	rc[0].orcpt = STR("rfc822;team+x@c.example");
	rc[1].final.domain = STR_NONE;
	rc[1].original = (struct address){ STR_NONE, STR_NONE };
	rc[1].outcome.host = STR_NONE;
	rc[1].last_attempt = 0;
	r.action = REPORT_DELAYED;
	p = make(&b, &r, "delayed");
	assert_true(has(p.head, "Subject: Your message is delayed"));
	assert_true(has(p.part[0], "need\r\nnot send it again"));
	assert_true(has(p.part[0], "Mon, 23 Nov 2026 06:22:26 +0000"));
	assert_true(has(p.part[0], "<team@c.example>"));
	assert_true(has(p.part[1], "\r\n\r\n"
	    "Original-Recipient: rfc822;team+x@c.example\r\n"
	    "Final-Recipient: rfc822; bob@b.example\r\n"
	    "Action: delayed\r\nStatus: 4.4.1\r\n"
	    "Remote-MTA: dns; mx.b.example\r\n"
	    "Diagnostic-Code: x-godwit; connect to mx.b.example: timed out"
	    "\r\nLast-Attempt-Date: Sun, 22 Nov 2026 06:21:26 +0000\r\n"
	    "Will-Retry-Until: Mon, 23 Nov 2026 06:22:26 +0000\r\n\r\n"
	    "Final-Recipient: rfc822; carol@mx.example\r\n"
	    "Action: delayed\r\nStatus: 4.0.0\r\n"
	    "Will-Retry-Until: Mon, 23 Nov 2026 06:22:26 +0000\r\n"));
	buf_free(&b);
}

/* RFC 3461 6.3, RFC 2852 5, RFC 4865 5.1.2, RFC 3464 2.3.3 */
static void
test_sent(void **state)
{
	struct report_recipient rc[3] = {
		make_recipient("bob", "delivered", 0,
		    (struct status){ 2, 0, 0 }),
		make_recipient("carol", "250 ok", 250,
		    (struct status){ 2, 1, 5 }),
		make_recipient("team", "", 0, (struct status){ 0, 0, 0 }),
	};
	struct report r = make_report(rc, 3);
	struct parsed p;
	struct buf b;

	(void)state;
	buf_init(&b);
	r.action = REPORT_SENT;
	r.envid = STR("my id");
	r.deliver_by = r.now;
	r.hold = STR("for;60");
	rc[1].fate = REPORT_RELAYED;
	rc[2].fate = REPORT_EXPANDED;
	rc[0].final_field = STR("utf-8;\\x{E9}@b.example");
	p = make(&b, &r, "sent");
	assert_true(has(p.head, "Subject: What became of your message"));
	assert_true(has(p.part[0], "    Delivered.\r\n"));
	assert_true(has(p.part[0], "will not tell more"));
	assert_false(has(p.part[0], "What you can do"));
	assert_true(has(p.part[1], "\r\n\r\n"
	    "Original-Envelope-Id: my id\r\nReporting-MTA: dns; mx.example"
	    "\r\nArrival-Date: Sun, 22 Nov 2026 05:22:26 +0000\r\n"
	    "Deliver-By-Date: Sun, 22 Nov 2026 06:22:26 +0000\r\n"
	    "Future-Release-Request: for;60\r\n"));
	assert_true(has(p.part[1], "Final-Recipient: utf-8;\\x{E9}@b.example"
	    "\r\nAction: delivered\r\nStatus: 2.0.0\r\n"));
	assert_true(has(p.part[1], "Action: relayed\r\nStatus: 2.1.5\r\n"));
	assert_true(has(p.part[1], "Action: expanded\r\nStatus: 2.0.0\r\n"));
	assert_false(has(p.part[1], "Will-Retry-Until"));
	assert_false(has(p.part[1], "Original-Recipient"));
	buf_free(&b);
}

/* RFC 3461 6.2, RFC 6533 4 */
static void
test_returned(void **state)
{
	struct report_recipient rc = make_recipient("bob", "no", 550,
	    (struct status){ 5, 1, 1 });
	struct report r = make_report(&rc, 1);
	struct parsed p;
	struct buf b;

	(void)state;
	buf_init(&b);
	r.whole = STR("Subject: x\r\n\r\nthe body\r\n");
	p = make(&b, &r, "whole");
	assert_true(str_eq(p.part[2], STR("Content-Type: message/rfc822"
	    "\r\n\r\nSubject: x\r\n\r\nthe body\r\n")));
	r.is_global = true;
	p = make(&b, &r, "whole-ascii");
	assert_true(has(p.part[2], "Content-Type: message/rfc822\r\n"));
	r.whole = STR("Subject: \xc3\xa9\r\n\r\nthe body\r\n");
	p = make(&b, &r, "whole-global");
	assert_true(has(p.part[2], "Content-Type: message/global\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n"));
	r.whole = STR_NONE;
	r.header = STR("Subject: \xc3\xa9\r\n");
	p = make(&b, &r, "global");
	assert_true(has(p.part[2], "Content-Type: message/global-headers"
	    "\r\n"));
	r.is_global = false;
	p = make(&b, &r, "not-global");
	assert_true(has(p.part[2], "Content-Type: text/rfc822-headers\r\n"));
	buf_free(&b);
}

static void
test_double(void **state)
{
	struct report_recipient rc = make_recipient("bob", "552 5.2.2 full",
	    552, (struct status){ 5, 2, 2 });
	struct report r = make_report(&rc, 1);
	struct parsed p;
	struct buf b;

	(void)state;
	buf_init(&b);
	r.is_double = true;
	r.to = (struct address){ STR("postmaster"), STR_NONE };
	r.about_sender = (struct address){ STR_NONE, STR_NONE };
	r.header = STR_NONE;
	p = make(&b, &r, "double");
	assert_true(has(p.head, "To: <postmaster@mx.example>\r\n"));
	assert_false(has(p.head, "In-Reply-To"));
	assert_true(has(p.part[0], "without a return address"));
	assert_false(has(p.part[0], "What you can do"));
	assert_true(has(p.part[1], "Diagnostic-Code: smtp; 552 5.2.2 full"
	    "\r\n"));
	assert_false(has(p.part[1], "X-Godwit-Sender"));
	buf_free(&b);
}

static void
test_diagnostic(void **state)
{
	static const struct {
		const char	*text;
		int		 reply;
		const char	*line;
	} rows[] = {
		{ "550 5.1.1 no", 550, "smtp; 550 5.1.1 no\r\n" },
		{ "no", 550, "smtp; 550 5.1.1 no\r\n" },
		{ "host x said: 550 no (in reply to DATA)", 550,
		    "smtp; 550 no\r\n" },
		{ "host x said: 551 no", 550,
		    "smtp; 550 5.1.1 host x said: 551 no\r\n" },
		{ "lost", 0, "x-godwit; lost\r\n" },
		{ "a\r\nAction: delivered\tb\033", 0,
		    "x-godwit; a??Action: delivered b?\r\n" },
		{ "k\xc3\xa4se \xff", 0, "x-godwit; k?se ?\r\n" },
	};
	struct report_recipient rc;
	struct report r;
	struct parsed p;
	struct buf b, line;
	size_t i;

	(void)state;
	buf_init(&b);
	buf_init(&line);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rc = make_recipient("bob", rows[i].text, rows[i].reply,
		    (struct status){ 5, 1, 1 });
		r = make_report(&rc, 1);
		p = make(&b, &r, "diagnostic");
		buf_reset(&line);
		buf_printf(&line, "\r\nDiagnostic-Code: %s", rows[i].line);
		if (!has(p.part[1], buf_cstr(&line)))
			fail_msg("row %zu: %.*s", i, STR_ARG(p.part[1]));
	}
	buf_free(&b);
	buf_free(&line);
}

/* What is 8-bit says so; the part for programs stays ASCII. */
static void
test_eight_bit(void **state)
{
	struct report_recipient rc = make_recipient("bob",
	    "550 k\xc3\xa4se\xff \xc2\x9b weg", 550,
	    (struct status){ 5, 1, 1 });
	struct report r = make_report(&rc, 1);
	struct parsed p;
	struct buf b;

	(void)state;
	buf_init(&b);
	p = make(&b, &r, "eight_bit");
	assert_true(has(p.head, "Content-Transfer-Encoding: 8bit\r\n"));
	assert_true(has(p.part[0], "Content-Transfer-Encoding: 8bit\r\n"));
	assert_true(has(p.part[0], "550 k\xc3\xa4se? ? weg\r\n"));
	assert_true(has(p.part[1], "smtp; 550 k?se? ? weg\r\n"));
	assert_false(has(p.part[2], "8bit"));
	rc.outcome.text = STR("550 no");
	r.header = STR("Subject: \xe4\r\n");
	p = make(&b, &r, "eight_bit_header");
	assert_true(has(p.head, "Content-Transfer-Encoding: 8bit\r\n"));
	assert_false(has(p.part[0], "8bit"));
	assert_true(has(p.part[2], "8bit\r\n\r\nSubject: \xe4\r\n"));
	buf_free(&b);
}

/* Whatever the returned header holds, the report keeps its form. */
static void
test_hostile_header(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "A: b\nC: d\n", "A: b\r\nC: d\r\n" },
		{ "A: b\rC: d\r\n", "A: b?C: d\r\n" },
		{ "A: \033[2J\tx\r\n\r\nbody", "A: ?[2J\tx\r\n" },
		{ "A: b", "A: b\r\n" },
		{ "A: b\r\n--=_01ABCDEFGH-b1_0\r\nC: d\r\n",
		    "A: b\r\n--=_01ABCDEFGH-b1_0\r\nC: d\r\n" },
		{ "A: =_01ABCDEFGH-b1_0 =_01ABCDEFGH-b1_1\r\n",
		    "A: =_01ABCDEFGH-b1_0 =_01ABCDEFGH-b1_1\r\n" },
		{ "Message-ID: <a@b>,\r\n <c@d>\r\n",
		    "Message-ID: <a@b>,\r\n <c@d>\r\n" },
		{ "Message-ID: <a@b\r\n c>\r\n",
		    "Message-ID: <a@b\r\n c>\r\n" },
	};
	struct report_recipient rc = make_recipient("bob", "550 no", 550,
	    (struct status){ 5, 1, 1 });
	struct report r = make_report(&rc, 1);
	struct parsed p;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.header = str_of(rows[i].in);
		p = make(&b, &r, "hostile");
		if (!str_ends(p.part[2], str_of(rows[i].out)))
			fail_msg("row %zu: %.*s", i, STR_ARG(p.part[2]));
		assert_false(has(p.head, "In-Reply-To"));
	}
	buf_free(&b);
}

static void
test_long(void **state)
{
	char word[5000], header[3000];
	struct report_recipient rc = make_recipient("bob", "", 550,
	    (struct status){ 5, 1, 1 });
	struct report r = make_report(&rc, 1);
	struct parsed p;
	struct buf b, text;
	struct str rest, line;
	size_t i;

	(void)state;
	buf_init(&b);
	buf_init(&text);
	for (i = 0; i < sizeof(word); i += 2)
		memcpy(word + i, "\xc3\xa4", 2);
	memset(header, 'h', sizeof(header));
	memcpy(header, "A: ", 3);
	r.header = str_span(header, sizeof(header));
	rc.outcome.text = str_span(word, sizeof(word));
	p = make(&b, &r, "long_word");
	assert_false(has(p.part[0], "?"));
	for (i = 0; i < 200; i++)
		buf_printf(&text, "word%zu ", i);
	rc.outcome.text = buf_str(&text);
	p = make(&b, &r, "long_text");
	assert_true(has(p.part[1], "word199"));
	for (i = 0; i < 2; i++) {
		rest = p.part[i];
		while (str_cut(&rest, '\n', &line))
			assert_true(line.n <= 78 + 1);
	}
	buf_free(&b);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_delayed),
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_returned),
		cmocka_unit_test(test_double),
		cmocka_unit_test(test_diagnostic),
		cmocka_unit_test(test_eight_bit),
		cmocka_unit_test(test_hostile_header),
		cmocka_unit_test(test_long),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
