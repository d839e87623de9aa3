/* SPDX-License-Identifier: ISC */
/*
 * The configuration's language: statements, words, quotes, blocks, and what is
 * said about each way to get them wrong.  A parsed text is compared as a dump:
 * "LINE:COLUMN word|word;" for a statement, ">" for each block around it, "{"
 * behind one that has a block.
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

#include "conf/reader.h"

static void
dump(const statement_vec *list, struct buf *out)
{
	const struct statement *s;
	size_t i, j;
	unsigned d;

	for (i = 0; i < list->n; i++) {
		s = &list->p[i];
		for (d = 0; d < s->depth; d++)
			buf_putc(out, '>');
		buf_printf(out, "%u:%u ", s->place.line, s->place.column);
		for (j = 0; j < s->words.n; j++)
			buf_printf(out, "%s%.*s", j > 0 ? "|" : "",
			    STR_ARG(s->words.p[j].text));
		buf_putz(out, s->block ? "{;" : ";");
	}
}

/* Parses and dumps; the errors are appended to errors. */
static void
parse(struct str text, struct buf *out, struct buf *errors)
{
	struct arena arena;
	statement_vec list = { NULL, 0, 0 };
	struct reader_errors e;

	arena_init(&arena);
	reader_errors_init(&e, "f", errors);
	reader_parse(&arena, text, &list, &e);
	dump(&list, out);
	arena_free(&arena);
}

static const struct {
	const char *name, *text, *expected;
} good[] = {
	{ "nothing", "", "" },
	{ "blank lines", "\n \t\n\n", "" },
	{ "one word", "a", "1:1 a;" },
	{ "two lines", "a b\n  c\td\n", "1:1 a|b;2:3 c|d;" },
	{ "crlf", "a\r\nb c\r\n", "1:1 a;2:1 b|c;" },
	{ "comments", "# x\na # b c\n#\nd#e f\n", "2:1 a;4:1 d#e|f;" },
	{ "quotes in comment", "a # \"b\\\nc", "1:1 a;2:1 c;" },
	{ "quoted", "a \"b c\" \"\"", "1:1 a|b c|;" },
	{ "escapes", "a \"\\\"b\\\\\" c", "1:1 a|\"b\\|c;" },
	{ "quoted hash", "\"#a\" \"{\" \"}\"", "1:1 #a|{|};" },
	{ "goes on", "a \\\n  b\\\nc\nd", "1:1 a|b|c;4:1 d;" },
	{ "goes on with crlf", "a \\\r\n b\r\nc", "1:1 a|b;3:1 c;" },
	{ "goes on behind quotes", "a \"b\"\\\nc", "1:1 a|b|c;" },
	{ "goes on into a comment", "a \\\n# x\nb", "1:1 a;3:1 b;" },
	{ "block", "a b {\n c d\n e\n}\nf",
	    "1:1 a|b{;>2:2 c|d;>3:2 e;5:1 f;" },
	{ "block on a line", "a { b c }\nd", "1:1 a{;>1:5 b|c;2:1 d;" },
	{ "empty block", "a {\n}\n", "1:1 a{;" },
	{ "blocks in blocks", "a { b { c\n } }\nd {\ne {\n}\nf\n}",
	    "1:1 a{;>1:5 b{;>>1:9 c;3:1 d{;>4:1 e{;>6:1 f;" },
	{ "braces in words", "a{ }b x{y}", "1:1 a{|}b|x{y};" },
	{ "columns are characters", "\xc3\xa9\xc3\xa9 {\n} # \xc3\xa9",
	    "1:1 \xc3\xa9\xc3\xa9{;" },
	{ "byte order mark", "\xef\xbb\xbf" "a b", "1:1 a|b;" },
};

static void
test_good(void **state)
{
	struct buf out, errors;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		buf_init(&out);
		buf_init(&errors);
		parse(str_of(good[i].text), &out, &errors);
		if (errors.n > 0 ||
		    strcmp(buf_cstr(&out), good[i].expected) != 0)
			fail_msg("%s: %s %s", good[i].name, buf_cstr(&out),
			    buf_cstr(&errors));
		buf_free(&out);
		buf_free(&errors);
	}
}

#define TEXT(lit)	{ (lit), sizeof(lit) - 1 }

