/* SPDX-License-Identifier: ISC */
/*
 * dns/resolve against a name server of our own: aliases, TCP, EDNS0, the AD
 * bit and the ways in which there is no answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_dns.h"
#include "dns/resolve.h"

#define LONG_TEXT	4000

static char long_answer[LONG_TEXT + 32];

static const struct fake_row zone[] = {
	{ "ok.test", RR_A, 0, FAKE_AD, "ok.test A 192.0.2.1\n"
	    "ok.test A 192.0.2.2\nother.test A 192.0.2.3" },
	{ "plain.test", RR_A, 0, 0, "plain.test A 192.0.2.1" },
	{ "empty.test", RR_A, 0, FAKE_AD, NULL },
	{ "foreign.test", RR_A, 0, 0, "other.test A 192.0.2.3" },
	{ "alias.test", RR_A, 0, FAKE_AD,
	    "alias.test CNAME ok.test\nok.test A 192.0.2.1" },
	{ "reverse.test", RR_A, 0, 0,
	    "ok.test A 192.0.2.1\nreverse.test CNAME ok.test" },
	{ "far.test", RR_A, 0, FAKE_AD, "far.test CNAME ok.test" },
	{ "far-plain.test", RR_A, 0, 0, "far-plain.test CNAME ok.test" },
	{ "void.test", RR_A, 0, 0, "void.test CNAME empty.test" },
	{ "dead.test", RR_A, 3, 0, "dead.test CNAME nowhere.test" },
	{ "c8.test", RR_A, 0, 0, "c8.test CNAME c7.test\n"
	    "c7.test CNAME c6.test\nc6.test CNAME c5.test\n"
	    "c5.test CNAME c4.test\nc4.test CNAME c3.test\n"
	    "c3.test CNAME c2.test\nc2.test CNAME c1.test\n"
	    "c1.test CNAME ok.test\nok.test A 192.0.2.1" },
	{ "c9.test", RR_A, 0, 0, "c9.test CNAME c8.test\n"
	    "c8.test CNAME c7.test\n"
	    "c7.test CNAME c6.test\nc6.test CNAME c5.test\n"
	    "c5.test CNAME c4.test\nc4.test CNAME c3.test\n"
	    "c3.test CNAME c2.test\nc2.test CNAME c1.test\n"
	    "c1.test CNAME ok.test\nok.test A 192.0.2.1" },
	{ "self.test", RR_A, 0, 0, "self.test CNAME self.test" },
	{ "ping.test", RR_A, 0, 0, "ping.test CNAME pong.test" },
	{ "pong.test", RR_A, 0, 0, "pong.test CNAME ping.test" },
	{ "alias.test", RR_CNAME, 0, 0, "alias.test CNAME ok.test" },
	{ "fail.test", RR_A, 2, 0, NULL },
	{ "refused.test", RR_A, 5, 0, NULL },
	{ "garbage.test", RR_A, 0, FAKE_GARBAGE, "garbage.test A 192.0.2.1" },
	{ "large.test", RR_TXT, 0, FAKE_TC, long_answer },
	{ "old.test", RR_A, 0, FAKE_NO_EDNS, "old.test A 192.0.2.1" },
	{ "_x+=.test", RR_A, 0, 0, "_x+=.test A 192.0.2.1" },
	{ NULL, RR_A, 0, 0, NULL },
};

struct row {
	const char		*name;
	enum rr_type		 type;
	enum resolve_result	 result;
	size_t			 n;
	const char		*canonical;
	bool			 secure;
};

#define ANY	NULL

static const struct row rows[] = {
	{ "ok.test", RR_A, RESOLVE_FOUND, 2, "ok.test", true },
	{ "OK.Test", RR_A, RESOLVE_FOUND, 2, "OK.Test", true },
	{ "plain.test", RR_A, RESOLVE_FOUND, 1, "plain.test", false },
	{ "empty.test", RR_A, RESOLVE_NO_DATA, 0, "empty.test", true },
	{ "foreign.test", RR_A, RESOLVE_NO_DATA, 0, "foreign.test", false },
	{ "nowhere.test", RR_A, RESOLVE_NO_NAME, 0, "nowhere.test", false },
	{ "alias.test", RR_A, RESOLVE_FOUND, 1, "ok.test", true },
	{ "reverse.test", RR_A, RESOLVE_FOUND, 1, "ok.test", false },
	{ "far.test", RR_A, RESOLVE_FOUND, 2, "ok.test", true },
	{ "far-plain.test", RR_A, RESOLVE_FOUND, 2, "ok.test", false },
	{ "void.test", RR_A, RESOLVE_NO_DATA, 0, "empty.test", false },
	{ "dead.test", RR_A, RESOLVE_NO_NAME, 0, "nowhere.test", false },
	{ "c8.test", RR_A, RESOLVE_FOUND, 1, "ok.test", false },
	{ "c9.test", RR_A, RESOLVE_TRY_AGAIN, 0, ANY, false },
	{ "self.test", RR_A, RESOLVE_TRY_AGAIN, 0, ANY, false },
	{ "ping.test", RR_A, RESOLVE_TRY_AGAIN, 0, ANY, false },
	{ "alias.test", RR_CNAME, RESOLVE_FOUND, 1, "alias.test", false },
	{ "fail.test", RR_A, RESOLVE_TRY_AGAIN, 0, ANY, false },
	{ "refused.test", RR_A, RESOLVE_TRY_AGAIN, 0, ANY, false },
	{ "garbage.test", RR_A, RESOLVE_TRY_AGAIN, 0, ANY, false },
	{ "large.test", RR_TXT, RESOLVE_FOUND, 1, "large.test", false },
	{ "old.test", RR_A, RESOLVE_FOUND, 1, "old.test", false },
	{ "old.test", RR_A, RESOLVE_FOUND, 1, "old.test", false },
	{ "_x+=.test", RR_A, RESOLVE_FOUND, 1, "_x+=.test", false },
	/* Never asked. */
	{ "", RR_A, RESOLVE_NO_NAME, 0, ANY, false },
	{ "ok.test.", RR_A, RESOLVE_NO_NAME, 0, ANY, false },
	{ "ok\\.test", RR_A, RESOLVE_NO_NAME, 0, ANY, false },
	{ "o k.test", RR_A, RESOLVE_NO_NAME, 0, ANY, false },
	{ "\303\266k.test", RR_A, RESOLVE_NO_NAME, 0, ANY, false },
};

