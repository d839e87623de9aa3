/* SPDX-License-Identifier: ISC */
/* dns/servers: which servers a resolv.conf names, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dns/servers.h"

static const struct {
	const char	*text;
	const char	*servers;
} rows[] = {
	{ "", "127.0.0.1" },
	{ "nameserver 192.0.2.53\n", "192.0.2.53" },
	{ "# nameserver 192.0.2.1\n;\nsearch test\n\tnameserver\t192.0.2.53"
	    " # us\r\noptions edns0\n", "192.0.2.53" },
	{ "nameserver 192.0.2.1\nnameserver 2001:db8::1\n",
	    "192.0.2.1 2001:db8::1" },
	{ "nameserver 192.0.2.1\nnameserver ::1\n", "::1 192.0.2.1" },
	{ "nameserver 192.0.2.1\nnameserver ::1\nnameserver 127.0.0.53\n",
	    "::1 127.0.0.53 192.0.2.1" },
	{ "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"
	    "nameserver 192.0.2.3\nnameserver 127.0.0.1\n",
	    "192.0.2.1 192.0.2.2 192.0.2.3" },
	{ "nameserver\nnameserver x\nnameserver fe80::1%eth0\n"
	    "nameservers 192.0.2.1\nNAMESERVER 192.0.2.1\n"
	    "nameserver 192.0.2.\nnameserver 192.0.2.2", "192.0.2.2" },
};

static void
test_rows(void **state)
{
	struct sock_addr out[SERVERS_MAX];
	char ip[IP_TEXT_MAX];
	struct buf b = { 0 };
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = servers_parse(str_of(rows[i].text), out);
		buf_reset(&b);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(out[k].port, 53);
			buf_printf(&b, "%s%s", k > 0 ? " " : "",
			    ip_format(&out[k].ip, ip));
		}
		assert_string_equal(buf_cstr(&b), rows[i].servers);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
