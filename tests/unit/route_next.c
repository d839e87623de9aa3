/* SPDX-License-Identifier: ISC */
/*
 * route/next: local, through a route, or by MX; and the keys by which
 * deliveries are grouped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "mail/address.h"
#include "route/next.h"

struct world {
	struct conf	conf;
	struct arena	arena;
};

static void
add_domain(struct world *w, const char *name)
{
	struct conf_domain d = { str_of(name), CLASS_LOCAL, 1 };

	vec_push(&w->arena, &w->conf.domains, d);
}

static void
add_route(struct world *w, const char *pattern, const char *host,
    uint16_t port, bool mx)
{
	struct conf_route r = { str_of(pattern), str_of(host), port, mx, 1 };

	vec_push(&w->arena, &w->conf.routes, r);
}

static void
make_world(struct world *w, const char *delimiter)
{
	memset(w, 0, sizeof(*w));
	w->conf.hostname = STR("mx.example.org");
	w->conf.delimiter = str_of(delimiter);
	add_domain(w, "example.org");
}

struct row {
	const char	*given;
	const char	*key;
	const char	*name;		/* user or host */
	unsigned	 port;		/* 0: local */
	bool		 mx;
};

static void
check(struct world *w, const struct row *row)
{
	struct address a;
	struct fault why;
	struct next next;

	assert_int_equal(address_parse(&w->arena, str_of(row->given), true,
	    &a, &why), 0);
	assert_int_equal(next_find(&w->conf, &w->arena, &a, &next, &why), 0);
	if (!str_eq(next.key, str_of(row->key)))
		print_error("%s: %.*s\n", row->given, STR_ARG(next.key));
	assert_true(str_eq(next.key, str_of(row->key)));
	assert_int_equal(next.kind, row->port == 0 ? NEXT_LOCAL : NEXT_RELAY);
	assert_true(str_eq(row->port == 0 ? next.user : next.host,
	    str_of(row->name)));
	assert_int_equal(next.port, row->port);
	assert_int_equal(next.mx, row->mx);
}

static void
check_rows(struct world *w, const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		check(w, &rows[i]);
	arena_free(&w->arena);
}

#define N(rows)	(sizeof(rows) / sizeof((rows)[0]))

static void
without_routes(void **state)
{
	static const struct row rows[] = {
		{ "alice", "local:alice", "alice", 0, false },
		{ "alice@example.org", "local:alice", "alice", 0, false },
		{ "alice@EXAMPLE.org", "local:alice", "alice", 0, false },
		{ "alice@mx.example.org", "local:alice", "alice", 0, false },
		{ "alice+x+y@example.org", "local:alice", "alice", 0,
		    false },
		{ "alice+@example.org", "local:alice", "alice", 0, false },
		{ "\"+x\"@example.org", "local:+x", "+x", 0, false },
		{ "a@far.example", "far.example:25", "far.example", 25,
		    true },
		{ "b@FAR.example", "far.example:25", "far.example", 25,
		    true },
		{ "a@sub.example.org", "sub.example.org:25",
		    "sub.example.org", 25, true },
		{ "a@b\303\274cher.example", "xn--bcher-kva.example:25",
		    "xn--bcher-kva.example", 25, true },
		{ "a@[192.0.2.1]", "[192.0.2.1]:25", "192.0.2.1", 25, false },
		{ "a@[IPv6:2001:DB8::1]", "[2001:db8::1]:25", "2001:db8::1",
		    25, false },
	};
	struct world w;

	(void)state;
	make_world(&w, "+");
	check_rows(&w, rows, N(rows));
}

static void
first_route_wins(void **state)
{
	static const struct row rows[] = {
		{ "a@example.org", "local:a", "a", 0, false },
		{ "a@partner.example", "partner-mx.example:25",
		    "partner-mx.example", 25, true },
		{ "a@x.partner.example", "[relay.partner.example]:2525",
		    "relay.partner.example", 2525, false },
		{ "a@six.example", "[2001:db8::2]:25", "2001:db8::2", 25,
		    false },
		{ "a@four.example", "[192.0.2.9]:26", "192.0.2.9", 26,
		    false },
		{ "a@b\303\274cher.example", "[books.example]:25",
		    "books.example", 25, false },
		{ "a@xn--bcher-kva.example", "[books.example]:25",
		    "books.example", 25, false },
		{ "a@k\303\266ln.example", "[xn--kln-sna.example]:25",
		    "xn--kln-sna.example", 25, false },
		{ "a@else.example", "[smtp.isp.example]:587",
		    "smtp.isp.example", 587, false },
		{ "a@[192.0.2.1]", "[smtp.isp.example]:587",
		    "smtp.isp.example", 587, false },
	};
	struct world w;

	(void)state;
	make_world(&w, "+");
	add_route(&w, "partner.example", "partner-mx.example", 25, true);
	add_route(&w, "*.partner.example", "relay.partner.example", 2525,
	    false);
	add_route(&w, "six.example", "2001:db8::2", 25, true);
	add_route(&w, "four.example", "[192.0.2.9]", 26, false);
	add_route(&w, "xn--bcher-kva.example", "books.example", 25, false);
	add_route(&w, "k\303\266ln.example", "k\303\266ln.example", 25,
	    false);
	add_route(&w, "*", "smtp.isp.example", 587, false);
	add_route(&w, "else.example", "never.example", 25, false);
	check_rows(&w, rows, N(rows));
}

static void
users_with_the_delimiter(void **state)
{
	static const struct row rows[] = {
		{ "www-data", "local:www-data", "www-data", 0, false },
		{ "daemon-x-y", "local:daemon", "daemon", 0, false },
		{ "alice+x", "local:alice+x", "alice+x", 0, false },
	};
	static const struct row none = { "a-b", "local:a-b", "a-b", 0, false };
	struct world w;

	(void)state;
	make_world(&w, "-");
	check_rows(&w, rows, N(rows));
	make_world(&w, "");
	check_rows(&w, &none, 1);
}

static void
never_anywhere(void **state)
{
	static const struct {
		struct address	address;
		int		reply, subject, detail;
	} rows[] = {
		{ { { "", 0 }, { "", 0 } }, 550, 1, 1 },
		{ { { "", 0 }, { "example.org", 11 } }, 550, 1, 1 },
		{ { { "-f", 2 }, { "", 0 } }, 550, 1, 1 },
		{ { { "../a", 4 }, { "example.org", 11 } }, 550, 1, 1 },
		{ { { "a", 1 }, { "\342\200\256\303.example", 13 } },
		    550, 1, 2 },
	};
	struct fault why;
	struct next next;
	struct world w;
	size_t i;

	(void)state;
	make_world(&w, "+");
	for (i = 0; i < N(rows); i++) {
		assert_int_equal(next_find(&w.conf, &w.arena,
		    &rows[i].address, &next, &why), -1);
		assert_int_equal(why.kind, FAULT_PERMANENT);
		assert_int_equal(why.subject, rows[i].subject);
		assert_int_equal(why.detail, rows[i].detail);
	}
	arena_free(&w.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_routes),
		cmocka_unit_test(first_route_wins),
		cmocka_unit_test(users_with_the_delimiter),
		cmocka_unit_test(never_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
