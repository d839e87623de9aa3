/* SPDX-License-Identifier: ISC */
/*
 * stock/schedule: the heap against a plain sorted model, and the arithmetic of
 * trying again on a clock that only the test moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "stock/schedule.h"

enum {
	MEMBERS = 500,
	OPERATIONS = 100000,
};

static uint32_t seed;

static uint32_t
draw(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void
check_heap(const struct schedule *s)
{
	for (size_t i = 0; i < s->n; i++) {
		assert_int_equal(s->heap[i]->place, i + 1);
		if (i > 0)
			assert_true(s->heap[(i - 1) / 2]->at <=
			    s->heap[i]->at);
	}
}

static int64_t
earliest(const struct due *d, const bool *in)
{
	int64_t at = INT64_MAX;

	for (int i = 0; i < MEMBERS; i++)
		if (in[i] && d[i].at < at)
			at = d[i].at;
	return at;
}

/* Every operation is done to the heap and to a table of what must be in it. */
static void
churn(uint32_t range)
{
	struct schedule s = { 0 };
	struct due d[MEMBERS] = { 0 };
	bool in[MEMBERS] = { false };
	int64_t want[MEMBERS] = { 0 };
	size_t n = 0;

	for (int k = 0; k < OPERATIONS; k++) {
		uint32_t i = draw(MEMBERS);

		switch (draw(8)) {
		case 0:
		case 1:
			schedule_remove(&s, &d[i]);
			n -= in[i];
			in[i] = false;
			break;
		case 2:
			if (schedule_first(&s) == NULL)
				break;
			i = (uint32_t)(schedule_first(&s) - d);
			assert_true(in[i]);
			assert_true(d[i].at == earliest(d, in));
			schedule_remove(&s, &d[i]);
			in[i] = false;
			n--;
			break;
		default:
			want[i] = (int64_t)draw(range) - range / 2;
			schedule_put(&s, &d[i], want[i]);
			n += !in[i];
			in[i] = true;
			break;
		}
		assert_int_equal(s.n, n);
		assert_int_equal(d[i].place != 0, in[i]);
		if (k % 97 == 0)
			check_heap(&s);
	}
	for (int i = 0; i < MEMBERS; i++)
		if (in[i])
			assert_true(d[i].at == want[i]);
	for (int64_t last = INT64_MIN; n > 0; n--) {
		struct due *first = schedule_first(&s);

		assert_true(first->at >= last);
		last = first->at;
		schedule_remove(&s, first);
	}
	assert_null(schedule_first(&s));
	schedule_free(&s);
}

static void
test_heap_random(void **state)
{
	(void)state;
	for (seed = 1; seed < 4; seed++)
		churn(1u << 22);
}

/* Many of the same time. */
static void
test_heap_equal(void **state)
{
	(void)state;
	seed = 7;
	churn(3);
	churn(1);
}

static void
test_heap_edges(void **state)
{
	struct schedule s = { 0 };
	struct due a = { 0 }, b = { 0 };

	(void)state;
	assert_null(schedule_first(&s));
	schedule_remove(&s, &a);
	schedule_put(&s, &a, INT64_MAX);
	schedule_put(&s, &b, INT64_MIN);
	assert_ptr_equal(schedule_first(&s), &b);
	schedule_put(&s, &b, INT64_MAX);
	schedule_put(&s, &a, 0);
	assert_ptr_equal(schedule_first(&s), &a);
	assert_int_equal(s.n, 2);
	schedule_remove(&s, &a);
	schedule_remove(&s, &a);
	assert_ptr_equal(schedule_first(&s), &b);
	schedule_free(&s);
	assert_int_equal(s.n, 0);
}

static struct conf
make_conf(uint64_t first, uint64_t most)
{
	struct conf c = { 0 };

	c.retry.first = first;
	c.retry.most = most;
	c.retry.lifetime = 5 * 86400;
	c.retry.lifetime_bounce = 86400;
	return c;
}

