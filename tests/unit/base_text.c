/* SPDX-License-Identifier: ISC */
/*
 * base/text: what it prints is what the C library prints, in every room, and
 * nothing is written behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define ROOM	256

static void check(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* In every room from none to more than enough. */
static void
check(const char *fmt, ...)
{
	char want[ROOM], got[ROOM];
	va_list ap;
	size_t n;
	int uncut;

	for (size_t room = 0; room < ROOM; room++) {
		memset(want, '#', sizeof(want));
		memset(got, '#', sizeof(got));
		va_start(ap, fmt);
		uncut = vsnprintf(want, room, fmt, ap);
		va_end(ap);
		va_start(ap, fmt);
		n = text_vprint(got, room, fmt, ap);
		va_end(ap);
		assert_true(uncut >= 0);
		assert_int_equal(n, uncut);
		if (room > 0)
			assert_string_equal(got, want);
		for (size_t i = room; i < ROOM; i++)
			assert_int_equal(got[i], '#');
		if (room > n + 2)
			break;
	}
}

static void
strings(void **state)
{
	const char *const text[] = { "", "a", "godwit", "%s", "\xc3\xa4\xff" };
	const char *volatile none = NULL;

	(void)state;
	check("%s", "");
	check("plain");
	check("100%%, %%d%%");
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		check("%s", text[i]);
		check("<%s|%s>", text[i], text[i]);
		check("%8s|%-8s|%1s|%-1s", text[i], text[i], text[i], text[i]);
		for (int n = -1; n < 9; n++)
			check("%.*s|%12.*s|%-3.*s", n, text[i], n, text[i], n,
			    text[i]);
	}
	check("%.*s", 0, none);
	check("%.*s.", 3, (const char[]){ 'a', 'b', 'c' });
	check("%c%c%c", 'a', 0x80, '%');
}

static void
numbers(void **state)
{
	const int64_t v[] = { 0, 1, -1, 9, 10, -10, 99, 100, 255, 4096, INT_MAX,
	    INT_MIN, INT64_MAX, INT64_MIN };

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		check("%d %i %u %x %X %o", (int)v[i], (int)v[i],
		    (unsigned)v[i], (unsigned)v[i], (unsigned)v[i],
		    (unsigned)v[i]);
		check("%ld %lu %lx", (long)v[i], (unsigned long)v[i],
		    (unsigned long)v[i]);
		check("%lld %llu %llo", (long long)v[i],
		    (unsigned long long)v[i], (unsigned long long)v[i]);
		check("%zd %zu %zx", (ssize_t)v[i], (size_t)v[i], (size_t)v[i]);
		check("%5d|%-5d|%05d|%02d", (int)v[i], (int)v[i],
		    (int)v[i], (int)v[i]);
		check("%2u|%08x|%016llx|%-9lu|", (unsigned)v[i],
		    (unsigned)v[i], (unsigned long long)v[i],
		    (unsigned long)v[i]);
	}
}

/* What is seldom written, alone and behind what was already printed here. */
static void
the_librarys(void **state)
{
	(void)state;
	check("%.2f", 1.005);
	check("delay=%.2f, %s, delays=%.1f", 1.5, "and", 2.25);
	check("%*s|%-*s|", 5, "a", 5, "b");
	check("%s and %.3s and %d", "one", "twoo", 3);
	check("%#x %+d % d %hhu %hd", 255u, 5, 5, (unsigned char)7, (short)-3);
	check("%jd %td %" PRIu64, (intmax_t)-5, (ptrdiff_t)6, UINT64_MAX);
	check("%.4d %5.1u", 7, 8u);
	check("%p", (void *)16);
	check("%5c", 'x');
}

static void
random_numbers(void **state)
{
	(void)state;
	srand48(7);
	for (int i = 0; i < 300; i++) {
		uint64_t v = (uint64_t)mrand48() << (i % 33) ^
		    (uint64_t)lrand48();

		check("%llu %lld %llx %d %u", (unsigned long long)v,
		    (long long)v, (unsigned long long)v, (int)v, (unsigned)v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(numbers),
		cmocka_unit_test(the_librarys),
		cmocka_unit_test(random_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
