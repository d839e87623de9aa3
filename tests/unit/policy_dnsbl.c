/* SPDX-License-Identifier: ISC */
/*
 * policy/dnsbl: which answers are listings, what rows make of them, and what
 * becomes of a list that is ill.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_dns.h"
#include "policy/dnsbl.h"

static const struct {
	const char	*answer;
	enum dnsbl_code	 code;
} codes[] = {
	{ "127.0.0.2", DNSBL_LISTING },
	{ "127.0.0.1", DNSBL_NOTHING },
	{ "127.0.0.0", DNSBL_LISTING },
	{ "127.0.1.1", DNSBL_LISTING },
	{ "127.1.2.3", DNSBL_LISTING },
	{ "127.255.254.255", DNSBL_LISTING },
	{ "127.255.255.0", DNSBL_ERROR },
	{ "127.255.255.252", DNSBL_ERROR },
	{ "127.255.255.254", DNSBL_ERROR },
	{ "127.255.255.255", DNSBL_ERROR },
	{ "128.0.0.2", DNSBL_NONSENSE },
	{ "126.255.255.255", DNSBL_NONSENSE },
	{ "0.0.0.0", DNSBL_NONSENSE },
	{ "192.0.2.1", DNSBL_NONSENSE },
	{ "::1", DNSBL_NONSENSE },
	{ "2001:db8::1", DNSBL_NONSENSE },
};

static const struct {
	const char	*when, *answer;
	bool		 has;
} spans[] = {
	{ "", "127.0.0.2", true },
	{ "", "127.0.0.1", false },
	{ "", "127.255.255.254", false },
	{ "when 127.0.0.2", "127.0.0.2", true },
	{ "when 127.0.0.2", "127.0.0.3", false },
	{ "when 127.0.0.2-11", "127.0.0.11", true },
	{ "when 127.0.0.2-11", "127.0.0.12", false },
	{ "when 127.0.0.2-11", "127.0.1.5", false },
	{ "when 127.0.0.2 127.0.0.9", "127.0.0.9", true },
	{ "when 127.0.0.1", "127.0.0.1", false },
	{ "when 127.255.255.0-255", "127.255.255.254", false },
};

static const struct fake_row zone[] = {
	{ "2.0.0.127.bl.test", RR_A, 0, 0, "2.0.0.127.bl.test A 127.0.0.2" },
	{ "1.2.0.192.bl.test", RR_A, 0, 0, "1.2.0.192.bl.test A 127.0.0.2" },
	{ "1.2.0.192.bl.test", RR_TXT, 0, 0,
	    "1.2.0.192.bl.test TXT see\tbl.test$" },
	{ "2.2.0.192.bl.test", RR_A, 0, 0, "2.2.0.192.bl.test A 127.0.0.2\n"
	    "2.2.0.192.bl.test A 127.0.0.4" },
	{ "5.2.0.192.bl.test", RR_A, 2, 0, NULL },
	{ "2.0.0.127.wl.test", RR_A, 0, 0, "2.0.0.127.wl.test A 127.0.0.2" },
	{ "2.2.0.192.wl.test", RR_A, 0, 0, "2.2.0.192.wl.test A 127.0.5.1" },
	{ "2.0.0.127.err.test", RR_A, 0, 0,
	    "2.0.0.127.err.test A 127.255.255.254" },
	{ "1.2.0.192.err.test", RR_A, 0, 0,
	    "1.2.0.192.err.test A 127.255.255.254" },
	{ "2.0.0.127.all.test", RR_A, 0, 0, "2.0.0.127.all.test A 127.0.0.2" },
	{ "1.0.0.127.all.test", RR_A, 0, 0, "1.0.0.127.all.test A 127.0.0.2" },
	{ "1.2.0.192.all.test", RR_A, 0, 0, "1.2.0.192.all.test A 127.0.0.2" },
	{ "1.2.0.192.none.test", RR_A, 0, 0,
	    "1.2.0.192.none.test A 127.0.0.2" },
	{ "1.2.0.192.mild.test", RR_A, 0, 0,
	    "1.2.0.192.mild.test A 127.0.0.1" },
	{ "2.0.0.127.mild.test", RR_A, 0, 0, "2.0.0.127.mild.test A "
	    "127.0.0.2" },
	{ "1.2.0.192.one.test", RR_A, 0, 0, "1.2.0.192.one.test A 127.0.0.2" },
	{ "2.0.0.127.one.test", RR_A, 0, 0, "2.0.0.127.one.test A 127.0.0.1" },
	{ "1.2.0.192.shy.test", RR_A, 0, 0, "1.2.0.192.shy.test A 127.0.0.2" },
	{ "2.0.0.127.shy.test", RR_A, 2, 0, NULL },
	{ "2.0.0.127.web.test", RR_A, 0, 0, "2.0.0.127.web.test A 192.0.2.80" },
	{ "1.2.0.192.web.test", RR_A, 0, 0, "1.2.0.192.web.test A 192.0.2.80" },
	{ NULL, RR_A, 0, 0, NULL },
};

FAKE_DNS_GROUP(zone)

static struct conf *
parse(const char *text)
{
	struct buf errors = { 0 };
	struct conf *conf = conf_parse("test", str_of(text), &errors);

	if (conf == NULL)
		fail_msg("%s", buf_cstr(&errors));
	buf_free(&errors);
	return conf;
}

static void
test_codes(void **state)
{
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_true(ip_parse(str_of(codes[i].answer), &ip));
		if (dnsbl_judge_code(&ip) != codes[i].code)
			fail_msg("%s", codes[i].answer);
	}
}

static void
test_spans(void **state)
{
	char text[200];
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct conf *conf;

		snprintf(text, sizeof(text), "hostname a.test\ndnsbl bl.test %s",
		    spans[i].when);
		conf = parse(text);
		assert_true(ip_parse(str_of(spans[i].answer), &ip));
		if (dnsbl_row_has(&conf->guest.lists.p[0], &ip) !=
		    spans[i].has)
			fail_msg("%s of %s", spans[i].answer, spans[i].when);
		conf_free(conf);
	}
}

/* What is found about a client; the list's trouble is that of row 0. */
static const struct {
	const char		*lists, *client;
	int			 rank;
	const char		*blamed;
	bool			 praised;
	enum dnsbl_trouble	 trouble;
} rows[] = {
	{ "dnsbl bl.test", "192.0.2.1", 1, "bl.test", false, DNSBL_FINE },
	{ "dnsbl bl.test", "192.0.2.9", 0, NULL, false, DNSBL_FINE },
	{ "dnsbl bl.test", "192.0.2.5", 0, NULL, false, DNSBL_FINE },
	{ "dnsbl bl.test weight 3", "192.0.2.2", 3, "bl.test", false,
	    DNSBL_FINE },
	{ "dnsbl bl.test weight 3 when 127.0.0.4 as four\n"
	    "dnsbl bl.test when 127.0.0.2", "192.0.2.2", 4, "bl.test", false,
	    DNSBL_FINE },
	{ "dnsbl bl.test weight 3\ndnswl wl.test weight 5", "192.0.2.2", -2,
	    "bl.test", true, DNSBL_FINE },
	{ "dnsbl err.test", "192.0.2.1", 0, NULL, false, DNSBL_REFUSES },
	{ "dnsbl all.test", "192.0.2.1", 0, NULL, false, DNSBL_LISTS_ALL },
	{ "dnsbl web.test", "192.0.2.1", 0, NULL, false, DNSBL_LISTS_ALL },
	{ "dnsbl none.test", "192.0.2.1", 0, NULL, false, DNSBL_LISTS_NONE },
	{ "dnsbl bl.test", "2001:db8::1", 0, NULL, false, DNSBL_FINE },
	/* 127.0.0.1 is no listing, and no test entry. */
	{ "dnsbl mild.test", "192.0.2.1", 0, NULL, false, DNSBL_FINE },
	{ "dnsbl one.test", "192.0.2.1", 0, NULL, false, DNSBL_LISTS_NONE },
	/* A list that could not prove itself is not believed. */
	{ "dnsbl shy.test", "192.0.2.1", 0, NULL, false, DNSBL_FINE },
	{ "dnsbl bl.test\ndnsbl none.test weight 9\ndnsbl wl.test\n"
	    "dnsbl mild.test\ndnsbl err.test", "192.0.2.1", 1, "bl.test",
	    false, DNSBL_FINE },
};