/* What is left of a malformed text, and every word that is said about it. */
static const struct {
	const char *name;
	struct str text;
	const char *expected, *errors;
} malformed[] = {
	{ "open quote", TEXT("a \"b\nc"), "2:1 c;",
	    "f:1:5: expected a closing quote, got the end of the line\n" },
	{ "open quote at the end", TEXT("a \""), "",
	    "f:1:4: expected a closing quote, got the end of the line\n" },
	{ "backslash before the end", TEXT("a \"\\"), "",
	    "f:1:4: expected \\\" or \\\\ for a quote or a backslash, got "
	    "another escape\n" },
	{ "other escape", TEXT("a \"\\n\"\nb"), "2:1 b;",
	    "f:1:4: expected \\\" or \\\\ for a quote or a backslash, got "
	    "another escape\n" },
	{ "no blank behind quote", TEXT("a \"b\"c"), "",
	    "f:1:6: expected a blank behind the closing quote\n" },
	{ "no blank before quote", TEXT("a b\"c\""), "",
	    "f:1:4: expected a blank before the quote; quote the whole "
	    "word\n" },
	{ "backslash within", TEXT("a b\\c\nd"), "2:1 d;",
	    "f:1:4: expected the end of the line behind the backslash; quote "
	    "a word that has one\n" },
	{ "backslash and blank", TEXT("a \\ \nd"), "2:1 d;",
	    "f:1:3: expected the end of the line behind the backslash; quote "
	    "a word that has one\n" },
	{ "backslash at the end", TEXT("a \\"), "",
	    "f:1:3: expected the end of the line behind the backslash; quote "
	    "a word that has one\n" },
	{ "no name", TEXT("a\n {\nb\n}\n"), "1:1 a;>3:1 b;",
	    "f:2:2: expected a name before {\n" },
	{ "open block", TEXT("a {\nb {\n}\n"), "1:1 a{;>2:1 b{;",
	    "f:1:3: expected } for this {, got the end of the file\n" },
	{ "closed too often", TEXT("a {\n}\n}\nb"), "1:1 a{;4:1 b;",
	    "f:3:1: this } closes no block\n" },
	{ "words behind block", TEXT("a {\n} b c\nd"), "1:1 a{;3:1 d;",
	    "f:2:3: expected the end of the line behind }\n" },
	{ "too deep", TEXT("a { a { a { a { a { a { a { a { a {\n"
	    "} } } } } } } } }\nb"), NULL,
	    "f:1:35: expected at most 8 blocks within each other\n" },
	{ "NUL", TEXT("a\0b"), "",
	    "f:1:2: expected a text, got the control character 0x00\n" },
	{ "lone CR", TEXT("a\nb\rc"), "",
	    "f:2:2: expected a text, got the control character 0x0d\n" },
	{ "CR at the end", TEXT("a\r"), "",
	    "f:1:2: expected a text, got the control character 0x0d\n" },
	{ "not UTF-8", TEXT("\xc3\xa9 \xff"), "",
	    "f:1:3: expected a text in UTF-8, got other bytes\n" },
	{ "two errors", TEXT("a \"\nb\nc\\d\n"), "2:1 b;",
	    "f:1:4: expected a closing quote, got the end of the line\n"
	    "f:3:2: expected the end of the line behind the backslash; quote "
	    "a word that has one\n" },
};

static void
test_malformed(void **state)
{
	struct buf out, errors;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		buf_init(&out);
		buf_init(&errors);
		parse(malformed[i].text, &out, &errors);
		if (strcmp(buf_cstr(&errors), malformed[i].errors) != 0 ||
		    (malformed[i].expected != NULL &&
		    strcmp(buf_cstr(&out), malformed[i].expected) != 0))
			fail_msg("%s: %s %s", malformed[i].name,
			    buf_cstr(&out), buf_cstr(&errors));
		buf_free(&out);
		buf_free(&errors);
	}
}

static void
test_too_many_errors(void **state)
{
	struct buf text, out, errors;
	size_t i, lines = 0;

	(void)state;
	buf_init(&text);
	buf_init(&out);
	buf_init(&errors);
	for (i = 0; i < 10 * READER_ERRORS_MAX; i++)
		buf_putz(&text, "\"\n");
	parse(buf_str(&text), &out, &errors);
	for (i = 0; i < errors.n; i++)
		lines += errors.p[i] == '\n';
	assert_int_equal(lines, READER_ERRORS_MAX + 1);
	assert_true(str_ends(buf_str(&errors), STR("f: too many errors\n")));
	buf_free(&text);
	buf_free(&out);
	buf_free(&errors);
}

