/* SPDX-License-Identifier: ISC */
/*
 * base/table: the hash against the published SipHash-2-4 values, and the
 * table against a plain array that is told the same things.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/table.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define KEYS		600

static void
hash_is_siphash(void **state)
{
	/* From the authors' list: key 00..0f, message 00..n-1. */
	static const struct {
		size_t		n;
		uint64_t	want;
	} t[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },
		{ 1, UINT64_C(0x74f839c593dc67fd) },
		{ 7, UINT64_C(0xab0200f58b01d137) },
		{ 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
		{ 63, UINT64_C(0x958a324ceb064572) },
	};
	const uint64_t	key[2] = {
		UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)
	};
	unsigned char	message[64];
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(message); i++)
		message[i] = (unsigned char)i;
	for (i = 0; i < COUNT(t); i++)
		assert_true(table_hash(key, str_span(message, t[i].n)) ==
		    t[i].want);
}

static void
empty_table(void **state)
{
	struct table	t = { 0 };
	struct str	key;
	void		*value;
	size_t		 at = 0;

	(void)state;
	assert_null(table_find(&t, STR("a")));
	assert_null(table_remove(&t, STR("a")));
	assert_false(table_next(&t, &at, &key, &value));
	table_free(&t);
}

static void
sets_and_replaces(void **state)
{
	struct table	t;
	int		one, two;

	(void)state;
	table_init(&t);
	assert_null(table_put(&t, STR("a"), &one));
	assert_null(table_put(&t, STR_NONE, &two));
	assert_null(table_put(&t, str_span("a\0b", 3), &two));
	assert_ptr_equal(table_find(&t, STR("a")), &one);
	assert_ptr_equal(table_find(&t, STR("")), &two);
	assert_ptr_equal(table_find(&t, str_span("a\0b", 3)), &two);
	assert_null(table_find(&t, STR("A")));
	assert_ptr_equal(table_put(&t, STR("a"), &two), &one);
	assert_ptr_equal(table_find(&t, STR("a")), &two);
	assert_int_equal(t.n, 3);
	assert_ptr_equal(table_remove(&t, STR("a")), &two);
	assert_null(table_remove(&t, STR("a")));
	assert_null(table_find(&t, STR("a")));
	assert_int_equal(t.n, 2);
	table_free(&t);
	assert_null(t.slots);
}

/* A replaced entry must not look at the former key any more. */
static void
replaces_the_key(void **state)
{
	struct table	t = { 0 };
	char		former[] = "key", later[] = "key";
	int		one, two;

	(void)state;
	(void)table_put(&t, str_of(former), &one);
	assert_ptr_equal(table_put(&t, str_of(later), &two), &one);
	former[0] = 'x';
	assert_ptr_equal(table_find(&t, STR("key")), &two);
	table_free(&t);
}

static void
keys_differ_between_tables(void **state)
{
	struct table	t = { 0 }, u = { 0 };
	int		one;

	(void)state;
	(void)table_put(&t, STR("a"), &one);
	(void)table_put(&u, STR("a"), &one);
	assert_false(t.key[0] == u.key[0] && t.key[1] == u.key[1]);
	table_free(&t);
	table_free(&u);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
check_all(const struct table *t, char key[KEYS][16], int *held[KEYS])
{
	bool		seen[KEYS] = { false };
	struct str	k;
	void		*value;
	size_t		 at = 0, i, n = 0;

	for (i = 0; i < KEYS; i++)
		assert_ptr_equal(table_find(t, str_of(key[i])), held[i]);
	while (table_next(t, &at, &k, &value)) {
		for (i = 0; !str_eq(k, str_of(key[i])); )
			assert_true(++i < KEYS);
		assert_false(seen[i]);
		seen[i] = true;
		assert_ptr_equal(value, held[i]);
		n++;
	}
	assert_int_equal(n, t->n);
}

static void
agrees_with_a_plain_array(void **state)
{
	static char	key[KEYS][16];
	static int	value[2], *held[KEYS];
	struct table	t = { 0 };
	uint64_t	seed = 88172645463325252, r;
	size_t		i, n = 0, step;
	int		*v;

	(void)state;
	for (i = 0; i < KEYS; i++)
		(void)snprintf(key[i], sizeof(key[i]), "key%zu", i);
	for (step = 0; step < 60000; step++) {
		r = next_random(&seed);
		/* Waves: mostly putting, then mostly removing. */
		i = r % KEYS;
		if ((r >> 32) % 8 < (step / 6000 % 2 == 0 ? 5U : 2U)) {
			v = &value[(r >> 48) % 2];
			assert_ptr_equal(table_put(&t, str_of(key[i]), v),
			    held[i]);
			n += held[i] == NULL;
			held[i] = v;
		} else {
			assert_ptr_equal(table_remove(&t, str_of(key[i])),
			    held[i]);
			n -= held[i] != NULL;
			held[i] = NULL;
		}
		assert_int_equal(t.n, n);
		assert_true(t.n <= t.used && t.used <= t.cap / 4 * 3);
		if (step % 3000 == 0)
			check_all(&t, key, held);
	}
	table_free(&t);
}

static void
coming_and_going_does_not_grow_it(void **state)
{
	static char	key[KEYS][16];
	struct table	t = { 0 };
	size_t		i, round;

	(void)state;
	for (i = 0; i < KEYS; i++)
		(void)snprintf(key[i], sizeof(key[i]), "%zu", i);
	for (round = 0; round < 50; round++)
		for (i = 0; i < KEYS; i++) {
			(void)table_put(&t, str_of(key[i]), key[i]);
			(void)table_remove(&t,
			    str_of(key[(i + KEYS - 10) % KEYS]));
		}
	assert_int_equal(t.n, 10);
	assert_true(t.cap <= 32);
	table_free(&t);
}

static void
removes_during_a_walk(void **state)
{
	static char	key[KEYS][16];
	struct table	t = { 0 };
	struct str	k;
	void		*value;
	size_t		 at = 0, i, n = 0;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		(void)snprintf(key[i], sizeof(key[i]), "%zu", i);
		(void)table_put(&t, str_of(key[i]), key[i]);
	}
	while (table_next(&t, &at, &k, &value)) {
		assert_ptr_equal(table_remove(&t, k), value);
		n++;
	}
	assert_int_equal(n, KEYS);
	assert_int_equal(t.n, 0);
	table_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_siphash),
		cmocka_unit_test(empty_table),
		cmocka_unit_test(sets_and_replaces),
		cmocka_unit_test(replaces_the_key),
		cmocka_unit_test(keys_differ_between_tables),
		cmocka_unit_test(agrees_with_a_plain_array),
		cmocka_unit_test(coming_and_going_does_not_grow_it),
		cmocka_unit_test(removes_during_a_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