static const struct {
	uint64_t	first, most;
	uint16_t	attempts;
	uint64_t	wait;		/* before it is spread */
} waits[] = {
	{ 300, 4000, 0, 300 },
	{ 300, 4000, 1, 300 },
	{ 300, 4000, 2, 600 },
	{ 300, 4000, 3, 1200 },
	{ 300, 4000, 4, 2400 },
	{ 300, 4000, 5, 4000 },
	{ 300, 4000, 6, 4000 },
	{ 300, 4000, 65535, 4000 },
	{ 300, 300, 3, 300 },
	{ 300, 60, 1, 60 },
	{ 1, 3600, 1, 1 },
	{ 1, 3600, 2, 2 },
	{ 1, 3600, 3, 4 },
	{ 1, 3600, 13, 3600 },
	{ 0, 0, 5, 0 },
	{ 0, 3600, 65535, 0 },
	{ 60, UINT64_C(1) << 40, 65535, UINT64_C(1) << 40 },
};

static void
test_waits(void **state)
{
	static const uint32_t chances[] = { 0, 1, 2, 37, 74, 75, 76, 1000,
	    0x7fffffff, 0xffffffff };
	const int64_t now = 1790000000;

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		struct conf c = make_conf(waits[i].first, waits[i].most);
		int64_t w = (int64_t)waits[i].wait;

		for (size_t k = 0; k < sizeof(chances) / sizeof(chances[0]);
		    k++) {
			struct retry r = { .now = now, .attempts =
			    waits[i].attempts, .chance = chances[k] };
			int64_t got = schedule_next(&c, &r) - now;

			/* An eighth to either side. */
			if (got < w - w / 8 - 1 || got > w + w / 8 + 1)
				fail_msg("row %zu chance %u: %lld", i,
				    chances[k], (long long)got);
		}
	}
}

/* The spread uses its whole width, evenly. */
static void
test_spread(void **state)
{
	struct conf c = make_conf(800, 4000);
	unsigned early = 0, late = 0;
	int64_t low = INT64_MAX, high = 0;

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		struct retry r = { .attempts = 1, .chance = i * 2654435761u };
		int64_t got = schedule_next(&c, &r);

		assert_true(got >= 700 && got <= 900);
		low = got < low ? got : low;
		high = got > high ? got : high;
		early += got < 800;
		late += got > 800;
	}
	assert_int_equal(low, 700);
	assert_int_equal(high, 900);
	assert_true(early > 4500 && late > 4500);
}

static const struct {
	const char	*name;
	int64_t		 age;
	uint16_t	 attempts;
	bool		 is_bounce, expected;
} expiries[] = {
	{ "new", 0, 1, false, false },
	{ "new, often tried", 0, 1000, false, false },
	{ "a moment before", 5 * 86400 - 1, 100, false, false },
	{ "at its time", 5 * 86400, 100, false, true },
	{ "old, hardly tried", 50 * 86400, SCHEDULE_ATTEMPTS_MIN - 1, false,
	    false },
	{ "old, tried enough", 50 * 86400, SCHEDULE_ATTEMPTS_MIN, false,
	    true },
	{ "bounce before its day", 86399, 100, true, false },
	{ "bounce after its day", 86400, 100, true, true },
	{ "bounce, hardly tried", 86400, 3, true, false },
	{ "from the future", -86400, 100, false, false },
	{ "from far in the future", -4000000000, 100, true, false },
};

static void
test_expiry(void **state)
{
	struct conf c = make_conf(300, 4000);

	(void)state;
	for (size_t i = 0; i < sizeof(expiries) / sizeof(expiries[0]); i++) {
		struct retry r = { .now = 1790000000, .arrival = 1790000000 -
		    expiries[i].age, .attempts = expiries[i].attempts,
		    .is_bounce = expiries[i].is_bounce };

		if (schedule_is_expired(&c, &r) != expiries[i].expected)
			fail_msg("%s", expiries[i].name);
	}
}

/* One message that is deferred for ever, attempt after attempt. */
static void
test_a_life(void **state)
{
	struct conf c = make_conf(300, 4000);
	struct retry r = { .now = 1790000000, .arrival = 1790000000 };
	unsigned attempts = 0;

	(void)state;
	for (;;) {
		int64_t next;

		r.attempts = (uint16_t)++attempts;
		r.chance = attempts * 40503;
		if (schedule_is_expired(&c, &r))
			break;
		next = schedule_next(&c, &r);
		assert_true(next > r.now);
		r.now = next;
	}
	assert_true(r.now - r.arrival >= 5 * 86400);
	assert_true(r.now - r.arrival <= 5 * 86400 + 4500);
	assert_true(attempts > 95 && attempts < 130);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heap_random),
		cmocka_unit_test(test_heap_equal),
		cmocka_unit_test(test_heap_edges),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_a_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
