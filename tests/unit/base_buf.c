/* SPDX-License-Identifier: ISC */
/*
 * base/buf: what was put comes out, in all sizes around the borders of its
 * room, and base/mem beneath it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static void
assert_buf(const struct buf *b, const char *want)
{
	assert_int_equal(b->n, strlen(want));
	if (b->n != 0)
		assert_memory_equal(b->p, want, b->n);
}

static void
puts_all_kinds(void **state)
{
	struct buf	b = { 0 };

	(void)state;
	assert_int_equal(buf_str(&b).n, 0);
	buf_put(&b, NULL, 0);
	buf_puts(&b, STR_NONE);
	assert_null(b.p);
	buf_put(&b, "ab", 2);
	buf_puts(&b, STR("cd"));
	buf_putz(&b, "ef");
	buf_putc(&b, 'g');
	buf_printf(&b, "%d%s", 12, "!");
	assert_buf(&b, "abcdefg12!");
	assert_true(str_eq(buf_str(&b), STR("abcdefg12!")));
	assert_string_equal(buf_cstr(&b), "abcdefg12!");
	assert_int_equal(b.n, 10);
	buf_free(&b);
	assert_null(b.p);
	assert_int_equal(b.cap, 0);
	assert_string_equal(buf_cstr(&b), "");
	buf_free(&b);
}

static void
grows_byte_by_byte(void **state)
{
	struct buf	b = { 0 };
	size_t		i, caps = 0, cap = 0;

	(void)state;
	for (i = 0; i < 100000; i++) {
		buf_putc(&b, (char)(i % 251));
		assert_true(b.n <= b.cap);
		if (b.cap != cap) {
			cap = b.cap;
			caps++;
		}
	}
	for (i = 0; i < 100000; i++)
		assert_int_equal((unsigned char)b.p[i], i % 251);
	assert_true(caps < 20);
	buf_free(&b);
}

static void
prints_at_every_border(void **state)
{
	struct buf	b;
	char		fill[500];
	size_t		before, n;

	(void)state;
	memset(fill, 'f', sizeof(fill));
	for (before = 0; before < 140; before += 3)
		for (n = 0; n < 300; n++) {
			buf_init(&b);
			buf_put(&b, fill, before);
			buf_printf(&b, "%.*s|", (int)n, fill);
			assert_int_equal(b.n, before + n + 1);
			assert_memory_equal(b.p, fill, before + n);
			assert_int_equal(b.p[b.n - 1], '|');
			buf_free(&b);
		}
}

static void
room_is_given_and_taken(void **state)
{
	struct buf	b = { 0 };
	char		*p;

	(void)state;
	p = buf_room(&b, 1000);
	assert_int_equal(b.n, 0);
	memset(p, 'x', 1000);
	buf_grew(&b, 3);
	assert_buf(&b, "xxx");
	p = buf_room(&b, 0);
	assert_ptr_equal(p, b.p + 3);
	buf_free(&b);
	assert_non_null(buf_room(&b, 0));
	buf_free(&b);
}

static void
drops_and_truncates(void **state)
{
	struct buf	b = { 0 };
	size_t		cap;

	(void)state;
	buf_drop(&b, 0);
	buf_truncate(&b, 0);
	buf_putz(&b, "abcdef");
	cap = b.cap;
	buf_drop(&b, 0);
	assert_buf(&b, "abcdef");
	buf_drop(&b, 2);
	assert_buf(&b, "cdef");
	buf_truncate(&b, 3);
	assert_buf(&b, "cde");
	buf_drop(&b, 3);
	assert_buf(&b, "");
	buf_putz(&b, "again");
	buf_reset(&b);
	assert_buf(&b, "");
	assert_int_equal(b.cap, cap);
	buf_free(&b);
}

static void
memory_is_clear_and_copied(void **state)
{
	unsigned char	*p;
	size_t		*q;
	char		*z;
	size_t		 i;

	(void)state;
	p = mem_alloc(300);
	for (i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
	mem_free(p);
	q = mem_array(10, sizeof(*q));
	for (i = 0; i < 10; i++)
		assert_int_equal(q[i], 0);
	mem_free(q);
	p = mem_alloc(0);
	assert_non_null(p);
	p = mem_resize(p, 0);
	assert_non_null(p);
	mem_free(p);
	z = mem_copy("a\0b", 3);
	assert_memory_equal(z, "a\0b\0", 4);
	mem_free(z);
	z = mem_copy(NULL, 0);
	assert_string_equal(z, "");
	mem_free(z);
	mem_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_all_kinds),
		cmocka_unit_test(grows_byte_by_byte),
		cmocka_unit_test(prints_at_every_border),
		cmocka_unit_test(room_is_given_and_taken),
		cmocka_unit_test(drops_and_truncates),
		cmocka_unit_test(memory_is_clear_and_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
