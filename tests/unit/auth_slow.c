/* SPDX-License-Identifier: ISC */
/* T-32: guessing is slow, on a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "auth/slow.h"

static struct ip
ip(const char *text)
{
	struct ip out;

	assert_true(ip_parse(str_of(text), &out));
	return out;
}

static void
fail_at(struct slow *s, const char *who, int64_t now)
{
	struct ip a = ip(who);

	slow_begin(s, &a, now);
	slow_end(s, &a, true, now);
}

static int64_t
wait_of(struct slow *s, const char *who, int64_t now)
{
	struct ip a = ip(who);

	return slow_wait(s, &a, now);
}

static void
test_doubles(void **state)
{
	static const int64_t waits[] = { 1000, 2000, 4000, 8000, 16000, 32000,
	    64000, 128000, 256000, 300000, 300000 };
	struct slow *s = slow_new(NULL);
	int64_t now = 5000;

	(void)state;
	assert_int_equal(wait_of(s, "192.0.2.1", now), 0);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		fail_at(s, "192.0.2.1", now);
		assert_int_equal(wait_of(s, "192.0.2.1", now), waits[i]);
		assert_int_equal(wait_of(s, "192.0.2.1", now + 300),
		    waits[i] - 300);
		assert_int_equal(wait_of(s, "198.51.100.1", now), 0);
		now += waits[i];
		assert_int_equal(wait_of(s, "192.0.2.1", now), 0);
	}
	slow_free(s);
}

static void
test_forgets(void **state)
{
	struct slow *s = slow_new(NULL);
	int64_t now = 0, minute = 60000;

	(void)state;
	for (int i = 0; i < 8; i++)
		fail_at(s, "192.0.2.1", now);
	assert_int_equal(wait_of(s, "192.0.2.1", now), 128000);
	/* 8, 4, 2, 1, 0 */
	fail_at(s, "192.0.2.1", now + 11 * minute);
	assert_int_equal(wait_of(s, "192.0.2.1", now + 11 * minute), 16000);
	assert_int_equal(wait_of(s, "192.0.2.1", now + 2000 * minute), 0);
	fail_at(s, "192.0.2.1", now + 2000 * minute);
	assert_int_equal(wait_of(s, "192.0.2.1", now + 2000 * minute), 1000);
	slow_free(s);
}

/* A whole /64 is one client; a /24 and a /48 are one network, which may fail
 * ten times more. */
static void
test_networks(void **state)
{
	static const char *const neighbours[] = { "192.0.2.2", "192.0.2.3",
	    "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.8",
	    "192.0.2.9", "192.0.2.10", "192.0.2.11" };
	struct slow *s = slow_new(NULL);

	(void)state;
	fail_at(s, "2001:db8:1:2::1", 0);
	assert_int_equal(wait_of(s, "2001:db8:1:2:ffff::9", 0), 1000);
	assert_int_equal(wait_of(s, "2001:db8:1:3::1", 0), 0);
	for (size_t i = 0; i < 10; i++)
		fail_at(s, neighbours[i], 0);
	assert_int_equal(wait_of(s, "192.0.2.200", 0), 0);
	fail_at(s, "192.0.2.12", 0);
	assert_int_equal(wait_of(s, "192.0.2.200", 0), 1000);
	assert_int_equal(wait_of(s, "192.0.3.200", 0), 0);
	slow_free(s);
}

/* Many at once is no way around it. */
static void
test_side_by_side(void **state)
{
	struct slow *s = slow_new(NULL);
	struct ip a = ip("192.0.2.1");

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(slow_wait(s, &a, 0), 0);
		slow_begin(s, &a, 0);
	}
	assert_int_equal(slow_wait(s, &a, 0), 0);
	slow_begin(s, &a, 0);
	assert_int_equal(slow_wait(s, &a, 0), 1000);
	slow_begin(s, &a, 1000);
	assert_int_equal(slow_wait(s, &a, 0), 3000);
	for (int i = 0; i < 5; i++)
		slow_end(s, &a, false, 0);
	assert_int_equal(slow_wait(s, &a, 0), 0);
	slow_free(s);
}

/* Who comes after us counts on, and knows nothing of what is under way here; both
 * write. */
static void
test_handed_on(void **state)
{
	static _Alignas(16) char room[SLOW_ROOM];
	struct ip a = ip("192.0.2.1");
	struct slow *old = slow_new(room), *new;

	(void)state;
	fail_at(old, "192.0.2.1", 0);
	for (int i = 0; i < 8; i++)
		slow_begin(old, &a, 0);
	new = slow_new(room);
	assert_int_equal(wait_of(new, "192.0.2.1", 0), 1000);
	fail_at(new, "192.0.2.1", 0);
	assert_int_equal(wait_of(new, "192.0.2.1", 0), 2000);
	fail_at(old, "198.51.100.1", 0);
	slow_free(new);
	slow_free(old);
	new = slow_new(room);
	assert_int_equal(wait_of(new, "192.0.2.1", 0), 2000);
	assert_int_equal(wait_of(new, "198.51.100.1", 0), 1000);
	assert_int_equal(wait_of(new, "198.51.100.2", 0), 0);
	slow_free(new);
}

/* Nothing is forgiven for a success. */
static void
test_success(void **state)
{
	struct slow *s = slow_new(NULL);
	struct ip a = ip("192.0.2.1");

	(void)state;
	fail_at(s, "192.0.2.1", 0);
	fail_at(s, "192.0.2.1", 0);
	slow_begin(s, &a, 2000);
	slow_end(s, &a, false, 2000);
	assert_int_equal(slow_wait(s, &a, 2000), 2000);
	slow_free(s);
}

/* Local programs are counted by user. */
static void
test_local(void **state)
{
	struct slow *s = slow_new(NULL);
	struct ip a = { .family = 0, .b = { 1 } }, b = { .family = 0,
	    .b = { 2 } };

	(void)state;
	slow_begin(s, &a, 0);
	slow_end(s, &a, true, 0);
	assert_int_equal(slow_wait(s, &a, 0), 1000);
	assert_int_equal(slow_wait(s, &b, 0), 0);
	slow_free(s);
}

/* The table does not grow, and who has failed last is not forgotten first. */
static void
test_flood(void **state)
{
	struct slow *s = slow_new(NULL);
	struct ip a = { .family = 4 };

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		memcpy(a.b, &i, sizeof(i));
		slow_begin(s, &a, i);
		slow_end(s, &a, true, i);
		assert_true(slow_wait(s, &a, i) >= 1000);
	}
	slow_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_side_by_side),
		cmocka_unit_test(test_handed_on),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