static void
look_up(struct dnsbl *d, struct asker **a, const struct conf *conf,
    struct dnsbl_memory *m, const char *client)
{
	struct ip ip;

	*a = asker_new(sock_connect_udp(&server));
	assert_true(ip_parse(str_of(client), &ip));
	dnsbl_begin(d, *a, conf, m, &ip);
	dnsbl_finish(d);
}

static void
test_rows(void **state)
{
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dnsbl_memory *m = dnsbl_memory_new();
		struct conf *conf;
		struct asker *a;
		struct dnsbl d;

		snprintf(text, sizeof(text), "hostname a.test\n%s",
		    rows[i].lists);
		conf = parse(text);
		look_up(&d, &a, conf, m, rows[i].client);
		if (d.rank != rows[i].rank || (d.praised != NULL) !=
		    rows[i].praised || d.row[0].trouble != rows[i].trouble)
			fail_msg("row %zu: rank %d, trouble %d", i, d.rank,
			    (int)d.row[0].trouble);
		assert_int_equal(d.blamed != NULL, rows[i].blamed != NULL);
		if (d.blamed != NULL)
			assert_true(str_eq(d.blamed->zone,
			    str_of(rows[i].blamed)));
		asker_free(a);
		/* Trouble is told once, and its list is asked no more. */
		look_up(&d, &a, conf, m, rows[i].client);
		assert_int_equal(d.row[0].trouble, DNSBL_FINE);
		assert_int_equal(d.row[0].probed, str_eq(d.row[0].zone,
		    STR("shy.test")));
		assert_int_equal(d.row[0].rests,
		    rows[i].trouble != DNSBL_FINE);
		assert_int_equal(d.rank, rows[i].rank);
		asker_free(a);
		conf_free(conf);
	}
}

