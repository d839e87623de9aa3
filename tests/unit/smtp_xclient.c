/* SPDX-License-Identifier: ISC */
/* The arguments of XCLIENT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "smtp/xclient.h"

static void
test_good(void **state)
{
	char text[IP_TEXT_MAX];
	struct arena a = { 0 };
	struct xclient x;
	struct fault why;

	(void)state;
	assert_int_equal(xclient_parse(&a, STR("name=a.example "
	    "ADDR=192.0.2.1\tport=40000 Proto=esmtp HELO=[192.0.2.1] "
	    "LOGIN=joe+20s+2E DESTADDR=IPV6:2001:DB8::1 DESTPORT=25 "
	    "REVERSE_NAME=b.example"), &x, &why), 0);
	assert_int_equal(x.given, 511);
	assert_true(str_eq(x.name, STR("a.example")));
	assert_string_equal(ip_format(&x.client.ip, text), "192.0.2.1");
	assert_int_equal(x.client.port, 40000);
	assert_true(x.esmtp);
	assert_true(str_eq(x.helo, STR("[192.0.2.1]")));
	assert_true(str_eq(x.login, STR("joe s.")));
	assert_string_equal(ip_format(&x.here.ip, text), "2001:db8::1");
	assert_int_equal(x.here.port, 25);
	assert_true(str_eq(x.reverse_name, STR("b.example")));

	assert_int_equal(xclient_parse(&a, STR("NAME=[UNAVAILABLE] "
	    "ADDR=[TempUnavail] PORT=[unavailable] HELO=[UNAVAILABLE] "
	    "LOGIN=[UNAVAILABLE] REVERSE_NAME=[TEMPUNAVAIL] PROTO=SMTP"), &x,
	    &why), 0);
	assert_int_equal(x.name.n + x.helo.n + x.login.n + x.reverse_name.n,
	    0);
	assert_int_equal(x.client.ip.family, 0);
	assert_false(x.esmtp);
	assert_int_equal(x.given, 511 & ~(XCLIENT_DESTADDR |
	    XCLIENT_DESTPORT));
	arena_free(&a);
}

static void
test_malformed(void **state)
{
	static const char *const rows[] = {
		"", " ", "ADDR", "=", "=192.0.2.1", "ADDR=", "ADR=192.0.2.1",
		"ADDR =192.0.2.1", "ADDR= 192.0.2.1", "ADDR=192.0.2.1,",
		"ADDR=192.0.2", "ADDR=192.0.2.1/32", "ADDR=IPV6:",
		"ADDR=IPV6:192.0.2.1", "ADDR=IPV6:::1%lo", "ADDR=+5B::1+5D",
		"ADDR=192.0.2.1 addr=192.0.2.1", "ADDR=192.0.2.1 X=1",
		"ADDR=[UNAVAILABLE", "ADDR=[UNKNOWN]", "ADDR=192.0.2.1+00",
		"PORT=", "PORT=a", "PORT=65536", "PORT=0x19", "PORT=-1",
		"PROTO=", "PROTO=LMTP", "PROTO=[UNAVAILABLE]", "PROTO=ESMTPS",
		"NAME=.", "NAME=a.", "NAME=a b", "NAME=a+20b", "NAME=-a",
		"NAME=a=b", "NAME=a+", "NAME=a+4", "NAME=a+4g", "NAME=a+4e",
		"NAME=\xc3\xa9", "NAME=+C3+A9", "HELO=+00", "HELO=a+0D+0A",
		"HELO=a+20b", "HELO=+7F", "HELO=+80", "LOGIN=+20joe",
		"LOGIN=joe+09", "LOGIN=joe+0A", "REVERSE_NAME=a..b",
		"DESTADDR=x", "DESTPORT=x", "REVERSE=a.example",
	};
	struct arena a = { 0 };
	struct xclient x;
	struct fault why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (xclient_parse(&a, str_of(rows[i]), &x, &why) == 0)
			fail_msg("%s", rows[i]);
		assert_int_equal(why.reply, 501);
		assert_int_equal(why.subject * 10 + why.detail, 54);
	}
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
