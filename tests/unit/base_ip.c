/* SPDX-License-Identifier: ISC */
/*
 * base/ip: reading and writing of addresses, literals and networks, mapped
 * addresses, and the malformed forms that others take for addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/ip.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* text, its canonical text; or NULL for malformed. */
struct row {
	const char	*in, *out;
};

static void
parses_and_formats(void **state)
{
	static const struct row	t[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "2001:DB8::00A", "2001:db8::a" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "0:0:1:1:1:1:0:0", "::1:1:1:1:0:0" },
		{ "1:1:1:1:1:1:0:0", "1:1:1:1:1:1::" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "fedc:ba98:7654:3210:fedc:ba98:7654:3210",
		    "fedc:ba98:7654:3210:fedc:ba98:7654:3210" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::FFFF:c000:201", "192.0.2.1" },
		{ "0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1" },
		{ "::192.0.2.1", "::c000:201" },
		{ "64:ff9b::192.0.2.1", "64:ff9b::c000:201" },
		/* malformed */
		{ NULL, NULL },
		{ "", NULL },
		{ ".", NULL },
		{ "1", NULL },
		{ "1.2.3", NULL },
		{ "1.2.3.", NULL },
		{ "1.2.3.4.", NULL },
		{ "1.2.3.4.5", NULL },
		{ ".1.2.3.4", NULL },
		{ "1..3.4", NULL },
		{ "1.2.3.256", NULL },
		{ "1.2.3.1000", NULL },
		{ "01.2.3.4", NULL },
		{ "1.2.3.00", NULL },
		{ "1.2.3.0x4", NULL },
		{ "1.2.3.-4", NULL },
		{ " 1.2.3.4", NULL },
		{ "1.2.3.4 ", NULL },
		{ "16909060", NULL },
		{ ":", NULL },
		{ ":::", NULL },
		{ ":1::", NULL },
		{ "1:", NULL },
		{ "1::2::3", NULL },
		{ "1:2:3:4:5:6:7", NULL },
		{ "1:2:3:4:5:6:7:8:9", NULL },
		{ "1:2:3:4:5:6:7::8:9", NULL },
		{ "12345::", NULL },
		{ "g::", NULL },
		{ "::1%lo", NULL },
		{ "[::1]", NULL },
		{ "::1.2.3", NULL },
		{ "::1.2.3.256", NULL },
		{ "1.2.3.4::", NULL },
		{ "IPv6:::1", NULL },
		{ "::0000000000000000000000000000000000000000000001", NULL },
	};
	char		text[IP_TEXT_MAX];
	struct ip	ip, again;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		memset(&ip, 0x5a, sizeof(ip));
		again = ip;
		if (ip_parse(str_of(t[i].in), &ip) != (t[i].out != NULL))
			fail_msg("row %zu: %s", i, t[i].in);
		if (t[i].out == NULL) {
			assert_memory_equal(&ip, &again, sizeof(ip));
			continue;
		}
		assert_ptr_equal(ip_format(&ip, text), text);
		assert_string_equal(text, t[i].out);
		assert_true(ip_parse(str_of(text), &again));
		assert_true(ip_eq(&ip, &again));
		assert_memory_equal(&ip, &again, sizeof(ip));
	}
	assert_false(ip_parse(str_span("::1\0", 4), &ip));
	assert_false(ip_parse(str_span("1.2.3.4\0", 8), &ip));
}

