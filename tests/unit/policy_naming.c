/* SPDX-License-Identifier: ISC */
/*
 * dns/ask and policy/naming against a name server of our own: the name of a
 * client, and the bounds of an asker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "fake_dns.h"
#include "dns/ask.h"
#include "policy/naming.h"

#define REVERSE	".2.0.192.in-addr.arpa"

static const struct fake_row zone[] = {
	{ "1" REVERSE, RR_PTR, 0, 0, "1" REVERSE " PTR good.test" },
	{ "good.test", RR_A, 0, 0, "good.test A 192.0.2.1\n"
	    "good.test A 192.0.2.2" },
	{ "3" REVERSE, RR_PTR, 0, 0, "3" REVERSE " PTR good.test" },
	{ "4" REVERSE, RR_PTR, 0, 0, "4" REVERSE " PTR nowhere.test" },
	{ "5" REVERSE, RR_PTR, 2, 0, NULL },
	{ "6" REVERSE, RR_PTR, 0, 0, "6" REVERSE " PTR nodots" },
	{ "7" REVERSE, RR_PTR, 0, 0, "7" REVERSE " PTR 192.0.2.7" },
	{ "8" REVERSE, RR_PTR, 0, 0, "8" REVERSE " PTR a.test\n"
	    "8" REVERSE " PTR b.test\n8" REVERSE " PTR c.test\n"
	    "8" REVERSE " PTR good8.test" },
	{ "good8.test", RR_A, 0, 0, "good8.test A 192.0.2.8" },
	{ "9" REVERSE, RR_PTR, 0, 0, "9" REVERSE " PTR a.test\n"
	    "9" REVERSE " PTR good9.test" },
	{ "good9.test", RR_A, 0, 0, "good9.test A 192.0.2.9" },
	{ "10" REVERSE, RR_PTR, 0, 0, "10" REVERSE " CNAME 10.sub.test" },
	{ "10.sub.test", RR_PTR, 0, 0, "10.sub.test PTR ten.test" },
	{ "ten.test", RR_A, 0, 0, "ten.test CNAME real.test\n"
	    "real.test A 192.0.2.10" },
	{ "11" REVERSE, RR_PTR, 0, 0, "11" REVERSE " PTR fails.test" },
	{ "fails.test", RR_A, 2, 0, NULL },
	{ "12" REVERSE, RR_PTR, 0, FAKE_GARBAGE, "12" REVERSE
	    " PTR good.test" },
	{ "13" REVERSE, RR_PTR, 0, FAKE_TC, "13" REVERSE " PTR good.test" },
	{ "14" REVERSE, RR_PTR, 0, FAKE_NO_EDNS, "14" REVERSE
	    " PTR old.test" },
	{ "old.test", RR_A, 0, FAKE_NO_EDNS, "old.test A 192.0.2.14" },
	{ "15" REVERSE, RR_PTR, 0, 0, "15" REVERSE " CNAME 15" REVERSE },
	{ "ping.test", RR_A, 0, 0, "ping.test CNAME pong.test" },
	{ "pong.test", RR_A, 0, 0, "pong.test CNAME ping.test" },
	{ NULL, RR_A, 0, 0, NULL },
};

static const struct {
	const char		*ip;
	enum naming_verdict	 verdict;
	const char		*name;
} rows[] = {
	{ "192.0.2.1", NAMING_CONFIRMED, "good.test" },
	{ "192.0.2.2", NAMING_NONE, "" },
	{ "192.0.2.3", NAMING_FORGED, "" },
	{ "192.0.2.4", NAMING_FORGED, "" },
	{ "192.0.2.5", NAMING_UNKNOWN, "" },
	{ "192.0.2.6", NAMING_NONE, "" },
	{ "192.0.2.7", NAMING_NONE, "" },
	{ "192.0.2.8", NAMING_FORGED, "" },	/* the fourth is not asked */
	{ "192.0.2.9", NAMING_CONFIRMED, "good9.test" },
	{ "192.0.2.10", NAMING_CONFIRMED, "ten.test" },
	{ "192.0.2.11", NAMING_UNKNOWN, "" },
	{ "192.0.2.12", NAMING_UNKNOWN, "" },
	{ "192.0.2.13", NAMING_UNKNOWN, "" },
	{ "192.0.2.14", NAMING_CONFIRMED, "old.test" },
	{ "192.0.2.15", NAMING_UNKNOWN, "" },
	{ "2001:db8::1", NAMING_NONE, "" },
};