static void
test_words_round_trip(void **state)
{
	static const char *const words[] = { "a", "", "a b", "#", "a#", "{",
	    "}", "a\"b", "\\", "tab\there", "{}" };
	struct buf text, out, errors, wanted;
	size_t i;

	(void)state;
	buf_init(&text);
	buf_init(&out);
	buf_init(&errors);
	buf_init(&wanted);
	buf_putz(&wanted, "1:1 x");
	buf_putc(&text, 'x');
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		buf_putc(&text, ' ');
		reader_put_word(&text, str_of(words[i]));
		buf_printf(&wanted, "|%s", words[i]);
	}
	buf_putc(&wanted, ';');
	parse(buf_str(&text), &out, &errors);
	assert_string_equal(buf_cstr(&errors), "");
	assert_string_equal(buf_cstr(&out), buf_cstr(&wanted));
	buf_free(&text);
	buf_free(&out);
	buf_free(&errors);
	buf_free(&wanted);
}

static void
test_nearest(void **state)
{
	static const char *const known[] = { "hostname", "hops", "size", "on",
	    NULL };

	(void)state;
	assert_string_equal(reader_nearest(STR("hostnam"), known),
	    "hostname");
	assert_null(reader_nearest(STR("HOPS"), known));
	assert_string_equal(reader_nearest(STR("hosp"), known), "hops");
	assert_string_equal(reader_nearest(STR("no"), known), "on");
	assert_null(reader_nearest(STR("x"), known));
	assert_null(reader_nearest(STR("xyzzy"), known));
	assert_null(reader_nearest(STR(""), known));
	assert_null(reader_nearest(STR("hostnamehostnamehostnamehostname"
	    "hostnamehostnamehostnamehostnamehostname"), known));
}

static void
test_quoted_is_cut(void **state)
{
	struct buf out;
	char word[100];

	(void)state;
	buf_init(&out);
	memset(word, 'a', sizeof(word));
	reader_put_quoted(&out, str_span(word, 64));
	assert_int_equal(out.n, 66);
	buf_reset(&out);
	memcpy(word + 63, "\xc3\xa9", 2);
	reader_put_quoted(&out, str_span(word, sizeof(word)));
	assert_int_equal(out.n, 63 + 5);
	assert_true(str_ends(buf_str(&out), STR("a...\"")));
	buf_free(&out);
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int
load(const char *path, bool may_be_missing, struct buf *text,
    struct buf *errors)
{
	struct reader_errors e;
	int result;

	buf_reset(text);
	buf_reset(errors);
	reader_errors_init(&e, path, errors);
	result = reader_load(path, may_be_missing, text, &e);
	assert_int_equal(result == -1, e.n > 0);
	return result;
}

static void
test_load(void **state)
{
	char dir[] = "/tmp/conf_reader.XXXXXX", path[64], other[64];
	struct buf text, errors;

	(void)state;
	buf_init(&text);
	buf_init(&errors);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/conf", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(load(path, true, &text, &errors), 0);
	assert_int_equal(load(path, false, &text, &errors), -1);
	assert_true(str_starts(buf_str(&errors), STR("open ")));
	write_file(path, "hello\n", 0644);
	assert_int_equal(load(path, true, &text, &errors), 1);
	assert_string_equal(buf_cstr(&text), "hello\n");
	write_file(path, "", 0644);
	assert_int_equal(load(path, true, &text, &errors), 1);
	assert_int_equal(text.n, 0);
	assert_int_equal(truncate(path, READER_FILE_MAX + 1), 0);
	assert_int_equal(load(path, true, &text, &errors), -1);
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(load(other, true, &text, &errors), -1);
	unlink(other);
	assert_int_equal(mkfifo(other, 0600), 0);
	assert_int_equal(load(other, true, &text, &errors), -1);
	assert_int_equal(load(dir, true, &text, &errors), -1);
	unlink(other);
	unlink(path);
	rmdir(dir);
	buf_free(&text);
	buf_free(&errors);
}

/* Who may write the file may become root: only root may, then. */
static void
test_load_owner(void **state)
{
	char dir[] = "/tmp/conf_reader.XXXXXX", path[64];
	struct buf text, errors;
	int refused = geteuid() == 0 ? -1 : 1;

	(void)state;
	buf_init(&text);
	buf_init(&errors);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/conf", dir);
	write_file(path, "a\n", 0620);
	assert_int_equal(load(path, false, &text, &errors), refused);
	write_file(path, "a\n", 0602);
	assert_int_equal(load(path, false, &text, &errors), refused);
	write_file(path, "a\n", 0640);
	assert_int_equal(load(path, false, &text, &errors), 1);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 0), 0);
		assert_int_equal(load(path, false, &text, &errors), -1);
		assert_true(str_ends(buf_str(&errors), STR(
		    ": must belong to root, not to user 65534\n")));
	}
	unlink(path);
	rmdir(dir);
	buf_free(&text);
	buf_free(&errors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_too_many_errors),
		cmocka_unit_test(test_words_round_trip),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_quoted_is_cut),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
