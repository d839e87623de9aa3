/* SPDX-License-Identifier: ISC */
/*
 * policy/helo: what the DNS has for the name of a greeting, how many questions
 * that takes, and when it is decided.  The rest of it is tested by the rules
 * (policy_rule).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_dns.h"
#include "policy/helo.h"

static const struct fake_row zone[] = {
	{ "a.test", RR_A, 0, 0, "a.test A 192.0.2.1" },
	{ "six.test", RR_AAAA, 0, 0, "six.test AAAA 2001:db8::1" },
	{ "six.test", RR_A, 0, 0, "" },
	{ "six.test", RR_MX, 0, 0, "" },
	{ "mx.test", RR_A, 0, 0, "" },
	{ "mx.test", RR_AAAA, 0, 0, "" },
	{ "mx.test", RR_MX, 0, 0, "mx.test MX 10 a.test" },
	/* RFC 7505 3, and a root that is one of two. */
	{ "null.test", RR_A, 0, 0, "" },
	{ "null.test", RR_AAAA, 0, 0, "" },
	{ "null.test", RR_MX, 0, 0, "null.test MX 0 ." },
	{ "half.test", RR_MX, 0, 0, "half.test MX 0 .\n"
	    "half.test MX 10 a.test" },
	{ "nulla.test", RR_A, 0, 0, "nulla.test A 192.0.2.1" },
	{ "nulla.test", RR_MX, 0, 0, "nulla.test MX 0 ." },
	{ "none.test", RR_A, 0, 0, "" },
	{ "none.test", RR_AAAA, 0, 0, "" },
	{ "none.test", RR_MX, 0, 0, "" },
	{ "ill.test", RR_A, 2, 0, "" },
	{ "illmx.test", RR_AAAA, 2, 0, "" },
	{ "illmx.test", RR_MX, 0, 0, "illmx.test MX 10 a.test" },
	{ NULL, RR_A, 0, 0, NULL }
};

static const struct {
	const char	*name;
	int		 known, four, six;	/* of 192.0.2.1, 2001:db8::1 */
} rows[] = {
	{ "a.test", 1, 1, 0 },
	{ "six.test", 1, 0, 1 },
	{ "mx.test", 1, 0, 0 },
	{ "null.test", 0, 0, 0 },
	{ "half.test", 1, 0, 0 },
	{ "nulla.test", 1, 1, 0 },
	{ "none.test", 0, 0, 0 },
	{ "nosuch.test", 0, 0, 0 },
	{ "a..test", 0, 0, 0 },
	{ "ill.test", -1, -1, 0 },
	{ "illmx.test", 1, 0, -1 },
};

FAKE_DNS_GROUP(zone)

static void
test_rows(void **state)
{
	struct arena arena = { 0 };
	struct ip four, six;

	(void)state;
	assert_true(ip_parse(STR("192.0.2.1"), &four));
	assert_true(ip_parse(STR("2001:db8::1"), &six));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asker *a = asker_new(sock_connect_udp(&server));
		struct helo_lookup l;

		helo_begin(&l, a, &arena, str_of(rows[i].name));
		if (helo_is_known(&l) != rows[i].known ||
		    helo_has_address(&l, &four) != rows[i].four ||
		    helo_has_address(&l, &six) != rows[i].six ||
		    helo_is_known(&l) != rows[i].known)
			fail_msg("%s", rows[i].name);
		asker_free(a);
	}
	arena_free(&arena);
}

/* Whether it is confirmed takes one, and none is asked twice. */
static void
test_number_of_questions(void **state)
{
	struct asker *a = asker_new(sock_connect_udp(&server));
	struct arena arena = { 0 };
	struct helo_lookup l;
	struct ip four;

	(void)state;
	assert_true(ip_parse(STR("192.0.2.1"), &four));
	for (int i = 0; i < ASK_MAX - 3; i++) {
		helo_begin(&l, a, &arena, STR("a.test"));
		assert_int_equal(helo_has_address(&l, &four), 1);
		assert_int_equal(helo_has_address(&l, &four), 1);
	}
	helo_begin(&l, a, &arena, STR("nosuch.test"));
	assert_int_equal(helo_is_known(&l), 0);
	assert_int_equal(helo_is_known(&l), 0);
	/* None is left, so nobody knows; but of this there is none. */
	helo_begin(&l, a, &arena, STR("nosuch2.test"));
	assert_int_equal(helo_is_known(&l), -1);
	assert_int_equal(helo_has_address(&l, &four), -1);
	helo_begin(&l, a, &arena, STR("a..test"));
	assert_int_equal(helo_is_known(&l), 0);
	asker_free(a);
	arena_free(&arena);
}

/* The server of these tests, but one question of three is never answered: the
 * one of type "silent". */
static pid_t
start_half(int fd, enum rr_type silent)
{
	static struct fake_message m;
	pid_t pid = fork();
	ssize_t n;
	size_t at;

	if (pid != 0)
		return pid;
	alarm(300);
	while ((n = recv(fd, m.p, sizeof(m.p), 0)) > 0) {
		for (at = 12; m.p[at] != 0; at += m.p[at] + 1u)
			;
		if (m.p[at + 2] == silent)
			continue;
		fake_answer(&m, zone, false);
		(void)send(fd, m.p, m.n, MSG_NOSIGNAL);
	}
	_exit(0);
}

/* What decides is not kept waiting by what would not matter. */
static void
test_decided(void **state)
{
	static const struct {
		const char	*name;
		enum rr_type	 silent;
		int		 known;
	} cases[] = {
		{ "a.test", RR_AAAA, 1 },
		{ "mx.test", RR_A, 1 },
		{ "six.test", RR_A, 1 },
		{ "a.test", RR_MX, 1 },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct helo_lookup l;
		struct asker *a;
		int fd[2], left;
		pid_t pid;

		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
		pid = start_half(fd[1], cases[i].silent);
		close(fd[1]);
		a = asker_new(fd[0]);
		helo_begin(&l, a, &arena, str_of(cases[i].name));
		assert_int_equal(helo_is_known(&l), cases[i].known);
		/* The silent one is still open. */
		left = 0;
		for (int k = 0; k < HELO_QUESTIONS; k++)
			left += !ask_is_settled(a, l.question[k]);
		assert_true(left >= 1);
		asker_free(a);
		fake_dns_stop(pid);
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_number_of_questions),
		cmocka_unit_test(test_decided),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
