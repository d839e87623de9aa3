/* SPDX-License-Identifier: ISC */
/*
 * base/num: good and malformed texts for each parser, at the borders of the
 * caller's bound and of 64 bits; and back again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/num.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define UNTOUCHED	UINT64_C(0x5a5a5a5a)

struct row {
	const char	*text;
	uint64_t	 max;
	bool		 good;
	uint64_t	 value;
};

static void
run(const struct row *t, size_t n, bool (*parse)(struct str, uint64_t,
    uint64_t *))
{
	uint64_t	value;
	size_t		i;

	for (i = 0; i < n; i++) {
		value = UNTOUCHED;
		if (parse(str_of(t[i].text), t[i].max, &value) != t[i].good)
			fail_msg("row %zu: %s", i, t[i].text);
		assert_true(value == (t[i].good ? t[i].value : UNTOUCHED));
	}
}

static void
parses_numbers(void **state)
{
	static const struct row	t[] = {
		{ "0", 0, true, 0 },
		{ "1", 0, false, 0 },
		{ "007", 7, true, 7 },
		{ "25", 65535, true, 25 },
		{ "65535", 65535, true, 65535 },
		{ "65536", 65535, false, 0 },
		{ "65540", 65535, false, 0 },
		{ "100000", 65535, false, 0 },
		{ "255", 255, true, 255 },
		{ "256", 255, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "18446744073709551620", UINT64_MAX, false, 0 },
		{ "99999999999999999999999", UINT64_MAX, false, 0 },
		{ NULL, 9, false, 0 },
		{ "", 9, false, 0 },
		{ "-1", 9, false, 0 },
		{ "+1", 9, false, 0 },
		{ " 1", 9, false, 0 },
		{ "1 ", 9, false, 0 },
		{ "1\n", 9, false, 0 },
		{ "0x1", 9, false, 0 },
		{ "1a", 9, false, 0 },
		{ "1.0", 9, false, 0 },
		{ "\xb2", 9, false, 0 },
	};
	uint64_t	value;

	(void)state;
	run(t, COUNT(t), num_parse);
	assert_false(num_parse(str_span("1\0", 2), 9, &value));
}

static void
parses_sizes(void **state)
{
	static const struct row	t[] = {
		{ "10", 10, true, 10 },
		{ "10K", 10240, true, 10240 },
		{ "10k", 10240, true, 10240 },
		{ "10K", 10239, false, 0 },
		{ "3m", UINT64_MAX, true, 3145728 },
		{ "0G", 0, true, 0 },
		{ "2G", UINT64_MAX, true, UINT64_C(2147483648) },
		{ "17179869183G", UINT64_MAX, true,
		    UINT64_C(17179869183) << 30 },
		{ "17179869184G", UINT64_MAX, false, 0 },
		{ NULL, 9, false, 0 },
		{ "K", 9999, false, 0 },
		{ "1KB", 9999, false, 0 },
		{ "1KK", UINT64_MAX, false, 0 },
		{ "1T", UINT64_MAX, false, 0 },
		{ "1 K", 9999, false, 0 },
		{ "-1K", 9999, false, 0 },
		{ "1.5K", 9999, false, 0 },
	};

	(void)state;
	run(t, COUNT(t), num_parse_size);
}

static void
parses_durations(void **state)
{
	static const struct row	t[] = {
		{ "10", 10, true, 10 },
		{ "10s", 10, true, 10 },
		{ "11s", 10, false, 0 },
		{ "5m", 300, true, 300 },
		{ "2h", UINT64_MAX, true, 7200 },
		{ "1d", UINT64_MAX, true, 86400 },
		{ "1w", UINT64_MAX, true, 604800 },
		{ "0s", 0, true, 0 },
		{ "1h30m", 5400, true, 5400 },
		{ "1h30m", 5399, false, 0 },
		{ "1h5s", UINT64_MAX, true, 3605 },
		{ "1w1d1h1m1s", UINT64_MAX, true, 694861 },
		{ "90m", UINT64_MAX, true, 5400 },
		{ "18446744073709551615s", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551615m", UINT64_MAX, false, 0 },
		{ "1m18446744073709551615s", UINT64_MAX, false, 0 },
		{ NULL, 9, false, 0 },
		{ "s", 9, false, 0 },
		{ "1h30", UINT64_MAX, false, 0 },
		{ "30m1h", UINT64_MAX, false, 0 },
		{ "1m1m", UINT64_MAX, false, 0 },
		{ "1hm", UINT64_MAX, false, 0 },
		{ "h1", UINT64_MAX, false, 0 },
		{ "1H", UINT64_MAX, false, 0 },
		{ "1y", UINT64_MAX, false, 0 },
		{ "1h 30m", UINT64_MAX, false, 0 },
		{ "-1h", UINT64_MAX, false, 0 },
		{ "1h-1m", UINT64_MAX, false, 0 },
	};

	(void)state;
	run(t, COUNT(t), num_parse_duration);
}

static void
formats(void **state)
{
	static const struct {
		uint64_t	 n;
		const char	*size, *duration;
	} t[] = {
		{ 0, "0", "0" },
		{ 1, "1", "1" },
		{ 60, "60", "1m" },
		{ 90, "90", "90" },
		{ 1023, "1023", "1023" },
		{ 1024, "1K", "1024" },
		{ 1536, "1536", "1536" },
		{ 3600, "3600", "1h" },
		{ 5400, "5400", "90m" },
		{ 86400, "86400", "1d" },
		{ 604800, "604800", "1w" },
		{ 604801, "604801", "1w1s" },
		{ 10485760, "10M", "10485760" },
		{ 10486784, "10241K", "10486784" },
		{ UINT64_C(3) << 30, "3G", "3221225472" },
		{ UINT64_MAX, "18446744073709551615",
		    "18446744073709551615" },
	};
	struct buf	b = { 0 };
	uint64_t	back;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		buf_reset(&b);
		buf_putz(&b, "=");
		num_format_size(&b, t[i].n);
		assert_string_equal(buf_cstr(&b) + 1, t[i].size);
		assert_true(num_parse_size(str_from(buf_str(&b), 1),
		    UINT64_MAX, &back));
		assert_true(back == t[i].n);
		buf_reset(&b);
		buf_putz(&b, "=");
		num_format_duration(&b, t[i].n);
		assert_string_equal(buf_cstr(&b) + 1, t[i].duration);
		assert_true(num_parse_duration(str_from(buf_str(&b), 1),
		    UINT64_MAX, &back));
		assert_true(back == t[i].n);
	}
	buf_free(&b);
}

static void
base32(void **state)
{
	static const struct {
		uint64_t	 value;
		unsigned	 digits;
		const char	*text;
	} t[] = {
		{ 0, 1, "0" },
		{ 31, 1, "Z" },
		{ 32, 2, "10" },
		{ 17, 4, "000H" },
		{ 18, 4, "000J" },
		{ 27, 2, "0V" },
		{ UINT64_MAX, 13, "FZZZZZZZZZZZZ" },
		{ UINT64_C(1) << 45, 10, "1000000000" },
	};
	static const char	*bad[] = {
		"", "I", "L", "O", "U", "a", "0 ", "-", "\xff",
		"G000000000000", "00000000000001ZZ*", "10000000000000",
	};
	char		out[16];
	uint64_t	value;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		memset(out, '!', sizeof(out));
		num_base32(out, t[i].digits, t[i].value);
		assert_memory_equal(out, t[i].text, t[i].digits);
		assert_int_equal(out[t[i].digits], '!');
		assert_true(num_parse_base32(str_span(out, t[i].digits),
		    &value));
		assert_true(value == t[i].value);
	}
	for (i = 0; i < COUNT(bad); i++) {
		value = UNTOUCHED;
		if (num_parse_base32(str_of(bad[i]), &value))
			fail_msg("taken: %s", bad[i]);
		assert_true(value == UNTOUCHED);
	}
	assert_false(num_parse_base32(str_span("0\0", 2), &value));
	num_base32(out, 1, 33);
	assert_int_equal(out[0], '1');
}

static void
base32_keeps_order(void **state)
{
	char		a[13], b[13];
	uint64_t	n, step = UINT64_C(0x3c6ef372fe94f82b);
	unsigned	i;

	(void)state;
	for (i = 0, n = 0; i < 4; i++, n += step) {
		num_base32(a, 13, n);
		num_base32(b, 13, n + step);
		assert_true(memcmp(a, b, 13) < 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_numbers),
		cmocka_unit_test(parses_sizes),
		cmocka_unit_test(parses_durations),
		cmocka_unit_test(formats),
		cmocka_unit_test(base32),
		cmocka_unit_test(base32_keeps_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