static struct sock_addr server = {
	.ip = { .family = 4, .b = { 127, 0, 0, 1 } },
};
static pid_t child;

static int
start(void **state)
{
	size_t n;

	(void)state;
	n = (size_t)snprintf(long_answer, sizeof(long_answer),
	    "large.test TXT ");
	memset(long_answer + n, 'x', LONG_TEXT);
	child = fake_dns_start(zone, &server);
	return child == -1 ? -1 : 0;
}

static int
stop(void **state)
{
	(void)state;
	fake_dns_stop(child);
	return 0;
}

static void
check(struct resolver *r, struct arena *arena, const struct row *row)
{
	struct resolved out;
	struct fault why = { .kind = FAULT_NONE };
	enum resolve_result result;

	result = resolve(r, arena, str_of(row->name), row->type, &out, &why);
	if (result != row->result)
		fail_msg("%s: result %d", row->name, (int)result);
	if (result == RESOLVE_TRY_AGAIN) {
		assert_int_equal(why.kind, FAULT_TEMPORARY);
		assert_int_equal(why.reply, 451);
		assert_int_equal(why.subject * 10 + why.detail, 43);
		return;
	}
	assert_int_equal(out.records.n, row->n);
	if (row->canonical == ANY)
		return;
	if (!str_eq(out.canonical, str_of(row->canonical)))
		fail_msg("%s: %.*s", row->name, STR_ARG(out.canonical));
	if (out.secure != row->secure)
		fail_msg("%s: secure is %d", row->name, out.secure);
	for (size_t i = 0; i < out.records.n; i++)
		assert_int_equal(out.records.p[i].type, row->type);
}

