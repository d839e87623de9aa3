/* SPDX-License-Identifier: ISC */
/* The trace field: its form, and what a hostile HELO cannot do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mail/header.h"
#include "mail/received.h"

#define WHEN	1795328546	/* Sun, 22 Nov 2026 06:22:26 +0000 */
#define DATE	"Sun, 22 Nov 2026 06:22:26 +0000\r\n"

static struct recipient people[2];

static struct envelope
make(enum envelope_origin origin, size_t n)
{
	struct envelope e = {
		.origin = origin,
		.client_name = STR("client.example"),
		.helo = STR("helo.example"),
		.protocol = STR("ESMTP"),
		.uid = 1000,
	};

	assert_true(ip_parse(STR("192.0.2.7"), &e.client_ip));
	people[0].original.local = STR("a b");
	people[0].original.domain = STR("rcpt.example");
	people[1] = people[0];
	people[0].address.local = STR("hidden");
	e.recipients.p = people;
	e.recipients.n = n;
	return e;
}

static const char *
line_of(struct buf *b, const struct envelope *e)
{
	buf_reset(b);
	received_put(b, e, NULL, STR("mx.example"), STR("ID1"), WHEN);
	return buf_cstr(b);
}

static void
test_forms(void **state)
{
	struct envelope e;
	struct buf b;

	(void)state;
	buf_init(&b);
	e = make(ORIGIN_SMTP, 1);
	assert_string_equal(line_of(&b, &e),
	    "Received: from helo.example (client.example [192.0.2.7])\r\n"
	    "\tby mx.example (godwit) with ESMTP id ID1\r\n"
	    "\tfor <\"a b\"@rcpt.example>; " DATE);
	e = make(ORIGIN_SMTP, 2);
	assert_true(ip_parse(STR("2001:db8::1"), &e.client_ip));
	e.client_name = STR("unknown");
	assert_string_equal(line_of(&b, &e),
	    "Received: from helo.example (unknown [IPv6:2001:db8::1])\r\n"
	    "\tby mx.example (godwit) with ESMTP id ID1; " DATE);
	e = make(ORIGIN_LOCAL, 1);
	assert_string_equal(line_of(&b, &e),
	    "Received: by mx.example (godwit, from userid 1000)\r\n"
	    "\tid ID1; " DATE);
	e = make(ORIGIN_DROP, 1);
	assert_string_equal(line_of(&b, &e),
	    "Received: by mx.example (godwit, from userid 1000)\r\n"
	    "\tid ID1; " DATE);
	e = make(ORIGIN_BOUNCE, 1);
	assert_string_equal(line_of(&b, &e),
	    "Received: by mx.example (godwit)\r\n\tid ID1; " DATE);
	buf_free(&b);
}

static void
test_hostile_names(void **state)
{
	static const struct {
		struct str	helo;
		const char	*shown;
	} rows[] = {
		{ { "[192.0.2.1]", 11 }, "[192.0.2.1]" },
		{ { "[IPv6:::1]", 10 }, "[IPv6:::1]" },
		{ { "a_b-c.d", 7 }, "a_b-c.d" },
		{ { "", 0 }, "unknown" },
		{ { "x) by y", 7 }, "x??by?y" },
		{ { "x (y", 4 }, "x??y" },
		{ { "a; Mon", 6 }, "a??Mon" },
		{ { "a\r\nB: c", 7 }, "a??B:?c" },
		{ { "a\0b", 3 }, "a?b" },
		{ { "a\tb\177", 4 }, "a?b?" },
		{ { "\xc3\xa4", 2 }, "??" },
		{ { "\"a\\", 3 }, "?a?" },
		{ { "<a@b>,", 6 }, "?a?b??" },
	};
	struct envelope e;
	struct buf b, expected;
	size_t i;

	(void)state;
	buf_init(&b);
	buf_init(&expected);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e = make(ORIGIN_SMTP, 2);
		e.helo = rows[i].helo;
		e.client_name = rows[i].helo;
		buf_reset(&expected);
		buf_printf(&expected, "Received: from %s (%s [192.0.2.7])\r\n",
		    rows[i].shown, rows[i].shown);
		line_of(&b, &e);
		assert_true(str_starts(buf_str(&b), buf_str(&expected)));
	}
	buf_free(&b);
	buf_free(&expected);
}

static void
test_long_names(void **state)
{
	char name[2000];
	struct header_field f;
	struct str rest, line;
	struct envelope e = make(ORIGIN_SMTP, 1);
	struct buf b;

	(void)state;
	buf_init(&b);
	memset(name, 'x', sizeof(name));
	e.helo = e.client_name = e.protocol = str_span(name, sizeof(name));
	people[0].original.local = str_span(name, 254);
	line_of(&b, &e);
	rest = buf_str(&b);
	assert_true(header_next(&rest, &f));
	assert_int_equal(rest.n, 0);
	rest = buf_str(&b);
	while (str_cut(&rest, '\n', &line))
		assert_true(line.n <= 998);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_long_names),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
