/* SPDX-License-Identifier: ISC */
/*
 * policy/checks: for whom we relay, as one table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "policy/checks.h"

#define ON25	SERVICE_SMTP
#define ON587	SERVICE_SUBMISSION

static const struct {
	enum conf_service service;
	bool		 local;
	const char	*client;	/* "": no address */
	const char	*recipient;
	bool		 expected;
} rows[] = {
	/* Strangers, on 25: to us and to nobody else. */
	{ ON25, false, "203.0.113.5", "joe@example.org", true },
	{ ON25, false, "203.0.113.5", "joe@EXAMPLE.ORG", true },
	{ ON25, false, "203.0.113.5", "joe@b.example", true },
	{ ON25, false, "203.0.113.5", "postmaster", true },
	{ ON25, false, "203.0.113.5", "nosuch@example.org", true },
	{ ON25, false, "203.0.113.5", "joe@example.com", false },
	{ ON25, false, "203.0.113.5", "joe@sub.example.org", false },
	{ ON25, false, "203.0.113.5", "joe@xexample.org", false },
	{ ON25, false, "203.0.113.5", "joe@example.org.com", false },
	{ ON25, false, "203.0.113.5", "joe@org", false },
	{ ON25, false, "203.0.113.5", "\"joe@example.com\"@example.org",
	    true },
	{ ON25, false, "203.0.113.5", "joe%example.com@example.org", true },
	{ ON25, false, "203.0.113.5", "\"x@example.org\"@example.com",
	    false },
	{ ON25, false, "203.0.113.5", "example.org!joe@example.com", false },
	{ ON25, false, "203.0.113.5", "joe@[203.0.113.5]", false },
	{ ON25, false, "203.0.113.5", "joe@[127.0.0.1]", false },
	{ ON25, false, "2001:db8:ffff::1", "joe@example.com", false },
	{ ON25, false, "2001:db8:ffff::1", "joe@example.org", true },
	/* On 587 not even to us. */
	{ ON587, false, "203.0.113.5", "joe@example.org", false },
	{ ON587, false, "203.0.113.5", "postmaster", false },
	{ ON587, false, "203.0.113.5", "joe@example.com", false },
	{ ON587, false, "2001:db8:ffff::1", "joe@example.org", false },
	/* This machine. */
	{ ON25, false, "127.0.0.1", "joe@example.com", true },
	{ ON25, false, "127.255.255.254", "joe@example.com", true },
	{ ON25, false, "::1", "joe@example.com", true },
	{ ON25, false, "::ffff:127.0.0.1", "joe@example.com", true },
	{ ON587, false, "127.0.0.1", "joe@example.com", true },
	{ ON587, false, "::1", "joe@example.org", true },
	{ ON25, false, "128.0.0.1", "joe@example.com", false },
	{ ON25, false, "126.255.255.255", "joe@example.com", false },
	{ ON25, false, "::2", "joe@example.com", false },
	{ ON25, false, "::", "joe@example.com", false },
	{ ON25, false, "0.0.0.0", "joe@example.com", false },
	{ ON25, true, "", "joe@example.com", true },
	{ ON587, true, "", "joe@example.com", true },
	/* No address, and yet not the local socket: nobody. */
	{ ON25, false, "", "joe@example.com", false },
	{ ON587, false, "", "joe@example.org", false },
	/* relay for 192.0.2.0/24, 198.51.100.7, 2001:db8::/48 */
	{ ON25, false, "192.0.2.0", "joe@example.com", true },
	{ ON25, false, "192.0.2.255", "joe@example.com", true },
	{ ON25, false, "::ffff:192.0.2.9", "joe@example.com", true },
	{ ON587, false, "192.0.2.9", "joe@example.com", true },
	{ ON587, false, "192.0.2.9", "joe@example.org", true },
	{ ON25, false, "192.0.3.0", "joe@example.com", false },
	{ ON25, false, "192.0.1.255", "joe@example.com", false },
	{ ON25, false, "198.51.100.7", "joe@example.com", true },
	{ ON25, false, "198.51.100.6", "joe@example.com", false },
	{ ON25, false, "198.51.100.8", "joe@example.com", false },
	{ ON25, false, "2001:db8::1", "joe@example.com", true },
	{ ON25, false, "2001:db8:0:ffff::1", "joe@example.com", true },
	{ ON25, false, "2001:db8:1::1", "joe@example.com", false },
	/* Its bytes are those of 192.0.2.0/24, its family is not. */
	{ ON25, false, "c000:0201::", "joe@example.com", false },
};

static void
add_domain(struct conf *c, const char *name)
{
	struct conf_domain d = { str_of(name), CLASS_LOCAL, 1 };

	vec_push(&c->arena, &c->domains, d);
}

static void
add_relay(struct conf *c, const char *net)
{
	struct ipnet n;

	assert_true(ipnet_parse(str_of(net), &n));
	vec_push(&c->arena, &c->relay, n);
}

static void
check(const struct conf *c, struct arena *a, size_t i)
{
	struct facts f = { .service = rows[i].service, .local = rows[i].local,
	    .helo = STR("example.org") };
	struct address to, from = { STR("ann"), STR("example.org") };
	struct fault why = { 0 };
	bool may;

	if (rows[i].client[0] != '\0')
		assert_true(ip_parse(str_of(rows[i].client), &f.client_ip));
	assert_int_equal(address_parse(a, str_of(rows[i].recipient), false,
	    &to, &why), 0);
	f.sender = &from;
	f.recipient = &to;
	may = checks_recipient(c, &f, &why) == 0;
	if (may != rows[i].expected)
		fail_msg("row %zu: %s to %s", i, rows[i].client,
		    rows[i].recipient);
	if (may)
		return;
	assert_int_equal(why.kind, FAULT_PERMANENT);
	assert_int_equal(why.reply, 554);
	assert_int_equal(why.subject, 7);
	assert_int_equal(why.detail, 1);
	assert_non_null(strstr(why.text, "Relay access denied"));
}

