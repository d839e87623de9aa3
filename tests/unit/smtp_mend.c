/* SPDX-License-Identifier: ISC */
/*
 * smtp/mend: what becomes of line ends, in every split, and of long lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "smtp/mend.h"

struct kept {
	struct sink	sink;
	struct buf	text;
	size_t		room;		/* 0: all it is given */
};

static int
keep(struct sink *sink, struct str in, struct fault *why)
{
	struct kept *k = (struct kept *)sink;

	if (k->room > 0 && k->text.n + in.n > k->room)
		return fault_temporary(why, 452, 3, 1, "full");
	buf_puts(&k->text, in);
	return 0;
}

static const struct {
	const char	*in, *out;
	bool		 changed, line_start;
} rows[] = {
	{ "", "", false, true },
	{ "a\r\nb\r\n", "a\r\nb\r\n", false, true },
	{ "a", "a", false, false },
	{ "a\nb\n", "a\r\nb\r\n", true, true },
	{ "\n", "\r\n", true, true },
	{ "\n\n", "\r\n\r\n", true, true },
	{ "\r\n\n\r\n", "\r\n\r\n\r\n", true, true },
	{ "a\rb", "a b", true, false },
	{ "a\r", "a ", true, false },
	{ "\r\r\n", " \r\n", true, true },
	{ "a\r\r\rb\n", "a   b\r\n", true, true },
	{ "a\n.\r\nb", "a\r\n.\r\nb", true, false },
	{ "a\n\rb", "a\r\n b", true, false },
	{ "..\n.x\r\n", "..\r\n.x\r\n", true, true },
};

static void
check(size_t i, size_t step)
{
	struct kept k = { .sink.write = keep };
	struct str in = str_of(rows[i].in);
	struct mender m;
	struct fault why;

	mend_init(&m, &k.sink);
	for (size_t at = 0; at < in.n; at += step)
		assert_int_equal(sink_write(&m.sink, str_slice(in, at,
		    at + step < in.n ? at + step : in.n), &why), 0);
	assert_int_equal(mend_finish(&m, &why), 0);
	if (!str_eq(buf_str(&k.text), str_of(rows[i].out)))
		fail_msg("row %zu by %zu: %s", i, step, buf_cstr(&k.text));
	assert_int_equal(m.changed, rows[i].changed);
	assert_int_equal(m.line_start, rows[i].line_start);
	buf_free(&k.text);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 7; step++)
			check(i, step);
}

/* Longer than the room, and exactly as long. */
static void
test_long(void **state)
{
	static char text[3 * MEND_ROOM];
	struct kept k = { .sink.write = keep };
	struct mender m;
	struct fault why;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t n = MEND_ROOM - 2; n < MEND_ROOM + 3; n++) {
		buf_reset(&k.text);
		text[n] = '\n';
		mend_init(&m, &k.sink);
		assert_int_equal(sink_write(&m.sink, str_span(text,
		    sizeof(text)), &why), 0);
		assert_int_equal(mend_finish(&m, &why), 0);
		assert_int_equal(k.text.n, sizeof(text) + 1);
		assert_memory_equal(k.text.p + n, "\r\nx", 3);
		text[n] = 'x';
	}
	buf_free(&k.text);
}

/* Who fails is not asked again, and says why. */
static void
test_failure(void **state)
{
	struct kept k = { .sink.write = keep, .room = 3 };
	struct mender m;
	struct fault why;

	(void)state;
	mend_init(&m, &k.sink);
	assert_int_equal(sink_write(&m.sink, STR("a\nb\n"), &why), -1);
	assert_int_equal(why.reply, 452);
	assert_int_equal(k.text.n, 0);
	buf_free(&k.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
