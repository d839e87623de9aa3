/* SPDX-License-Identifier: ISC */
/* Headers of the PROXY protocol, good and malformed, in all splits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "os/crc.h"
#include "smtp/proxy.h"

#define L(text)	{ (text), sizeof(text) - 1 }
#define SIG	"\r\n\r\n\0\r\nQUIT\n"
#define FOUR	"\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\0\x19"
#define SIX	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"		\
		"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xdc\x04\0\x19"
#define X27	"aaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define UNIX27	X27 X27 X27 X27 X27 X27 X27 X27

struct row {
	struct str	 in;
	const char	*client, *here;
	uint16_t	 client_port, here_port;
};

static const struct row good[] = {
	{ L("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n"),
	    "192.0.2.1", "198.51.100.2", 56324, 25 },
	{ L("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
	    "255.255.255.255", "255.255.255.255", 65535, 65535 },
	{ L("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0", "0.0.0.0",
	    0, 0 },
	{ L("PROXY TCP6 2001:db8::1 2001:DB8::2 56324 25\r\n"),
	    "2001:db8::1", "2001:db8::2", 56324, 25 },
	{ L("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "192.0.2.1", "::1",
	    1, 2 },
	{ L("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 65535 },
	{ L("PROXY UNKNOWN\r\n"), "", "", 0, 0 },
	{ L("PROXY UNKNOWN \r\n"), "", "", 0, 0 },
	{ L("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    "", "", 0, 0 },
	{ L("PROXY UNKNOWN what ever\r\n"), "", "", 0, 0 },

	{ L(SIG "\x21\x11\0\x0c" FOUR), "192.0.2.1", "198.51.100.2",
	    56324, 25 },
	{ L(SIG "\x21\x21\0\x24" SIX), "2001:db8::1", "2001:db8::2",
	    56324, 25 },
	{ L(SIG "\x21\x21\0\x24" "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
	    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\2" "\0\1\0\2"),
	    "192.0.2.1", "192.0.2.2", 1, 2 },
	/* TLVs: an empty one, ALPN, NOOP. */
	{ L(SIG "\x21\x11\0\x19" FOUR "\xe0\0\0" "\x01\0\2h2" "\x04\0\2ab"),
	    "192.0.2.1", "198.51.100.2", 56324, 25 },
	{ L(SIG "\x21\x31\0\xd8" UNIX27), "", "", 0, 0 },
	/* LOCAL: whatever it says. */
	{ L(SIG "\x20\0\0\0"), "", "", 0, 0 },
	{ L(SIG "\x20\x11\0\x0c" FOUR), "", "", 0, 0 },
	{ L(SIG "\x20\x11\0\x0e" FOUR "xx"), "", "", 0, 0 },
	/* Of no family: nobody knows what it says. */
	{ L(SIG "\x21\0\0\0"), "", "", 0, 0 },
	{ L(SIG "\x21\0\0\5abcde"), "", "", 0, 0 },
};

static void
check(const struct row *row, struct str in)
{
	char client[IP_TEXT_MAX], here[IP_TEXT_MAX];
	struct proxy p;

	if (proxy_parse(in, &p) != PROXY_DONE)
		fail_msg("row %zu", (size_t)(row - good));
	assert_int_equal(p.size, row->in.n);
	assert_string_equal(ip_format(&p.client.ip, client), row->client);
	assert_string_equal(ip_format(&p.here.ip, here), row->here);
	assert_int_equal(p.client.port, row->client_port);
	assert_int_equal(p.here.port, row->here_port);
}

static void
test_good(void **state)
{
	struct buf more = { 0 };
	struct proxy p;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		check(&good[i], good[i].in);
		buf_reset(&more);
		buf_puts(&more, good[i].in);
		buf_putz(&more, "EHLO x\r\n");
		check(&good[i], buf_str(&more));
		for (size_t n = 0; n < good[i].in.n; n++)
			if (proxy_parse(str_slice(good[i].in, 0, n), &p) !=
			    PROXY_MORE || p.size <= n ||
			    p.size > good[i].in.n)
				fail_msg("row %zu, %zu bytes", i, n);
	}
	buf_free(&more);
}

