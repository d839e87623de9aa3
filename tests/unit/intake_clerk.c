/* SPDX-License-Identifier: ISC */
/*
 * intake/clerk: what is taken out of a header, however the content is cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "intake/clerk.h"

#define L(lit)	{ (lit), sizeof(lit) - 1 }

struct paper {
	struct sink	sink;
	struct buf	text;
};

static int
note(struct sink *sink, struct str bytes, struct fault *why)
{
	struct paper *p = (struct paper *)(void *)sink;

	(void)why;
	assert_true(bytes.n > 0);
	buf_puts(&p->text, bytes);
	return 0;
}

static const struct {
	struct str	in, out;
} rows[] = {
	{ L(""), L("") },
	{ L("A: b\r\n\r\ntext\r\n"), L("A: b\r\n\r\ntext\r\n") },
	{ L("A: b\r\n"), L("A: b\r\n") },
	{ L("A: b"), L("A: b") },
	{ L("Bcc: b\r\n\r\ntext\r\n"), L("\r\ntext\r\n") },
	{ L("Bcc: b\r\n"), L("") },
	{ L("Bcc: b"), L("") },
	{ L("Bcc:"), L("") },
	{ L("Bcc"), L("\r\nBcc") },
	{ L("bCc \t: b\r\n c\r\n\td\r\nA: b\r\n\r\n"), L("A: b\r\n\r\n") },
	{ L("A: b\r\nBcc: b\r\nC: d\r\nResent-Bcc: x\r\n y\r\nE: f\r\n\r\n.\r\n"),
	    L("A: b\r\nC: d\r\nE: f\r\n\r\n.\r\n") },
	{ L("A: b\r\nBcc: b\r\nBcc: c\r\nBcc: d\r\n\r\nBcc: e\r\n"),
	    L("A: b\r\n\r\nBcc: e\r\n") },
	{ L("A: b\r\n Bcc: c\r\nBccc: d\r\nXBcc: e\r\nBcc-: f\r\n\r\n"),
	    L("A: b\r\n Bcc: c\r\nBccc: d\r\nXBcc: e\r\nBcc-: f\r\n\r\n") },
	{ L("A: b\r\nBcc c\r\n\r\ntext\r\n"),
	    L("A: b\r\n\r\nBcc c\r\n\r\ntext\r\n") },
	{ L("text\r\nmore\r\n"), L("\r\ntext\r\nmore\r\n") },
	{ L(" A: b\r\nBcc: c\r\n\r\n"), L("\r\n A: b\r\nBcc: c\r\n\r\n") },
	{ L("\r\nBcc: c\r\n"), L("\r\nBcc: c\r\n") },
	{ L("Bcc: b\r\n\0\r\xff\n"), L("\r\n\0\r\xff\n") },
	{ L("Bcc: b\0\r\n\r\n\0"), L("\r\n\0") },
};

/* Cut into three at i and k, from exact copies. */
static void
pass(const struct str *in, size_t i, size_t k, struct paper *paper)
{
	const struct str parts[] = { str_slice(*in, 0, i),
	    str_slice(*in, i, k), str_from(*in, k) };
	struct header_collector header;
	struct sink_row row;
	struct clerk clerk;
	struct fault why;

	buf_reset(&paper->text);
	header_collector_init(&header);
	clerk_init(&clerk, &header, &paper->sink);
	sink_row_init(&row);
	sink_row_add(&row, &header.sink);
	sink_row_add(&row, &clerk.sink);
	for (int n = 0; n < 3; n++) {
		char *copy = mem_copy(parts[n].p, parts[n].n);

		assert_int_equal(sink_write(&row.sink,
		    str_span(copy, parts[n].n), &why), 0);
		mem_free(copy);
	}
	header_collector_finish(&header);
	assert_int_equal(clerk_finish(&clerk, &why), 0);
	header_collector_free(&header);
}

static void
test_rows(void **state)
{
	struct paper paper = { .sink.write = note };

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		for (size_t i = 0; i <= rows[r].in.n; i++)
			for (size_t k = i; k <= rows[r].in.n; k++) {
				pass(&rows[r].in, i, k, &paper);
				if (!str_eq(buf_str(&paper.text),
				    rows[r].out))
					fail_msg("row %zu cut at %zu and %zu: "
					    "%s", r, i, k,
					    buf_cstr(&paper.text));
			}
	buf_free(&paper.text);
}

/* A line that is no field, longer than any header: nothing of it is lost, and
 * of a header that is too big nothing passes. */
static void
test_too_long(void **state)
{
	struct paper paper = { .sink.write = note };
	struct buf in = { 0 };
	struct str text;

	(void)state;
	buf_putz(&in, "Bcc: x\r\n");
	for (int i = 0; i < 40000; i++)
		buf_putz(&in, "word and ");
	text = buf_str(&in);
	pass(&text, 5, 200000, &paper);
	assert_int_equal(paper.text.n, in.n - 8 + 2);
	assert_memory_equal(paper.text.p + 2, in.p + 8, in.n - 8);
	in.p[0] = 'A';
	in.p[8] = ' ';
	pass(&text, 5, 200000, &paper);
	assert_int_equal(paper.text.n, 0);
	buf_free(&in);
	buf_free(&paper.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
