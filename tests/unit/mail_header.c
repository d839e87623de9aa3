/* SPDX-License-Identifier: ISC */
/* Collecting and reading header blocks: limits, folding, hop counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "mail/header.h"

#define L(lit)	{ (lit), sizeof(lit) - 1 }

struct field_row {
	struct str	in;
	unsigned	fields;		/* that can be read */
	struct str	name, value;	/* of the last one */
	struct str	left;		/* where reading stops */
};

static void
test_next(void **state)
{
	static const struct field_row rows[] = {
		{ L("A: b\r\n\r\nbody"), 1, L("A"), L(" b"),
		    L("\r\nbody") },
		{ L("A: b\nC:d\n\nbody"), 2, L("C"), L("d"), L("\nbody") },
		{ L("A:\r\n b\r\n\tc\r\nD: e\r\n"), 2, L("D"), L(" e"), L("") },
		{ L("A: b\r\n c\r\n"), 1, L("A"), L(" b\r\n c"), L("") },
		{ L("A: b\r\n \r\n c\r\n"), 1, L("A"), L(" b\r\n \r\n c"),
		    L("") },
		{ L("A: b"), 1, L("A"), L(" b"), L("") },
		{ L("A:"), 1, L("A"), L(""), L("") },
		{ L("A \t: b\r\n"), 1, L("A"), L(" b"), L("") },
		{ L("X-a!#1: b:c\r\n"), 1, L("X-a!#1"), L(" b:c"), L("") },
		{ L("A: b\rc\r\n"), 1, L("A"), L(" b\rc"), L("") },
		{ L("A: \0\xff\r\n"), 1, L("A"), L(" \0\xff"), L("") },
		/* malformed */
		{ L(""), 0, L(""), L(""), L("") },
		{ L("\r\n"), 0, L(""), L(""), L("\r\n") },
		{ L(": b\r\n"), 0, L(""), L(""), L(": b\r\n") },
		{ L(" A: b\r\n"), 0, L(""), L(""), L(" A: b\r\n") },
		{ L("A b: c\r\n"), 0, L(""), L(""), L("A b: c\r\n") },
		{ L("A\r\n: c\r\n"), 0, L(""), L(""), L("A\r\n: c\r\n") },
		{ L("A"), 0, L(""), L(""), L("A") },
		{ L("\xc3\xa4: b\r\n"), 0, L(""), L(""),
		    L("\xc3\xa4: b\r\n") },
		{ L("A\0: b\r\n"), 0, L(""), L(""), L("A\0: b\r\n") },
		{ L("From a@b Mon\r\nA: b\r\n"), 0, L(""), L(""),
		    L("From a@b Mon\r\nA: b\r\n") },
		{ L("A: b\r\nno field\r\n"), 1, L("A"), L(" b"),
		    L("no field\r\n") },
	};
	struct header_field f, last;
	struct str rest;
	size_t i, raw;
	unsigned n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rest = rows[i].in;
		memset(&last, 0, sizeof(last));
		for (n = 0, raw = 0; header_next(&rest, &f); n++) {
			last = f;
			raw += f.raw.n;
		}
		if (n != rows[i].fields || !str_eq(last.name, rows[i].name) ||
		    !str_eq(last.value, rows[i].value) ||
		    !str_eq(rest, rows[i].left) ||
		    raw + rest.n != rows[i].in.n)
			fail_msg("row %zu: %s", i, rows[i].in.p);
	}
}

static void
test_find(void **state)
{
	struct str block = STR("To: a\r\nSUBJECT: one\r\nSubject: two\r\n\r\n"
	    "Cc: body\r\n");
	struct header_field f;

	(void)state;
	assert_true(header_find(block, STR("subject"), &f));
	assert_true(str_eq(f.value, STR(" one")));
	assert_true(str_eq(f.raw, STR("SUBJECT: one\r\n")));
	assert_false(header_find(block, STR("Cc"), &f));
	assert_false(header_find(block, STR("Subjec"), &f));
	assert_false(header_find(STR_NONE, STR("A"), &f));
}

static void
test_unfold(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },
		{ "  a  ", "a" },
		{ " a\r\n b", "a b" },
		{ " a\n\tb\n c", "a\tb c" },
		{ "\r\n a\r\n ", "a" },
		{ " \r\n \r\n", "" },
		{ "a\r\n \r\n b", "a  b" },
		{ "a\rb", "a\rb" },
	};
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		buf_putz(&b, "x");
		header_unfold(&b, str_of(rows[i].in));
		assert_string_equal(buf_cstr(&b) + 1, rows[i].out);
	}
	buf_free(&b);
}

/* Feeds from an exact heap copy. */
static void
feed(struct header_collector *h, struct str s)
{
	char *copy = mem_copy(s.p, s.n);
	struct fault why;

	assert_int_equal(sink_write(&h->sink, str_span(copy, s.n), &why), 0);
	mem_free(copy);
}