/* More lists than can be probed at once: the others come with the next client,
 * and count for nothing before. */
static void
test_many(void **state)
{
	struct conf *conf = parse("hostname a.test\ndnsbl wl.test\n"
	    "dnsbl mild.test\ndnsbl all.test\ndnsbl err.test\n"
	    "dnsbl bl.test\ndnsbl none.test");
	struct dnsbl_memory *m = dnsbl_memory_new();
	struct asker *a;
	struct dnsbl d;

	(void)state;
	look_up(&d, &a, conf, m, "192.0.2.1");
	assert_int_equal(d.rank, 0);
	assert_true(d.row[4].rests);
	assert_int_equal(dnsbl_has(&d, STR("bl.test")), -1);
	assert_int_equal(dnsbl_has(&d, STR("wl.test")), 0);
	assert_int_equal(dnsbl_has(&d, STR("all.test")), -1);
	asker_free(a);
	look_up(&d, &a, conf, m, "192.0.2.1");
	assert_int_equal(d.rank, 1);
	assert_true(d.row[4].probed && !d.row[0].probed);
	assert_int_equal(dnsbl_has(&d, STR("bl.test")), 1);
	assert_int_equal(dnsbl_has(&d, STR("none.test")), -1);
	assert_int_equal(d.row[5].trouble, DNSBL_LISTS_NONE);
	asker_free(a);
	conf_free(conf);
}

static void
test_silence(void **state)
{
	struct conf *conf = parse("hostname a.test\ndnsbl bl.test");
	struct dnsbl_memory *m = dnsbl_memory_new();
	struct asker *a;
	struct dnsbl d;

	(void)state;
	/* SERVFAIL is no answer either. */
	for (int i = 1; i <= 6; i++) {
		look_up(&d, &a, conf, m, "192.0.2.5");
		assert_int_equal(d.row[0].trouble, i == 5 ? DNSBL_IS_SILENT :
		    DNSBL_FINE);
		assert_int_equal(d.row[0].rests, i == 6);
		asker_free(a);
	}
	conf_free(conf);
}

static void
test_reason(void **state)
{
	struct conf *conf = parse("hostname a.test\ndnsbl bl.test");
	struct arena arena = { 0 };
	struct asker *a;
	struct dnsbl d;
	struct ip ip;

	(void)state;
	look_up(&d, &a, conf, dnsbl_memory_new(), "192.0.2.1");
	assert_true(ip_parse(STR("192.0.2.1"), &ip));
	assert_true(str_eq(dnsbl_reason(&d, &arena, &ip),
	    STR("see?bl.test$")));
	assert_true(ip_parse(STR("192.0.2.9"), &ip));
	assert_int_equal(dnsbl_reason(&d, &arena, &ip).n, 0);
	asker_free(a);
	arena_free(&arena);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_reason),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
