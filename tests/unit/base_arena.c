/* SPDX-License-Identifier: ISC */
/*
 * base/arena and base/vec, which is the arena's only resident: alignment,
 * clearing, the large piece beside the newest block, reset and reuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "base/vec.h"

static void
pieces_are_aligned_and_clear(void **state)
{
	struct arena	a = { 0 };
	unsigned char	*p;
	size_t		 n, i, round, sum = 0;

	(void)state;
	for (round = 0; round < 2; round++) {
		for (n = 0; n < 3000; n += 7) {
			p = arena_alloc(&a, n);
			assert_non_null(p);
			assert_int_equal((uintptr_t)p % 16, 0);
			for (i = 0; i < n; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xa5, n);
			(void)arena_str(&a, STR("odd"));
			sum += n;
		}
		assert_true(a.total >= sum);
		arena_reset(&a);
		assert_int_equal(a.total, 0);
		sum = 0;
	}
	arena_free(&a);
	assert_null(a.blocks);
}

static void
nothing_is_taken_before_the_first_request(void **state)
{
	struct arena	a;

	(void)state;
	arena_init(&a);
	assert_null(a.blocks);
	arena_reset(&a);
	assert_null(a.blocks);
	arena_free(&a);
	assert_null(a.blocks);
}

static void
large_piece_keeps_the_newest_block(void **state)
{
	struct arena	a = { 0 };
	char		*small, *large;
	size_t		 left;

	(void)state;
	small = arena_alloc(&a, 16);
	memset(small, 1, 16);
	left = a.left;
	large = arena_alloc(&a, 1 << 20);
	memset(large, 2, 1 << 20);
	assert_int_equal(a.left, left);
	assert_ptr_equal(arena_alloc(&a, 16), small + 16);
	arena_free(&a);
}

static void
large_piece_may_come_first(void **state)
{
	struct arena	a = { 0 };
	char		*large, *small;

	(void)state;
	large = arena_alloc(&a, 100000);
	memset(large, 2, 100000);
	small = arena_alloc(&a, 100);
	memset(small, 3, 100);
	assert_int_equal(large[99999], 2);
	arena_reset(&a);
	assert_non_null(a.blocks);
	assert_true(a.left > 1000);
	assert_ptr_equal(arena_alloc(&a, 100), small);
	arena_free(&a);
}

/* Strings leave any rest; the padding of the next piece must fit it too. */
static void
piece_and_padding_fit_the_rest(void **state)
{
	struct arena	a;
	size_t		rest;
	char		*end, *p;

	(void)state;
	for (rest = 0; rest < 64; rest++) {
		arena_init(&a);
		do
			(void)arena_str(&a, STR_NONE);
		while (a.left > rest);
		end = a.next + a.left;
		p = arena_alloc(&a, 17);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(p + 17 <= end || a.left > 1000);
		assert_true(a.left < 8192);
		arena_free(&a);
	}
}

static void
strings_are_terminated(void **state)
{
	struct arena	a = { 0 };
	struct str	s, t;
	char		from[] = "a\0b";

	(void)state;
	s = arena_str(&a, str_span(from, 3));
	from[0] = 'x';
	assert_int_equal(s.n, 3);
	assert_memory_equal(s.p, "a\0b\0", 4);
	t = arena_str(&a, STR_NONE);
	assert_int_equal(t.n, 0);
	assert_string_equal(t.p, "");
	arena_free(&a);
}

static void
printf_of_any_length(void **state)
{
	static const size_t	 lengths[] = { 0, 1, 254, 255, 256, 257, 9000 };
	struct arena		 a = { 0 };
	char			 fill[9001];
	struct str		 s;
	size_t			 i, n;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		n = lengths[i];
		memset(fill, 'f', n);
		fill[n] = '\0';
		s = arena_printf(&a, "%s", fill);
		assert_int_equal(s.n, n);
		assert_string_equal(s.p, fill);
	}
	s = arena_printf(&a, "%d-%s", 7, "x");
	assert_string_equal(s.p, "7-x");
	arena_free(&a);
}

static void
vec_keeps_its_members(void **state)
{
	struct arena	a = { 0 };
	VEC(size_t)	v = { 0 };
	size_t		i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		vec_push(&a, &v, i * 3);
		assert_true(v.n <= v.cap);
	}
	assert_int_equal(v.n, 5000);
	for (i = 0; i < v.n; i++)
		assert_int_equal(v.p[i], i * 3);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_clear),
		cmocka_unit_test(nothing_is_taken_before_the_first_request),
		cmocka_unit_test(large_piece_keeps_the_newest_block),
		cmocka_unit_test(large_piece_may_come_first),
		cmocka_unit_test(piece_and_padding_fit_the_rest),
		cmocka_unit_test(strings_are_terminated),
		cmocka_unit_test(printf_of_any_length),
		cmocka_unit_test(vec_keeps_its_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