static void
test_malformed(void **state)
{
	static const struct str rows[] = {
		L("EHLO client.example\r\n"), L("\r\nE"), L(" PROXY"),
		L("proxy TCP4 192.0.2.1 198.51.100.2 1 25\r\n"),
		L("PROXY\tTCP4 192.0.2.1 198.51.100.2 1 25\r\n"),
		L("PROXY\r\n"), L("PROXY \r\n"), L("PROXY TCP4\r\n"),
		L("PROXY TCP 192.0.2.1 198.51.100.2 1 25\r\n"),
		L("PROXY tcp4 192.0.2.1 198.51.100.2 1 25\r\n"),
		L("PROXY TCP5 192.0.2.1 198.51.100.2 1 25\r\n"),
		L("PROXY UNKNOWNS\r\n"), L("PROXY unknown\r\n"),
		L("PROXY  TCP4 192.0.2.1 198.51.100.2 1 25\r\n"),
		L("PROXY TCP4  192.0.2.1 198.51.100.2 1 25\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 1 25 \r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 1 25 x\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 1 \r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2\t1 25\r\n"),
		L("PROXY TCP4 192.0.2.256 198.51.100.2 1 25\r\n"),
		L("PROXY TCP4 192.0.2.01 198.51.100.2 1 25\r\n"),
		L("PROXY TCP4 192.0.2 198.51.100.2 1 25\r\n"),
		L("PROXY TCP4 2001:db8::1 198.51.100.2 1 25\r\n"),
		L("PROXY TCP4 192.0.2.1 2001:db8::1 1 25\r\n"),
		L("PROXY TCP4 ::ffff:192.0.2.1 198.51.100.2 1 25\r\n"),
		L("PROXY TCP6 192.0.2.1 2001:db8::1 1 25\r\n"),
		L("PROXY TCP6 2001:db8::1 192.0.2.1 1 25\r\n"),
		L("PROXY TCP6 2001:db8::1%eth0 2001:db8::1 1 25\r\n"),
		L("PROXY TCP6 [2001:db8::1] 2001:db8::1 1 25\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 1 025\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 00 25\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 -1 25\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 +1 25\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 0x1 25\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 1 25\n\r\n"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 1 25\rx"),
		L("PROXY TCP4 192.0.2.1 198.51.100.2 1 25\0\r\n"),
		L("PROXY TCP4 192.0.2.1\0 198.51.100.2 1 25\r\n"),
		L("PROXY UNKNOWN \x7f\r\n"), L("PROXY UNKNOWN \xff\r\n"),
		/* 108 bytes, and 107 without an end */
		L("PROXY UNKNOWN " X27 X27 X27 "bbbbbbbbbbb\r\n"),
		L("PROXY UNKNOWN " X27 X27 X27 "bbbbbbbbbbbb"),

		L("\r\n\r\n\r\nQUIT\n\x21\x11\0\x0c" FOUR),
		L("\r\n\r\n\0\r\nquit\n\x21\x11\0\x0c" FOUR),
		/* version, command, family, transport */
		L(SIG "\x11"), L(SIG "\x31"), L(SIG "\x01"),
		L(SIG "\x22\x11\0\x0c" FOUR), L(SIG "\x2f\x11\0\x0c" FOUR),
		L(SIG "\x21\x41\0\x0c" FOUR), L(SIG "\x21\xf1\0\x0c" FOUR),
		L(SIG "\x21\x12\0\x0c" FOUR), L(SIG "\x21\x10\0\x0c" FOUR),
		L(SIG "\x21\x01\0\x0c" FOUR), L(SIG "\x21\x22\0\x24" SIX),
		/* lengths */
		L(SIG "\x21\x11\0\0"), L(SIG "\x21\x11\0\x0b" FOUR),
		L(SIG "\x21\x21\0\x23" SIX), L(SIG "\x21\x21\0\x0c" FOUR),
		L(SIG "\x21\x31\0\xd7" UNIX27), L(SIG "\x20\x11\0\x0b" FOUR),
		L(SIG "\x21\x11\x0f\xf1"), L(SIG "\x21\x11\xff\xff"),
		/* TLVs */
		L(SIG "\x21\x11\0\x0d" FOUR "\x04"),
		L(SIG "\x21\x11\0\x0e" FOUR "\x04\0"),
		L(SIG "\x21\x11\0\x0f" FOUR "\x04\0\1"),
		L(SIG "\x21\x11\0\x11" FOUR "\x04\0\3ab"),
		L(SIG "\x21\x11\0\x10" FOUR "\x04\0\0x"),
		L(SIG "\x21\x11\0\x11" FOUR "\x03\0\2ab"),
		L(SIG "\x21\x11\0\x13" FOUR "\x03\0\4\0\0\0\0"),
	};
	struct proxy p;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (proxy_parse(rows[i], &p) != PROXY_BAD)
			fail_msg("row %zu", i);
}

/* With the right checksum it is taken, with any bit changed it is not. */
static void
test_checksum(void **state)
{
	char in[] = SIG "\x21\x11\0\x16" FOUR "\x03\0\4\0\0\0\0" "\x04\0\0";
	const size_t n = sizeof(in) - 1, at = 16 + 12 + 3;
	struct proxy p;
	uint32_t crc;

	(void)state;
	crc = crc32c(0, in, n);
	for (size_t i = 0; i < 4; i++)
		in[at + i] = (char)(crc >> (24 - 8 * i));
	assert_int_equal(proxy_parse(str_span(in, n), &p), PROXY_DONE);
	assert_int_equal(p.client.port, 56324);
	for (size_t bit = 16 * 8; bit < n * 8; bit++) {
		in[bit / 8] ^= (char)(1 << bit % 8);
		/* The type of the checksum itself: then it is none. */
		if (bit / 8 != at - 3 && proxy_parse(str_span(in, n), &p) ==
		    PROXY_DONE)
			fail_msg("bit %zu", bit);
		in[bit / 8] ^= (char)(1 << bit % 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
