/* SPDX-License-Identifier: ISC */
/*
 * route/mx against a name server of our own: order, lots, our own host, null
 * MX, and addresses that strangers must not make us call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_dns.h"
#include "route/mx.h"

#define MANY	70

static char many_answer[8192];

static const struct fake_row zone[] = {
	{ "one.test", RR_MX, 0, FAKE_AD, "one.test MX 10 a.test" },
	{ "order.test", RR_MX, 0, 0, "order.test MX 300 c.test\n"
	    "order.test MX 5 a.test\norder.test MX 20 b.test" },
	{ "twice.test", RR_MX, 0, 0, "twice.test MX 20 a.test\n"
	    "twice.test MX 10 A.test\ntwice.test MX 10 b.test" },
	{ "lots.test", RR_MX, 0, 0, "lots.test MX 10 a.test\n"
	    "lots.test MX 10 b.test\nlots.test MX 5 first.test\n"
	    "lots.test MX 20 last.test" },
	{ "many.test", RR_MX, 0, 0, many_answer },
	{ "null.test", RR_MX, 0, 0, "null.test MX 0 ." },
	{ "halfnull.test", RR_MX, 0, 0,
	    "halfnull.test MX 0 .\nhalfnull.test MX 10 a.test" },
	{ "nulls.test", RR_MX, 0, 0,
	    "nulls.test MX 0 .\nnulls.test MX 10 ." },
	{ "odd.test", RR_MX, 0, 0, "odd.test MX 0 a/b.test" },
	{ "own-first.test", RR_MX, 0, 0, "own-first.test MX 10 own.test\n"
	    "own-first.test MX 20 a.test" },
	{ "own-middle.test", RR_MX, 0, 0, "own-middle.test MX 10 a.test\n"
	    "own-middle.test MX 20 OWN.test\nown-middle.test MX 20 b.test\n"
	    "own-middle.test MX 30 c.test" },
	{ "own-tie.test", RR_MX, 0, 0, "own-tie.test MX 20 own.test\n"
	    "own-tie.test MX 20 b.test" },
	{ "own.test", RR_MX, 0, 0, NULL },
	{ "bare.test", RR_MX, 0, 0, NULL },
	{ "bare.test", RR_AAAA, 0, 0, NULL },
	{ "bare.test", RR_A, 0, 0, "bare.test A 192.0.2.9" },
	{ "void.test", RR_MX, 0, 0, NULL },
	{ "void.test", RR_AAAA, 0, 0, NULL },
	{ "void.test", RR_A, 0, 0, NULL },
	{ "fail.test", RR_MX, 2, 0, NULL },
	{ "half.test", RR_MX, 0, 0, NULL },
	{ "half.test", RR_AAAA, 0, 0, NULL },
	{ "half.test", RR_A, 2, 0, NULL },
	{ "alias.test", RR_MX, 0, 0,
	    "alias.test CNAME one.test\none.test MX 10 a.test" },

	{ "both.test", RR_AAAA, 0, 0, "both.test AAAA 2001:db8::1\n"
	    "both.test AAAA 2001:db8::2\nboth.test AAAA 2001:db8::3" },
	{ "both.test", RR_A, 0, 0,
	    "both.test A 192.0.2.1\nboth.test A 192.0.2.2" },
	{ "six.test", RR_AAAA, 0, 0, "six.test AAAA 2001:db8::1" },
	{ "six.test", RR_A, 2, 0, NULL },
	{ "four.test", RR_AAAA, 2, 0, NULL },
	{ "four.test", RR_A, 0, 0, "four.test A 192.0.2.1" },
	{ "none.test", RR_AAAA, 0, 0, NULL },
	{ "none.test", RR_A, 0, 0, NULL },
	{ "lost.test", RR_AAAA, 2, 0, NULL },
	{ "lost.test", RR_A, 0, 0, NULL },
	{ "self.test", RR_AAAA, 0, 0, "self.test AAAA ::1\n"
	    "self.test AAAA ::\nself.test AAAA ::ffff:127.0.0.1" },
	{ "self.test", RR_A, 0, 0, "self.test A 127.8.8.8\n"
	    "self.test A 0.0.0.0\nself.test A 192.0.2.1" },
	{ NULL, RR_A, 0, 0, NULL },
};

struct row {
	const char	*name;
	const char	*expect;	/* hosts, or the fault */
};

