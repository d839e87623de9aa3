/* SPDX-License-Identifier: ISC */
/*
 * mail/nfc: which local parts are the same.  The expected forms are those of
 * Unicode's own examples (UAX #15) and of its composition exclusions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/utf8.h"
#include "mail/nfc.h"

static const struct {
	const char *given, *folded;
} rows[] = {
	{ "", "" },
	{ "Ann", "ann" },
	{ "ann+Tag=x", "ann+tag=x" },
	/* Composed and not. */
	{ "j\u00f6rg", "j\u00f6rg" },
	{ "jo\u0308rg", "j\u00f6rg" },
	{ "JO\u0308RG", "j\u00d6rg" },
	{ "J\u00d6RG", "j\u00d6rg" },
	{ "\u00e5", "\u00e5" }, { "a\u030a", "\u00e5" },
	{ "\u212b", "\u00c5" }, { "A\u030a", "\u00c5" },
	/* In whatever order the marks come. */
	{ "d\u0323\u0307", "\u1e0d\u0307" },
	{ "d\u0307\u0323", "\u1e0d\u0307" },
	{ "\u1e0b\u0323", "\u1e0d\u0307" },
	/* What is excluded from composition, and Hangul. */
	{ "\u0958", "\u0915\u093c" },
	{ "\u1112\u1161\u11ab", "\ud55c" },
	/* Compatibility is another matter. */
	{ "\ufb01", "\ufb01" }, { "\u2460", "\u2460" },
	{ "\uff41", "\uff41" },
	/* Characters that are ASCII then. */
	{ "\u212aarl", "karl" },
	{ "a\u037eb", "a;b" }, { "\u1fef", "`" },
	/* There is such a letter in lower case only. */
	{ "H\u0331", "\u1e96" }, { "h\u0331", "\u1e96" },
	/* A mark that has nothing in front of it. */
	{ "\u0308x", "\u0308x" },
	{ "\U0001d15e", "\U0001d157\U0001d165" },
	/* What is no UTF-8 stays, but for its case. */
	{ "A\xff", "a\xff" }, { "\xc3(B", "\xc3(b" },
	{ "A\xed\xa0\x80", "a\xed\xa0\x80" }, { "\xc0\x80Z", "\xc0\x80z" },
};

static void
test_rows(void **state)
{
	struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str given = str_of(rows[i].given);
		struct str got = nfc_fold(&a, given);

		if (!str_eq(got, str_of(rows[i].folded)))
			fail_msg("row %zu: %.*s", i, STR_ARG(got));
		/* And again. */
		assert_true(str_eq(nfc_fold(&a, got), got));
		assert_true(got.p != given.p);
		arena_reset(&a);
	}
	arena_free(&a);
}

/* Marks without end, and a NUL among them. */
static void
test_long(void **state)
{
	struct arena a = { 0 };
	char text[4001];
	struct str got;

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		memcpy(text + 2 * i, i % 2 == 0 ? "\u0323" : "\u0307", 2);
	got = nfc_fold(&a, str_span(text, 4000));
	assert_int_equal(got.n, 4000);
	assert_memory_equal(got.p, "\u0323\u0323", 4);
	assert_memory_equal(got.p + 3996, "\u0307\u0307", 4);
	got = nfc_fold(&a, str_span("\u00e9\0E\u0301", 6));
	assert_int_equal(got.n, 5);
	assert_memory_equal(got.p, "\u00e9\0\u00c9", 5);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
