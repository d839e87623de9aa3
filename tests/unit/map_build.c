/* SPDX-License-Identifier: ISC */
/*
 * map/build: what an aliases file says and which of its lines are complained
 * about; and the pieces of a right-hand side.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/table.h"
#include "map/build.h"
#include "map/db.h"

/* Entries as "key=value;", warnings as "!line;", in the order they came. */
struct record {
	struct buf	told;
	struct arena	arena;
	struct table	keys;
};

static int
take(void *ctx, struct str key, struct str value, bool *duplicate,
    struct fault *why)
{
	struct record *r = ctx;

	(void)why;
	if (table_find(&r->keys, key) != NULL) {
		*duplicate = true;
		return 0;
	}
	table_put(&r->keys, arena_str(&r->arena, key), r);
	buf_puts(&r->told, key);
	buf_putc(&r->told, '=');
	buf_puts(&r->told, value);
	buf_putc(&r->told, ';');
	return 0;
}

static void
complain(void *ctx, unsigned line, const char *text)
{
	struct record *r = ctx;

	assert_true(strlen(text) > 10);
	buf_printf(&r->told, "!%u;", line);
}

static void
record_free(struct record *r)
{
	table_free(&r->keys);
	arena_free(&r->arena);
	buf_free(&r->told);
}

struct row {
	const char	*name;
	const char	*source;
	const char	*told;
};

static void
check_rows(const struct row *row, size_t n)
{
	struct build_report report;
	struct record r;
	struct fault why;
	size_t i;

	for (i = 0; i < n; i++) {
		memset(&r, 0, sizeof(r));
		assert_int_equal(build_parse(str_of(row[i].source), take,
		    complain, &r, &report, &why), 0);
		if (strcmp(buf_cstr(&r.told), row[i].told) != 0)
			print_error("%s: \"%s\"\n", row[i].name,
			    buf_cstr(&r.told));
		assert_string_equal(buf_cstr(&r.told), row[i].told);
		record_free(&r);
	}
}