static void
literals(void **state)
{
	static const struct row	t[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.000.002.001", "192.0.2.1" },
		{ "IPv6:2001:DB8::1", "IPv6:2001:db8::1" },
		{ "ipv6:::1", "IPv6:::1" },
		{ "IPv6:::", "IPv6:::" },
		{ "IPv6:::ffff:192.0.2.1", "192.0.2.1" },
		{ "", NULL },
		{ "IPv6:", NULL },
		{ "IPv6:192.0.2.1", NULL },
		{ "IPv6::1", NULL },
		{ "::1", NULL },
		{ "2001:db8::1", NULL },
		{ "[192.0.2.1]", NULL },
		{ "192.0.2.0001", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.1 ", NULL },
		{ "IPv4:192.0.2.1", NULL },
		{ "IPv6 :::1", NULL },
		{ "x-tag:1", NULL },
	};
	struct buf	b = { 0 };
	struct ip	ip;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		if (ip_parse_literal(str_of(t[i].in), &ip) !=
		    (t[i].out != NULL))
			fail_msg("row %zu: %s", i, t[i].in);
		if (t[i].out == NULL)
			continue;
		buf_reset(&b);
		ip_put_literal(&b, &ip);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_free(&b);
}

static void
from_bytes(void **state)
{
	static const uint8_t	mapped[16] = {
		[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1
	};
	char		text[IP_TEXT_MAX];
	struct ip	four, six, none;

	(void)state;
	four = ip_of_bytes(mapped + 12, 4);
	six = ip_of_bytes(mapped, 16);
	assert_int_equal(six.family, 4);
	assert_true(ip_eq(&four, &six));
	none = ip_of_bytes(mapped, 5);
	assert_int_equal(none.family, 0);
	assert_string_equal(ip_format(&none, text), "");
	assert_false(ip_eq(&none, &four));
	assert_false(ip_is_any(&none));
	assert_false(ip_is_loopback(&none));
}

static void
special_addresses(void **state)
{
	static const struct {
		const char	*text;
		bool		 loopback, any;
	} t[] = {
		{ "127.0.0.1", true, false },
		{ "127.255.255.255", true, false },
		{ "128.0.0.1", false, false },
		{ "::1", true, false },
		{ "::2", false, false },
		{ "::", false, true },
		{ "0.0.0.0", false, true },
		{ "0.0.0.1", false, false },
		{ "::ffff:127.0.0.1", true, false },
		{ "7f00::1", false, false },
	};
	struct ip	ip;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_true(ip_parse(str_of(t[i].text), &ip));
		assert_int_equal(ip_is_loopback(&ip), t[i].loopback);
		assert_int_equal(ip_is_any(&ip), t[i].any);
	}
}

static void
parses_networks(void **state)
{
	static const struct row	t[] = {
		{ "192.0.2.0/24", "192.0.2.0/24" },
		{ "192.0.2.1", "192.0.2.1/32" },
		{ "192.0.2.1/32", "192.0.2.1/32" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "192.0.2.128/25", "192.0.2.128/25" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "::/0", "::/0" },
		{ "::1", "::1/128" },
		{ "2001:db8:8000::/33", "2001:db8:8000::/33" },
		{ "::ffff:192.0.2.0/120", "192.0.2.0/24" },
		{ "::ffff:0:0/96", "0.0.0.0/0" },
		{ "::ffff:192.0.2.1", "192.0.2.1/32" },
		/* malformed */
		{ "", NULL },
		{ "/", NULL },
		{ "/8", NULL },
		{ "192.0.2.0/", NULL },
		{ "192.0.2.0/33", NULL },
		{ "192.0.2.0/024", NULL },
		{ "192.0.2.0/-1", NULL },
		{ "192.0.2.0/24/8", NULL },
		{ "192.0.2.0/24 ", NULL },
		{ "192.0.2.0/255.255.255.0", NULL },
		{ "192.0.2.1/24", NULL },
		{ "192.0.2.128/24", NULL },
		{ "192.0.2/24", NULL },
		{ "0.0.0.1/0", NULL },
		{ "2001:db8::/129", NULL },
		{ "2001:db8::1/32", NULL },
		{ "2001:db8:8000::/32", NULL },
		{ "::ffff:192.0.2.0/24", NULL },
		{ "::ffff:0:0/95", NULL },
	};
	struct buf	b = { 0 };
	struct ipnet	net;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		if (ipnet_parse(str_of(t[i].in), &net) != (t[i].out != NULL))
			fail_msg("row %zu: %s", i, t[i].in);
		if (t[i].out == NULL)
			continue;
		buf_reset(&b);
		ipnet_put(&b, &net);
		assert_string_equal(buf_cstr(&b), t[i].out);
	}
	buf_free(&b);
}

static void
networks_hold_addresses(void **state)
{
	static const struct {
		const char	*net, *ip;
		bool		 has;
	} t[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
		{ "192.0.2.0/24", "::192.0.2.7", false },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.0/23", "192.0.3.9", true },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "192.0.2.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "2001:db8::1", "2001:db8::1", true },
		{ "2001:db8::1", "2001:db8::", false },
	};
	struct ipnet	net;
	struct ip	ip;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_true(ipnet_parse(str_of(t[i].net), &net));
		assert_true(ip_parse(str_of(t[i].ip), &ip));
		if (ipnet_has(&net, &ip) != t[i].has)
			fail_msg("row %zu: %s", i, t[i].net);
	}
	ip = ip_of_bytes(NULL, 0);
	assert_true(ipnet_parse(STR("0.0.0.0/0"), &net));
	assert_false(ipnet_has(&net, &ip));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_formats),
		cmocka_unit_test(literals),
		cmocka_unit_test(from_bytes),
		cmocka_unit_test(special_addresses),
		cmocka_unit_test(parses_networks),
		cmocka_unit_test(networks_hold_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
