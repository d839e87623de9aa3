/* SPDX-License-Identifier: ISC */
/*
 * base/utf8: the borders of RFC 3629 4, malformed forms of every kind, and
 * every code point there and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/utf8.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static void
one_character(void **state)
{
	static const struct {
		const char	*bytes;
		unsigned	 n;
		uint32_t	 cp;
	} t[] = {
		{ "a", 1, 'a' },
		{ "\x7f", 1, 0x7f },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 0xd7ff },
		{ "\xee\x80\x80", 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		{ "\xc3\xa4rest", 2, 0xe4 },
		/* malformed */
		{ "", 0, 0 },
		{ "\x80", 0, 0 },
		{ "\xbf", 0, 0 },
		{ "\xc0\x80", 0, 0 },
		{ "\xc1\xbf", 0, 0 },
		{ "\xc3", 0, 0 },
		{ "\xc3(", 0, 0 },
		{ "\xc3\xc3", 0, 0 },
		{ "\xe0\x9f\xbf", 0, 0 },
		{ "\xe2\x82", 0, 0 },
		{ "\xe2\x28\xa1", 0, 0 },
		{ "\xe2\x82\x28", 0, 0 },
		{ "\xed\xa0\x80", 0, 0 },
		{ "\xed\xbf\xbf", 0, 0 },
		{ "\xf0\x8f\xbf\xbf", 0, 0 },
		{ "\xf0\x9f\x98", 0, 0 },
		{ "\xf0\x9f\x98\x28", 0, 0 },
		{ "\xf4\x90\x80\x80", 0, 0 },
		{ "\xf5\x80\x80\x80", 0, 0 },
		{ "\xf8\x88\x80\x80\x80", 0, 0 },
		{ "\xfe", 0, 0 },
		{ "\xff", 0, 0 },
	};
	uint32_t	cp;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		cp = 0x5a5a;
		assert_int_equal(utf8_char(str_of(t[i].bytes), &cp), t[i].n);
		assert_int_equal(cp, t[i].n != 0 ? t[i].cp : 0x5a5a);
		assert_int_equal(utf8_char(str_of(t[i].bytes), NULL), t[i].n);
	}
	assert_int_equal(utf8_char(str_span("\0", 1), &cp), 1);
	assert_int_equal(cp, 0);
}

static size_t
encode(uint32_t cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 63));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 63));
		out[2] = (char)(0x80 | (cp & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 63));
	out[2] = (char)(0x80 | (cp >> 6 & 63));
	out[3] = (char)(0x80 | (cp & 63));
	return 4;
}

static void
every_code_point(void **state)
{
	uint32_t	cp, back;
	char		out[4];
	size_t		n;
	bool		good;

	(void)state;
	for (cp = 0; cp < 0x120000; cp++) {
		n = encode(cp, out);
		good = cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
		back = 0;
		if (utf8_char(str_span(out, n), &back) != (good ? n : 0) ||
		    back != (good ? cp : 0))
			fail_msg("U+%04X", cp);
	}
}

/* A bad byte, and a good character, at each place of a long run. */
static void
whole_texts(void **state)
{
	char	text[40];
	size_t	at, n;

	(void)state;
	assert_true(utf8_is_valid(STR_NONE));
	assert_true(utf8_is_ascii(STR_NONE));
	for (n = 1; n <= sizeof(text); n++)
		for (at = 0; at < n; at++) {
			memset(text, 'a', n);
			assert_true(utf8_is_valid(str_span(text, n)));
			assert_true(utf8_is_ascii(str_span(text, n)));
			text[at] = '\xc3';
			assert_false(utf8_is_valid(str_span(text, n)));
			assert_false(utf8_is_ascii(str_span(text, n)));
			if (at + 1 == n)
				continue;
			text[at + 1] = '\xa4';
			assert_true(utf8_is_valid(str_span(text, n)));
			assert_false(utf8_is_ascii(str_span(text, n)));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_character),
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(whole_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
