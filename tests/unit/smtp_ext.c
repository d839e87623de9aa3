/* SPDX-License-Identifier: ISC */
/* The table of extensions is whole and unambiguous. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "smtp/ext.h"

static void
test_rows(void **state)
{
	const struct ext_row *row;
	unsigned i, seen = 0;

	(void)state;
	for (i = 0; (row = ext_row(i)) != NULL; i++) {
		assert_int_equal(row->bit, 1 << i);
		assert_int_equal(row->keyword.n, strlen(row->keyword.p));
		assert_int_equal(ext_find(row->keyword), row->bit);
		assert_int_equal(strncmp(row->rfc, "RFC ", 4), 0);
		seen |= row->bit;
	}
	assert_int_equal(i, 19);
	assert_int_equal(seen, (1 << 19) - 1);
	assert_null(ext_row(i + 1));
}

static void
test_find(void **state)
{
	(void)state;
	assert_int_equal(ext_find(STR("size")), EXT_SIZE);
	assert_int_equal(ext_find(STR("8BitMime")), EXT_8BITMIME);
	assert_int_equal(ext_find(STR("EnhancedStatusCodes")),
	    EXT_STATUSCODES);
	assert_int_equal(ext_find(STR("")), 0);
	assert_int_equal(ext_find(STR_NONE), 0);
	assert_int_equal(ext_find(STR("SIZE ")), 0);
	assert_int_equal(ext_find(STR("SIZ")), 0);
	assert_int_equal(ext_find(STR("XSIZE")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