static void
test_table(void **state)
{
	struct conf c = { .hostname = STR("mx.example.org") };
	struct arena a = { 0 };

	(void)state;
	add_domain(&c, "b.example");
	add_domain(&c, "example.org");
	add_relay(&c, "192.0.2.0/24");
	add_relay(&c, "198.51.100.7");
	add_relay(&c, "2001:db8::/48");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&c, &a, i);
	arena_free(&a);
	arena_free(&c.arena);
}

/* What a proxy says: loopback is its own, networks are what they are. */
static void
test_reported(void **state)
{
	static const struct {
		const char	*client;
		bool		 may;
	} reports[] = {
		{ "", false }, { "127.0.0.1", false }, { "::1", false },
		{ "127.255.255.254", false }, { "::ffff:127.0.0.1", false },
		{ "203.0.113.5", false }, { "0.0.0.0", false },
		{ "192.0.2.9", true }, { "2001:db8::1", true },
	};
	struct conf c = { .hostname = STR("mx.example.org") };

	(void)state;
	add_relay(&c, "192.0.2.0/24");
	add_relay(&c, "2001:db8::/48");
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		struct facts f = { .reported = true };

		if (reports[i].client[0] != '\0')
			assert_true(ip_parse(str_of(reports[i].client),
			    &f.client_ip));
		assert_int_equal(checks_may_relay(&c, &f), reports[i].may);
	}
	arena_free(&c.arena);
}

/* Nothing is configured: nothing is open. */
static void
test_nothing(void **state)
{
	struct conf c = { .hostname = STR("mx.example.org") };
	struct address to = { STR("joe"), STR("example.com") };
	struct facts f = { .service = SERVICE_SMTP, .recipient = &to };
	struct fault why;

	(void)state;
	add_domain(&c, "mx.example.org");
	assert_true(ip_parse(STR("203.0.113.5"), &f.client_ip));
	assert_int_equal(checks_recipient(&c, &f, &why), -1);
	to.domain = STR_NONE;
	assert_int_equal(checks_recipient(&c, &f, &why), 0);
	f.service = SERVICE_SUBMISSION;
	assert_int_equal(checks_recipient(&c, &f, &why), -1);
	assert_non_null(strstr(why.text, "<joe>"));
	arena_free(&c.arena);
}

/* Who has logged in sends anywhere, from anywhere, on either service. */
static void
test_login(void **state)
{
	struct conf c = { .hostname = STR("mx.example.org") };
	struct address to = { STR("joe"), STR("example.com") };
	struct facts f = { .recipient = &to, .login = STR("bob") };
	struct fault why;

	(void)state;
	assert_true(ip_parse(STR("203.0.113.5"), &f.client_ip));
	for (int i = 0; i < 2; i++) {
		f.service = i == 0 ? ON25 : ON587;
		f.login = STR("bob");
		assert_true(checks_may_relay(&c, &f));
		assert_int_equal(checks_recipient(&c, &f, &why), 0);
		f.login = STR("");
		assert_false(checks_may_relay(&c, &f));
		assert_int_equal(checks_recipient(&c, &f, &why), -1);
	}
}

/* RFC 6409 4.3, where users can log in. */
static void
test_submitter(void **state)
{
	static const struct {
		enum conf_service	 service;
		enum conf_login_by	 by;
		bool			 clear, secure;
		const char		*client, *login, *text;
	} asks[] = {
		{ ON25, LOGIN_FILE, false, false, "203.0.113.5", "", NULL },
		{ ON587, LOGIN_NONE, false, false, "203.0.113.5", "", NULL },
		{ ON587, LOGIN_FILE, true, false, "203.0.113.5", "",
		    "Authentication required" },
		{ ON587, LOGIN_FILE, false, true, "203.0.113.5", "",
		    "Authentication required" },
		{ ON587, LOGIN_PAM, false, false, "203.0.113.5", "",
		    "Must issue a STARTTLS command first" },
		{ SERVICE_SUBMISSIONS, LOGIN_FILE, false, true,
		    "203.0.113.5", "", "Authentication required" },
		{ ON587, LOGIN_FILE, false, true, "203.0.113.5", "bob",
		    NULL },
		{ ON587, LOGIN_FILE, false, false, "127.0.0.1", "", NULL },
		{ ON587, LOGIN_FILE, false, false, "192.0.2.1", "", NULL },
	};
	struct conf c = { .hostname = STR("mx.example.org") };

	(void)state;
	add_relay(&c, "192.0.2.0/24");
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		struct facts f = { .service = asks[i].service,
		    .secure = asks[i].secure,
		    .login = str_of(asks[i].login) };
		struct fault why = { 0 };

		c.login.by = asks[i].by;
		c.login.without_tls = asks[i].clear;
		assert_true(ip_parse(str_of(asks[i].client), &f.client_ip));
		if (checks_submitter(&c, &f, &why) == 0)
			assert_null(asks[i].text);
		else
			assert_string_equal(why.text, asks[i].text);
		if (asks[i].text != NULL)
			assert_int_equal(why.reply, 530);
	}
	arena_free(&c.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_reported),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_submitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