FAKE_DNS_GROUP(zone)

static void
test_names(void **state)
{
	struct naming n;
	struct str name;
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asker *a = asker_new(sock_connect_udp(&server));

		assert_true(ip_parse(str_of(rows[i].ip), &ip));
		naming_begin(&n, a, &ip);
		if (naming_finish(&n, &name) != rows[i].verdict ||
		    !str_eq(name, str_of(rows[i].name)))
			fail_msg("%s: %d %.*s", rows[i].ip, n.verdict,
			    STR_ARG(name));
		asker_free(a);
	}
}

static void
test_number_of_questions(void **state)
{
	struct asker *a = asker_new(sock_connect_udp(&server));
	int last = -1;

	(void)state;
	assert_int_equal(ask_question(a, STR("a..b"), RR_A), -1);
	/* A circle of aliases ends, and its questions count. */
	last = ask_question(a, STR("ping.test"), RR_A);
	ask_wait(a, last);
	assert_int_equal(ask_answer(a, last, NULL), RESOLVE_TRY_AGAIN);
	for (int i = 0; i < ASK_MAX; i++)
		last = ask_question(a, STR("good.test"), RR_A);
	assert_int_equal(last, ASK_NO_MORE);
	/* Nobody has said that there is no such name. */
	assert_int_equal(ask_answer(a, last, NULL), RESOLVE_TRY_AGAIN);
	assert_int_equal(ask_question(a, STR("a..b"), RR_A), ASK_NO_NAME);
	assert_int_equal(ask_answer(a, ASK_NO_NAME, NULL), RESOLVE_NO_NAME);
	ask_wait(a, ASK_NO_NAME);
	ask_wait(a, last);
	asker_renew(a);
	last = ask_question(a, STR("good.test"), RR_A);
	ask_wait(a, last);
	assert_int_equal(ask_answer(a, last, NULL), RESOLVE_FOUND);
	assert_int_equal(asker_due(a), -1);
	asker_free(a);
}

/* The line is cut: nobody waits. */
static void
test_nobody_there(void **state)
{
	struct asker *a;
	struct fault why;
	int pair[2], q;

	(void)state;
	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair, &why), 0);
	a = asker_new(pair[0]);
	q = ask_question(a, STR("good.test"), RR_A);
	assert_false(ask_is_settled(a, q));
	assert_true(asker_due(a) > 0);
	close(pair[1]);
	ask_wait(a, q);
	assert_int_equal(ask_answer(a, q, NULL), RESOLVE_TRY_AGAIN);
	/* Nor when it was cut before. */
	q = ask_question(a, STR("good.test"), RR_A);
	ask_wait(a, q);
	assert_int_equal(ask_answer(a, q, NULL), RESOLVE_TRY_AGAIN);
	asker_free(a);
}

/* Silence: the question is sent three times, and then given up. */
static void
test_silence(void **state)
{
	struct asker *a;
	struct fault why;
	char packet[512];
	int pair[2], q;
	int64_t begun = time(NULL);

	(void)state;
	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair, &why), 0);
	a = asker_new(pair[0]);
	q = ask_question(a, STR("good.test"), RR_A);
	ask_wait(a, q);
	assert_int_equal(ask_answer(a, q, NULL), RESOLVE_TRY_AGAIN);
	/* ASK_PATIENCE_MS, and not ASK_WAIT_MS. */
	assert_in_range(time(NULL) - begun, 4, 15);
	for (int i = 0; i < 3; i++)
		assert_true(recv(pair[1], packet, sizeof(packet),
		    MSG_DONTWAIT) > 0);
	assert_int_equal(recv(pair[1], packet, sizeof(packet), MSG_DONTWAIT),
	    -1);
	close(pair[1]);
	asker_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_number_of_questions),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_silence),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