static const struct row rows[] = {
	{ "one.test", "secure 10 a.test" },
	{ "order.test", "5 a.test 20 b.test 300 c.test" },
	{ "halfnull.test", "10 a.test" },
	{ "alias.test", "10 a.test" },
	{ "own-middle.test", "10 a.test" },
	{ "bare.test", "implicit 0 bare.test" },
	{ "null.test", "5 556 1.10" },
	{ "nulls.test", "5 550 4.4" },
	{ "odd.test", "5 550 4.4" },
	{ "own-first.test", "5 554 4.6" },
	{ "own-tie.test", "5 554 4.6" },
	{ "own.test", "5 554 4.6" },
	{ "void.test", "5 550 4.4" },
	{ "nowhere.test", "5 550 1.2" },
	{ "fail.test", "4 451 4.3" },
	{ "half.test", "4 451 4.3" },
};

struct address_row {
	const char	*name;
	bool		 may_loopback;
	const char	*expect;	/* addresses, or the fault */
};

static const struct address_row address_rows[] = {
	{ "both.test", false, "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 "
	    "2001:db8::3 " },
	{ "six.test", false, "2001:db8::1 " },
	{ "four.test", false, "192.0.2.1 " },
	{ "none.test", false, "" },
	{ "nowhere.test", false, "" },
	{ "lost.test", false, "4 451 4.3" },
	{ "fail.test", false, "" },
	{ "self.test", false, "192.0.2.1 " },
	{ "self.test", true, "::1 127.8.8.8 :: 0.0.0.0 127.0.0.1 "
	    "192.0.2.1 " },
};

static struct sock_addr server = {
	.ip = { .family = 4, .b = { 127, 0, 0, 1 } },
};
static struct resolver *resolver;
static pid_t child;

static int
start(void **state)
{
	struct fault why;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < MANY; i++)
		n += (size_t)snprintf(many_answer + n,
		    sizeof(many_answer) - n, "%smany.test MX %d h%d.test",
		    i == 0 ? "" : "\n", MANY - i, MANY - i);
	child = fake_dns_start(zone, &server);
	resolver = child == -1 ? NULL : resolver_new_at(&server, &why);
	return resolver == NULL ? -1 : 0;
}

static int
stop(void **state)
{
	(void)state;
	resolver_free(resolver);
	fake_dns_stop(child);
	return 0;
}

static void
describe_fault(char *out, size_t size, const struct fault *why)
{
	assert_int_not_equal(why->text[0], '\0');
	snprintf(out, size, "%d %d %d.%d",
	    why->kind == FAULT_PERMANENT ? 5 : 4, why->reply, why->subject,
	    why->detail);
}

static void
describe_hosts(char *out, size_t size, const struct mx_list *list)
{
	size_t n = (size_t)snprintf(out, size, "%s%s",
	    list->secure ? "secure " : "", list->implicit ? "implicit " : "");

	for (size_t i = 0; i < list->hosts.n; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%u %.*s",
		    i > 0 ? " " : "", list->hosts.p[i].preference,
		    STR_ARG(list->hosts.p[i].name));
}

static int
find(struct arena *arena, const char *name, struct mx_list *list,
    struct fault *why)
{
	return mx_find(resolver, arena, str_of(name), STR("own.test"), list,
	    why);
}