static void
test_collect(void **state)
{
	static const struct {
		struct str	in, block;
		bool		complete;
		unsigned	fields, received;
	} rows[] = {
		{ L("A: b\r\n\r\nbody\r\n"), L("A: b\r\n\r\n"), 1, 1, 0 },
		{ L("A: b\n\nReceived: x\n"), L("A: b\n\n"), 1, 1, 0 },
		{ L("Received: a\r\n b\r\nreceived : c\r\nX-Received: d\r\n"
		    "RECEIVED:\r\n\r\nReceived: e\r\n"),
		    L("Received: a\r\n b\r\nreceived : c\r\nX-Received: d\r\n"
		    "RECEIVED:\r\n\r\n"), 1, 4, 3 },
		{ L("A: b\r\nno field\r\nC: d\r\n"), L("A: b\r\n"), 1, 1, 0 },
		{ L("no header\r\n\r\n"), L(""), 1, 0, 0 },
		{ L(" leading\r\nA: b\r\n"), L(""), 1, 0, 0 },
		{ L("\r\nA: b\r\n"), L("\r\n"), 1, 0, 0 },
		{ L("A: b\r\nC: d"), L("A: b\r\nC: d"), 0, 2, 0 },
		{ L("A: b\r\n c"), L("A: b\r\n c"), 0, 1, 0 },
		{ L("A: b\r\nbody"), L("A: b\r\n"), 1, 1, 0 },
		{ L("A: b\r\n\r"), L("A: b\r\n"), 1, 1, 0 },
		{ L(""), L(""), 0, 0, 0 },
	};
	struct header_collector h;
	size_t i, k;

	(void)state;
	header_collector_init(&h);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (k = 0; k <= rows[i].in.n; k++) {
			header_collector_reset(&h);
			feed(&h, str_slice(rows[i].in, 0, k));
			feed(&h, str_from(rows[i].in, k));
			header_collector_finish(&h);
			assert_true(str_starts(rows[i].in, buf_str(&h.block)));
			assert_true(str_starts(str_from(rows[i].in, h.block.n),
			    buf_str(&h.over)));
			assert_int_equal(h.over.n > 0, h.complete &&
			    h.block.n < rows[i].in.n && (h.block.n < 2 ||
			    !str_ends(buf_str(&h.block), STR("\n\r\n"))) &&
			    !str_ends(buf_str(&h.block), STR("\n\n")) &&
			    !str_eq(buf_str(&h.block), STR("\r\n")));
			if (!str_eq(buf_str(&h.block), rows[i].block) ||
			    h.complete != rows[i].complete ||
			    h.fields != rows[i].fields ||
			    h.received != rows[i].received || h.too_big)
				fail_msg("row %zu, split at %zu", i, k);
		}
	}
	header_collector_free(&h);
}

static void
test_too_many_fields(void **state)
{
	struct header_collector h;
	unsigned i;

	(void)state;
	header_collector_init(&h);
	for (i = 0; i < HEADER_FIELDS_MAX; i++)
		feed(&h, STR("Received: x\r\n y\r\n"));
	assert_false(h.too_big);
	assert_int_equal(h.received, HEADER_FIELDS_MAX);
	feed(&h, STR("A: b\r\n"));
	assert_true(h.too_big);
	assert_false(h.complete);
	assert_int_equal(h.block.n, HEADER_FIELDS_MAX * 17);
	feed(&h, STR("\r\nbody"));
	assert_int_equal(h.block.n, HEADER_FIELDS_MAX * 17);
	header_collector_free(&h);
}

/* The limit of octets, met in different lines: big says what it must be. */
static void
fill(struct header_collector *h, const char *line, size_t times)
{
	size_t i;

	for (i = 0; i < times; i++)
		feed(h, str_of(line));
}

static void
test_too_long(void **state)
{
	static const struct {
		const char	*head, *line;
		size_t		 times;
		bool		 too_big, complete;
	} rows[] = {
		{ "A: b\r\n", " folded\r\n", 100000, true, false },
		{ "A: b", "xxxxxxxxx", 100000, true, false },
		{ "A: b\r\n", "xxxxxxxxx", 100000, true, false },
		{ "A: b\r\n", "xxxx xxxx", 100000, false, true },
		{ "", "xxxx xxxx", 100000, false, true },
		{ "A: b\r\n", "xxxx xxxx", 10, false, true },
	};
	struct header_collector h;
	size_t i;

	(void)state;
	header_collector_init(&h);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		header_collector_reset(&h);
		feed(&h, str_of(rows[i].head));
		fill(&h, rows[i].line, rows[i].times);
		header_collector_finish(&h);
		assert_true(h.block.n <= HEADER_SIZE_MAX);
		if (h.too_big != rows[i].too_big ||
		    h.complete != rows[i].complete)
			fail_msg("row %zu", i);
	}
	header_collector_free(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_unfold),
		cmocka_unit_test(test_collect),
		cmocka_unit_test(test_too_many_fields),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
