/* SPDX-License-Identifier: ISC */
/*
 * The form of a dropped message, written and read; and what somebody else may
 * have left in the directory instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "spool/drop.h"

static void
write_one(struct buf *b)
{
	drop_put_magic(b);
	drop_put(b, DROP_SENDER, STR("a@b"));
	drop_put(b, DROP_RECIPIENT, STR("c@d"));
	drop_put(b, DROP_RECIPIENT, STR("e"));
	drop_put(b, DROP_BODY, STR("8BITMIME"));
	drop_put(b, DROP_CONTENT, STR("A: b\r\n\r\n\0R\0"));
}

static void
test_round(void **state)
{
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct dropped d;
	struct fault why;

	(void)state;
	write_one(&b);
	assert_int_equal(drop_parse(&a, buf_str(&b), &d, &why), 0);
	assert_true(str_eq(d.sender, STR("a@b")));
	assert_int_equal(d.recipients.n, 2);
	assert_true(str_eq(d.recipients.p[0], STR("c@d")));
	assert_true(str_eq(d.recipients.p[1], STR("e")));
	assert_true(str_eq(d.body, STR("8BITMIME")));
	assert_true(str_eq(d.content, STR("A: b\r\n\r\n\0R\0")));
	buf_free(&b);
	arena_free(&a);
}

struct row {
	struct str	in;		/* behind the first line */
	bool		good;
};

#define L(lit)	{ (lit), sizeof(lit) - 1 }

static const struct row rows[] = {
	{ L("R\0\0\0\1aC\0\0\0\0"), true },
	{ L("S\0\0\0\0R\0\0\0\1aC\0\0\0\2xy"), true },
	{ L("S\0\0\0\1xS\0\0\0\1yR\0\0\0\0C\0\0\0\0"), true },
	{ L("R\0\0\1\0" "0123456789abcdef0123456789abcdef0123456789abcdef"
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	    "0123456789abcdef" "C\0\0\0\0"), true },
	{ L(""), false },
	{ L("R"), false },
	{ L("R\0\0\0"), false },
	{ L("R\0\0\0\1a"), false },		/* no content */
	{ L("C\0\0\0\1x"), false },		/* no recipient */
	{ L("S\0\0\0\1aC\0\0\0\1x"), false },
	{ L("R\0\0\0\1aC\0\0\0\2x"), false },	/* cut */
	{ L("R\0\0\0\1aC\0\0\0\1xy"), false },	/* more than all */
	{ L("R\0\0\0\1aC\0\0\0\0C\0\0\0\0"), false },
	{ L("R\0\0\0\1aC\0\0\0\0R\0\0\0\1a"), false },
	{ L("R\xff\xff\xff\xff" "aC\0\0\0\0"), false },
	{ L("R\x80\0\0\0" "aC\0\0\0\0"), false },
	{ L("R\0\0\0\1aX\0\0\0\0C\0\0\0\0"), false },	/* unknown */
	{ L("R\0\0\0\1ar\0\0\0\0C\0\0\0\0"), false },
	{ L("\0\0\0\0\0R\0\0\0\1aC\0\0\0\0"), false },
	{ L("\nR\0\0\0\1aC\0\0\0\0"), false },
};

static void
test_records(void **state)
{
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct dropped d;
	struct fault why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		drop_put_magic(&b);
		buf_puts(&b, rows[i].in);
		if ((drop_parse(&a, buf_str(&b), &d, &why) == 0) !=
		    rows[i].good)
			fail_msg("row %zu", i);
		if (!rows[i].good)
			assert_int_equal(why.kind, FAULT_PERMANENT);
	}
	buf_free(&b);
	arena_free(&a);
}

/* No beginning of a message is one.  The copy is as long as what is read, so
 * that the address sanitizer sees a byte too many. */
static void
test_cut(void **state)
{
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct dropped d;
	struct fault why;
	char *copy;

	(void)state;
	write_one(&b);
	for (size_t n = 0; n < b.n; n++) {
		copy = mem_alloc(n);
		memcpy(copy, b.p, n);
		assert_int_equal(drop_parse(&a, str_span(copy, n), &d, &why),
		    -1);
		assert_int_equal(why.kind, FAULT_PERMANENT);
		mem_free(copy);
	}
	buf_free(&b);
	arena_free(&a);
}

static void
test_first_line(void **state)
{
	static const char *const firsts[] = {
		"", "godwit drop 1", "godwit drop 2\n", "Godwit drop 1\n",
		" godwit drop 1\n", "godwit drop 1\r\n",
	};
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct dropped d;
	struct fault why;

	(void)state;
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		buf_reset(&b);
		buf_putz(&b, firsts[i]);
		buf_put(&b, "R\0\0\0\1aC\0\0\0\0", 11);
		assert_int_equal(drop_parse(&a, buf_str(&b), &d, &why), -1);
	}
	buf_free(&b);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_first_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