static void
hosts(void **state)
{
	struct arena arena = { 0 };
	struct mx_list list;
	struct fault why;
	char got[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (find(&arena, rows[i].name, &list, &why) == 0)
			describe_hosts(got, sizeof(got), &list);
		else
			describe_fault(got, sizeof(got), &why);
		if (strcmp(got, rows[i].expect) != 0)
			fail_msg("%s: %s", rows[i].name, got);
	}
	arena_free(&arena);
}

static void
addresses(void **state)
{
	struct arena arena = { 0 };
	struct fault why;
	char got[512], ip[IP_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(address_rows) / sizeof(*address_rows);
	    i++) {
		const struct address_row *row = &address_rows[i];
		struct mx_host host = { .name = str_of(row->name) };
		size_t n = 0;

		got[0] = '\0';
		if (mx_addresses(resolver, &arena, &host, row->may_loopback,
		    &why) != 0)
			describe_fault(got, sizeof(got), &why);
		for (size_t k = 0; k < host.ips.n; k++)
			n += (size_t)snprintf(got + n, sizeof(got) - n, "%s ",
			    ip_format(&host.ips.p[k], ip));
		if (strcmp(got, row->expect) != 0)
			fail_msg("%s: %s", row->name, got);
	}
	arena_free(&arena);
}

/* Both orders of two equals come up, and never another order. */
static void
equals_are_shuffled(void **state)
{
	struct arena arena = { 0 };
	struct mx_list list;
	struct fault why;
	int a_first = 0;

	(void)state;
	for (int i = 0; i < 64; i++) {
		char got[512];

		assert_int_equal(find(&arena, "lots.test", &list, &why), 0);
		describe_hosts(got, sizeof(got), &list);
		if (strcmp(got, "5 first.test 10 a.test 10 b.test "
		    "20 last.test") == 0)
			a_first++;
		else
			assert_string_equal(got, "5 first.test 10 b.test "
			    "10 a.test 20 last.test");
	}
	/* 2 of 2^64 runs fail here. */
	assert_in_range(a_first, 1, 63);
	arena_free(&arena);
}

static void
a_host_is_listed_once_at_its_best(void **state)
{
	struct arena arena = { 0 };
	struct mx_list list;
	struct fault why;

	(void)state;
	assert_int_equal(find(&arena, "twice.test", &list, &why), 0);
	assert_int_equal(list.hosts.n, 2);
	assert_int_equal(list.hosts.p[0].preference, 10);
	assert_int_equal(list.hosts.p[1].preference, 10);
	arena_free(&arena);
}

static void
the_best_of_many_are_kept(void **state)
{
	struct arena arena = { 0 };
	struct mx_list list;
	struct fault why;

	(void)state;
	assert_int_equal(find(&arena, "many.test", &list, &why), 0);
	assert_int_equal(list.hosts.n, MX_HOSTS_MAX);
	for (size_t i = 0; i < list.hosts.n; i++)
		assert_int_equal(list.hosts.p[i].preference, i + 1);
	arena_free(&arena);
}

/* The implicit host was looked up by mx_find(). */
static void
implicit_host_has_its_addresses(void **state)
{
	struct arena arena = { 0 };
	struct mx_list list;
	struct fault why;
	char ip[IP_TEXT_MAX];

	(void)state;
	assert_int_equal(find(&arena, "bare.test", &list, &why), 0);
	fake_dns_stop(child);
	assert_int_equal(mx_addresses(resolver, &arena, &list.hosts.p[0],
	    false, &why), 0);
	assert_int_equal(list.hosts.p[0].ips.n, 1);
	assert_string_equal(ip_format(&list.hosts.p[0].ips.p[0], ip),
	    "192.0.2.9");
	server.port = 0;
	child = fake_dns_start(zone, &server);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(addresses),
		cmocka_unit_test(equals_are_shuffled),
		cmocka_unit_test(a_host_is_listed_once_at_its_best),
		cmocka_unit_test(the_best_of_many_are_kept),
		cmocka_unit_test(implicit_host_has_its_addresses),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
