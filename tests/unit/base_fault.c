/* SPDX-License-Identifier: ISC */
/*
 * base/fault: the status that comes of each call and the cleaning of the
 * text; and base/sink, whose failures are faults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/sink.h"
#include "base/utf8.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static void
kinds(void **state)
{
	struct fault	f;

	(void)state;
	fault_clear(&f);
	assert_int_equal(f.kind, FAULT_NONE);
	assert_string_equal(f.text, "");
	assert_false(fault_is_temporary(&f));
	assert_int_equal(fault_temporary(&f, 450, 2, 1, "try %d", 7), -1);
	assert_int_equal(f.kind, FAULT_TEMPORARY);
	assert_int_equal(f.reply, 450);
	assert_int_equal(f.subject, 2);
	assert_int_equal(f.detail, 1);
	assert_string_equal(f.text, "try 7");
	assert_true(fault_is_temporary(&f));
	assert_int_equal(fault_permanent(&f, 550, 1, 2, "no: %s", f.text), -1);
	assert_int_equal(f.kind, FAULT_PERMANENT);
	assert_int_equal(f.reply, 550);
	assert_int_equal(f.subject, 1);
	assert_int_equal(f.detail, 2);
	assert_string_equal(f.text, "no: try 7");
	assert_false(fault_is_temporary(&f));
}

static void
system_errors(void **state)
{
	static const struct {
		int		 err, reply, detail;
		const char	*text;
	} t[] = {
		{ ENOENT, 451, 0, "open x\\?: No such file or directory" },
		{ EIO, 451, 0, "open x\\?: Input/output error" },
		{ ENOSPC, 452, 1, "open x\\?: No space left on device" },
		{ EDQUOT, 452, 1, "open x\\?: Disk quota exceeded" },
		{ EFBIG, 452, 1, "open x\\?: File too large" },
	};
	struct fault	f;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(fault_system(&f, t[i].err, "open %s",
		    "x\\\x01"), -1);
		assert_int_equal(f.kind, FAULT_TEMPORARY);
		assert_int_equal(f.reply, t[i].reply);
		assert_int_equal(f.subject, 3);
		assert_int_equal(f.detail, t[i].detail);
		assert_string_equal(f.text, t[i].text);
	}
}

static void
texts_are_cleaned(void **state)
{
	static const struct {
		const char	*in, *out;
	} t[] = {
		{ "", "" },
		{ "plain text ~", "plain text ~" },
		{ "a\nb", "a b" },
		{ "a\r\nb", "a b" },
		{ "a\rb", "a?b" },
		{ "a\tb\x1b[1m\x7f", "a?b?[1m?" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xc3", "?" },
		{ "\xc3(", "?(" },
		{ "\xff\xfe", "??" },
		{ "\xed\xa0\x80", "???" },
		{ "c1 \xc2\x85 \xc2\x9f \xc2\xa0", "c1 ? ? \xc2\xa0" },
		{ "\xf0\x9f\x90\xa6", "\xf0\x9f\x90\xa6" },
	};
	struct fault	f;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		(void)fault_permanent(&f, 550, 0, 0, "%s", t[i].in);
		assert_string_equal(f.text, t[i].out);
	}
}

/* A character of each length is laid over the end of the text. */
static void
texts_are_cut_at_a_border(void **state)
{
	static const char	*wide[] = {
		"b", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x90\xa6"
	};
	char		in[FAULT_TEXT_MAX + 20];
	struct fault	f;
	size_t		i, before, width, want;

	(void)state;
	for (i = 0; i < COUNT(wide); i++)
		for (before = FAULT_TEXT_MAX - 8; before < FAULT_TEXT_MAX + 8;
		    before++) {
			width = strlen(wide[i]);
			memset(in, 'a', before);
			memcpy(in + before, wide[i], width + 1);
			(void)fault_temporary(&f, 451, 0, 0, "%s", in);
			want = before + width;
			if (before >= FAULT_TEXT_MAX)
				want = FAULT_TEXT_MAX - 1;
			else if (want >= FAULT_TEXT_MAX)
				want = before;
			assert_int_equal(strlen(f.text), want);
			assert_memory_equal(f.text, in, want);
			assert_true(utf8_is_valid(str_of(f.text)));
			assert_null(strchr(f.text, '?'));
		}
}

static void
prefixes(void **state)
{
	struct fault	f;
	char		head[2 * FAULT_TEXT_MAX];

	(void)state;
	(void)fault_permanent(&f, 550, 1, 1, "unknown");
	fault_prefix(&f, "line %d\n", 3);
	assert_string_equal(f.text, "line 3 : unknown");
	assert_int_equal(f.reply, 550);
	assert_int_equal(f.kind, FAULT_PERMANENT);
	fault_prefix(&f, "%s", f.text);
	assert_string_equal(f.text, "line 3 : unknown: line 3 : unknown");
	memset(head, 'h', sizeof(head));
	head[sizeof(head) - 1] = '\0';
	fault_prefix(&f, "%s", head);
	assert_int_equal(strlen(f.text), FAULT_TEXT_MAX - 1);
}

struct taster {
	struct sink	sink;
	size_t		taken, limit;
	unsigned	calls;
};

static int
taste(struct sink *s, struct str bytes, struct fault *why)
{
	struct taster	*t = (struct taster *)(void *)s;

	t->calls++;
	if (bytes.n > t->limit - t->taken)
		return fault_permanent(why, 552, 3, 4, "too much");
	t->taken += bytes.n;
	return 0;
}

static void
sinks_stand_in_a_row(void **state)
{
	struct taster	a = { { taste }, 0, 100, 0 };
	struct taster	b = { { taste }, 0, 4, 0 };
	struct taster	c = { { taste }, 0, 100, 0 };
	struct sink_row	row;
	struct fault	f;

	(void)state;
	sink_row_init(&row);
	assert_int_equal(sink_write(&row.sink, STR("none"), &f), 0);
	sink_row_add(&row, &a.sink);
	sink_row_add(&row, &b.sink);
	sink_row_add(&row, &c.sink);
	assert_int_equal(sink_write(&row.sink, STR_NONE, &f), 0);
	assert_int_equal(a.calls, 0);
	assert_int_equal(sink_write(&row.sink, STR("abc"), &f), 0);
	assert_int_equal(a.taken, 3);
	assert_int_equal(b.taken, 3);
	assert_int_equal(c.taken, 3);
	fault_clear(&f);
	assert_int_equal(sink_write(&row.sink, STR("de"), &f), -1);
	assert_int_equal(f.reply, 552);
	assert_int_equal(a.taken, 5);
	assert_int_equal(b.taken, 3);
	assert_int_equal(c.calls, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(system_errors),
		cmocka_unit_test(texts_are_cleaned),
		cmocka_unit_test(texts_are_cut_at_a_border),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(sinks_stand_in_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