static void
answers(void **state)
{
	struct arena arena = { 0 };
	struct fault why;
	struct resolver *r = resolver_new_at(&server, &why);

	(void)state;
	assert_non_null(r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(r, &arena, &rows[i]);
	resolver_free(r);
	arena_free(&arena);
}

static void
text_comes_whole_by_tcp(void **state)
{
	struct arena arena = { 0 };
	struct fault why;
	struct resolver *r = resolver_new_at(&server, &why);
	struct resolved out;

	(void)state;
	assert_int_equal(resolve(r, &arena, STR("large.test"), RR_TXT, &out,
	    &why), RESOLVE_FOUND);
	assert_int_equal(out.records.p[0].text.n, LONG_TEXT);
	resolver_free(r);
	arena_free(&arena);
}

static unsigned long
count(struct resolver *r, struct arena *arena)
{
	struct resolved out;
	struct fault why;

	assert_int_equal(resolve(r, arena, STR("count.test"), RR_TXT, &out,
	    &why), RESOLVE_FOUND);
	return strtoul(out.records.p[0].text.p, NULL, 10);
}

/* One question each, two where an alias leads out of the answer. */
static void
no_more_questions_than_needed(void **state)
{
	struct arena arena = { 0 };
	struct fault why;
	struct resolver *r = resolver_new_at(&server, &why);
	unsigned long before = count(r, &arena);

	(void)state;
	check(r, &arena, &rows[0]);
	assert_int_equal(count(r, &arena), before + 1);
	check(r, &arena, &rows[6]);
	assert_int_equal(count(r, &arena), before + 2);
	check(r, &arena, &rows[8]);
	assert_int_equal(count(r, &arena), before + 4);
	resolver_free(r);
	arena_free(&arena);
}

/* 0.0.0.0 leads to the same server, but is no loopback address. */
static void
only_loopback_is_trusted(void **state)
{
	struct sock_addr any = { .ip = { .family = 4 }, .port = server.port };
	struct row row = rows[0];
	struct arena arena = { 0 };
	struct fault why;
	struct resolver *r = resolver_new_at(&any, &why);

	(void)state;
	row.secure = false;
	check(r, &arena, &row);
	resolver_free(r);
	arena_free(&arena);
}

static void
nobody_there(void **state)
{
	struct sock_addr nobody = server;
	struct row row = rows[0];
	struct arena arena = { 0 };
	struct fault why;
	struct resolver *r;

	(void)state;
	nobody.ip.b[3] = 77;
	row.result = RESOLVE_TRY_AGAIN;
	r = resolver_new_at(&nobody, &why);
	check(r, &arena, &row);
	resolver_free(r);
	arena_free(&arena);
}

static void
server_with_ipv6(void **state)
{
	struct sock_addr at = { .ip = { .family = 6, .b = { [15] = 1 } } };
	struct arena arena = { 0 };
	struct fault why;
	struct resolver *r;
	pid_t pid = fake_dns_start(zone, &at);

	(void)state;
	if (pid == -1) {
		print_message("no IPv6 here\n");
		skip();
	}
	r = resolver_new_at(&at, &why);
	check(r, &arena, &rows[0]);
	check(r, &arena, &rows[6]);
	resolver_refresh(r);
	check(r, &arena, &rows[0]);
	resolver_free(r);
	arena_free(&arena);
	fake_dns_stop(pid);
}

static void
the_systems_resolver_can_be_made(void **state)
{
	struct fault why;
	struct resolver *r = resolver_new(&why);

	(void)state;
	assert_non_null(r);
	resolver_refresh(r);
	resolver_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(text_comes_whole_by_tcp),
		cmocka_unit_test(no_more_questions_than_needed),
		cmocka_unit_test(only_loopback_is_trusted),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(server_with_ipv6),
		cmocka_unit_test(the_systems_resolver_can_be_made),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