static void
entries(void **state)
{
	static const struct row rows[] = {
		{ "nothing", "", "" },
		{ "only comments", "# a: b\n\n  \t\n  # c\n", "" },
		{ "one", "root: admin\n", "root=admin;" },
		{ "no end of line", "root: admin", "root=admin;" },
		{ "carriage returns", "a: b\r\n c\r\n\r\nd:e\r\n",
		    "a=b c;!1;d=e;" },
		{ "list", "a: b, c@example.org", "a=b, c@example.org;" },
		{ "lower case", "PostMaster: Root@Example.ORG",
		    "postmaster=Root@Example.ORG;" },
		{ "blanks at the colon", "a \t:b", "a=b;" },
		{ "no blank", "a:b", "a=b;" },
		{ "continued", "a: b,\n\tc,\n d\ne: f",
		    "a=b,\tc, d;e=f;" },
		{ "value below", "a:\n b", "a=b;" },
		{ "comment between", "a: b,\n# not me\n\n  # nor me\n c",
		    "a=b, c;" },
		{ "quoted name", "\"a b\": c", "a b=c;" },
		{ "quote in name", "\"A \\\"b\\\\\": c", "a \"b\\=c;" },
		{ "colon in name", "\"a:b\": c", "a:b=c;" },
		{ "quoted value", "a: \"b c\"@example.org, d",
		    "a=\"b c\"@example.org, d;" },
		{ "display name", "a: Alice B <alice@example.org>",
		    "a=Alice B <alice@example.org>;" },
		{ "comment in value", "a: b (c, d)", "a=b (c, d);" },
		{ "include", "a: :include:/etc/list", "a=:include:/etc/list;" },
		{ "backslash", "root: \\root, admin",
		    "root=\\root, admin;" },
		{ "extension", "a+b: c", "a+b=c;" },
		{ "no ascii", "m\303\274ller: a", "m\303\274ller=a;" },
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
malformed(void **state)
{
	static const struct row rows[] = {
		{ "no colon", "root admin\na: b", "!1;a=b;" },
		{ "only a name", "root\na: b", "!1;a=b;" },
		{ "two words", "a b: c", "!1;" },
		{ "empty name", ": a\n\"\": a", "!1;!2;" },
		{ "no value", "a:\nb: \n \nc: d", "!1;!2;c=d;" },
		{ "not local", "a@example.org: b", "!1;" },
		{ "quote has no end", "\"a: b\nc: d", "!1;c=d;" },
		{ "starts continued", "  a: b\nc: d", "!1;c=d;" },
		{ "duplicate", "a: b\n\nA: c\na:\n d", "a=b;!3;!4;" },
		{ "control", "a: b\001\nc: d", "!1;c=d;" },
		{ "not UTF-8", "a: b\377\nc: d", "!1;c=d;" },
		{ "line numbers", "\n#\na: b,\n c\n\nd\ne:f\n g,\n h@@\n",
		    "a=b, c;!6;e=f g, h@@;!7;" },
		{ "kept: program", "a: |cmd\nb: \"|cmd x, y\"",
		    "a=|cmd;!1;b=\"|cmd x, y\";!2;" },
		{ "kept: file", "a: /dev/null", "a=/dev/null;!1;" },
		{ "kept: address", "a: b, @, c", "a=b, @, c;!1;" },
		{ "kept: null path", "a: <>", "a=<>;!1;" },
		{ "kept: quote", "a: b, \"c", "a=b, \"c;!1;" },
		{ "kept: comment", "a: b, (c", "a=b, (c;!1;" },
		{ "kept: include", "a: :include:list\nb: :include:",
		    "a=:include:list;!1;b=:include:;!2;" },
		{ "warned once", "a: |b, /c, @", "a=|b, /c, @;!1;" },
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void
a_long_name_is_left_out(void **state)
{
	struct build_report report;
	struct record r = { 0 };
	struct fault why;
	char source[400];

	(void)state;
	memset(source, 'a', sizeof(source));
	memcpy(source + sizeof(source) - 4, ": b", 4);
	assert_int_equal(build_parse(str_of(source), take, complain, &r,
	    &report, &why), 0);
	assert_string_equal(buf_cstr(&r.told), "!1;");
	assert_int_equal(report.warnings, 1);
	record_free(&r);
}

static void
pieces(void **state)
{
	static const struct {
		const char	*list;
		const char	*pieces;	/* kind, text; "-" malformed */
	} rows[] = {
		{ "", "" },
		{ " , ,", "" },
		{ "a", "0a;" },
		{ " a , b ", "0a;0b;" },
		{ "\"a,b\", c", "0\"a,b\";0c;" },
		{ "\"a\\\",b\", c", "0\"a\\\",b\";0c;" },
		{ "a (b, (c)), d", "0a (b, (c));0d;" },
		{ "a (\\)), d", "0a (\\));0d;" },
		{ "\\root, a", "1root;0a;" },
		{ "a\\,b", "0a\\,b;" },
		{ "|cmd a", "2cmd a;" },
		{ "\"| cmd a, b\"", "2cmd a, b;" },
		{ "\"|a \\\"b\\\"\"", "2a \"b\";" },
		{ "/dev/null", "3/dev/null;" },
		{ "\"/a b\"", "3/a b;" },
		{ "\"/a b\"@c", "0\"/a b\"@c;" },
		{ ":include:/a", "4/a;" },
		{ ":Include: /a, b", "4/a;0b;" },
		{ "\":include:/a b\"", "4/a b;" },
		{ "\"\"", "0\"\";" },
		{ "\\", "1;" },
		{ "a, \"b", "0a;-" },
		{ "a, b (c", "0a;-" },
		{ "\"\\", "-" },
		{ "(\\", "-" },
	};
	struct arena arena = { 0 };
	struct build_target t;
	struct str rest;
	struct buf b;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&b);
		rest = str_of(rows[i].list);
		while ((r = build_cut(&arena, &rest, &t)) == 1)
			buf_printf(&b, "%u%.*s;", (unsigned)t.kind,
			    STR_ARG(t.text));
		if (r == -1)
			buf_putc(&b, '-');
		assert_string_equal(buf_cstr(&b), rows[i].pieces);
		buf_free(&b);
	}
	arena_free(&arena);
}

static void
ignore(void *ctx, unsigned line, const char *text)
{
	unsigned *last = ctx;

	(void)text;
	*last = line;
}

static void
spell_out(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
compiles_a_file(void **state)
{
	char dir[] = "/tmp/map_build.XXXXXX", path[64], link[64], db[80];
	struct arena arena = { 0 };
	struct build_report report;
	struct fault why;
	struct str value;
	struct map *m;
	unsigned line = 0;
	bool missing;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/aliases.real", dir);
	snprintf(link, sizeof(link), "%s/aliases", dir);
	snprintf(db, sizeof(db), "%s.db", link);
	assert_int_equal(build_aliases(link, ignore, &line, &report, &why),
	    -1);
	spell_out(path, "Root: admin@example.org\nroot: x\na: b, ccc\n");
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(build_aliases(link, ignore, &line, &report, &why),
	    0);
	assert_int_equal(line, 2);
	assert_int_equal(report.entries, 2);
	assert_int_equal(report.warnings, 1);
	assert_int_equal(report.longest, strlen("admin@example.org"));
	assert_int_equal(report.bytes, strlen("admin@example.orgb, ccc"));

	m = db_open(db, &missing, &why);
	assert_non_null(m);
	assert_int_equal(map_find(m, &arena, STR("root"), &value, &why), 1);
	assert_true(str_eq(value, STR("admin@example.org")));
	assert_int_equal(map_find(m, &arena, STR("@"), &value, &why), 1);
	assert_true(str_eq(value, STR("@")));
	map_close(m);

	/* What cannot be read leaves the compiled map alone. */
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(build_aliases(link, NULL, NULL, &report, &why), -1);
	assert_int_equal(access(db, F_OK), 0);
	arena_free(&arena);
	unlink(db);
	unlink(link);
	rmdir(path);
	assert_int_equal(rmdir(dir), 0);
}

static int
refuse(void *ctx, struct str key, struct str value, bool *duplicate,
    struct fault *why)
{
	(void)ctx;
	(void)key;
	(void)value;
	(void)duplicate;
	return fault_temporary(why, 452, 3, 1, "full");
}

static void
a_failing_taker_ends_it(void **state)
{
	struct build_report report;
	struct fault why;

	(void)state;
	assert_int_equal(build_parse(STR("a: b\nc: d\n"), refuse, NULL, NULL,
	    &report, &why), -1);
	assert_int_equal(why.reply, 452);
	assert_int_equal(report.entries, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
		cmocka_unit_test(malformed),
		cmocka_unit_test(a_long_name_is_left_out),
		cmocka_unit_test(pieces),
		cmocka_unit_test(compiles_a_file),
		cmocka_unit_test(a_failing_taker_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
