/* SPDX-License-Identifier: ISC */
/*
 * map/flat: text files as maps, good ones and malformed ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map/flat.h"

static char path[] = "/tmp/godwit-flat-XXXXXX";

static struct map *
load(const char *text, enum flat_kind kind, struct buf *errors)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	buf_reset(errors);
	return flat_load(path, kind, errors);
}

static const struct {
	enum flat_kind kind;
	const char *text, *key;
	const char *value;		/* NULL: not there */
} rows[] = {
	{ FLAT_NAMES, "", "a", NULL },
	{ FLAT_NAMES, "\n \n\t\n# a\n", "a", NULL },
	{ FLAT_NAMES, "a", "a", "" },
	{ FLAT_NAMES, "a\n", "a", "" },
	{ FLAT_NAMES, "a\r\nb\r\n", "b", "" },
	{ FLAT_NAMES, "  MX.Example  the first  \n", "mx.example",
	    "the first" },
	{ FLAT_NAMES, "a # b\n", "a", "" },
	{ FLAT_NAMES, "a#b\n", "a#b", "" },
	{ FLAT_NAMES, "a x # b\n", "a", "x" },
	{ FLAT_NAMES, "#a\n", "a", NULL },
	{ FLAT_NAMES, "*.example.org", "*.example.org", "" },
	{ FLAT_NAMES, "bücher.example", "xn--bcher-kva.example", "" },
	{ FLAT_ADDRESSES, "Ann@Example.ORG", "ann@example.org", "" },
	{ FLAT_ADDRESSES, "@example.org", "@example.org", "" },
	{ FLAT_ADDRESSES, "*@example.org", "@example.org", "" },
	{ FLAT_ADDRESSES, "@*.example.org", "*.example.org", "" },
	{ FLAT_ADDRESSES, "*@*.example.org", "*.example.org", "" },
	{ FLAT_ADDRESSES, "*.example.org", "*.example.org", "" },
	{ FLAT_ADDRESSES, "example.org", "example.org", "" },
	{ FLAT_ADDRESSES, "<>", "<>", "" },
	{ FLAT_ADDRESSES, "a@bücher.example", "a@xn--bcher-kva.example",
	    "" },
	{ FLAT_ADDRESSES, "a@[192.0.2.1]", "a@[192.0.2.1]", "" },
	{ FLAT_LOGINS, "bob a@b, @c  # d", "bob", "a@b, @c" },
	{ FLAT_LOGINS, "Bob a@b", "bob", "a@b" },
	{ FLAT_LOGINS, "Bob a@b", "Bob", NULL },
	{ FLAT_LOGINS, "bob@B.example", "bob@b.example", "" },
	{ FLAT_LOGINS, "J\u00f6@b\u00fccher.example", "j\u00f6@xn--bcher-kva.example", "" },
	{ FLAT_USERS, "Jo\u0308@Example.org x", "j\u00f6@example.org", "x" },
	{ FLAT_USERS, "@Example.org", "@example.org", "" },
	{ FLAT_USERS, "*@Example.org", "@example.org", "" },
	{ FLAT_USERS, "*@*.Example.org", "*.example.org", "" },
	{ FLAT_USERS, "*.Example.org", "*.example.org", "" },
	{ FLAT_USERS, "Example.org", "example.org", "" },
	{ FLAT_USERS, "@b\u00fccher.example", "@xn--bcher-kva.example", "" },
	{ FLAT_USERS, "DOMAIN\\ann", "domain\\ann", "" },
	{ FLAT_USERS, "ann@my_realm", "ann@my_realm", "" },
	{ FLAT_LOGINS, "* *@*.example", "*", "*@*.example" },
};

static void
test_rows(void **state)
{
	struct arena arena = { 0 };
	struct buf errors = { 0 };
	struct str value;
	struct fault why;
	struct map *m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m = load(rows[i].text, rows[i].kind, &errors);
		if (m == NULL)
			fail_msg("row %zu: %s", i, buf_cstr(&errors));
		value = STR("untouched");
		if (map_find(m, &arena, str_of(rows[i].key), &value, &why) !=
		    (rows[i].value != NULL))
			fail_msg("row %zu: %s", i, rows[i].key);
		if (rows[i].value != NULL)
			assert_true(str_eq(value, str_of(rows[i].value)));
		map_close(m);
	}
	arena_free(&arena);
	buf_free(&errors);
}

static void
test_lines_and_words(void **state)
{
	static const struct str text = { " ,a, b\t,,c,", 11 };
	struct buf errors = { 0 };
	struct str rest = text, word;
	struct map *m = load("# x\nbob *\n\nann *\n", FLAT_LOGINS, &errors);

	(void)state;
	assert_non_null(m);
	assert_int_equal(flat_line(m, STR("bob")), 2);
	assert_int_equal(flat_line(m, STR("ann")), 4);
	assert_int_equal(flat_line(m, STR("joe")), 0);
	map_close(m);
	/* With a value or without one. */
	m = load("a.example\n\n*.B.example yes\n", FLAT_NAMES, &errors);
	assert_non_null(m);
	assert_int_equal(flat_line(m, STR("a.example")), 1);
	assert_int_equal(flat_line(m, STR("*.b.example")), 3);
	map_close(m);
	for (const char *c = "abc"; *c != '\0'; c++) {
		assert_true(flat_word(&rest, &word));
		assert_int_equal(word.n, 1);
		assert_int_equal(word.p[0], *c);
	}
	assert_false(flat_word(&rest, &word));
	buf_free(&errors);
}

static const struct {
	enum flat_kind kind;
	const char *text, *errors;
} malformed[] = {
	{ FLAT_NAMES, "a\nb\nA\n", ":3:1: expected a key that is not there "
	    "yet, got \"A\"\n" },
	{ FLAT_NAMES, "a\nb\x01\n", ":2:1: expected a text in UTF-8\n" },
	{ FLAT_NAMES, "a\n\xff\n", ":2:1: expected a text in UTF-8\n" },
	{ FLAT_NAMES, "bü..cher", ":1:1: expected a name, got "
	    "\"bü..cher\"\n" },
	{ FLAT_ADDRESSES, "x\n  a@\n", ":2:3: expected an address, @DOMAIN, "
	    "a domain, *.DOMAIN or <>, got \"a@\"\n" },
	{ FLAT_ADDRESSES, "ann@*.example", ":1:1: expected an address, "
	    "@DOMAIN, a domain, *.DOMAIN or <>, got \"ann@*.example\"\n" },
	{ FLAT_ADDRESSES, "a@b c\n<a@b>", ":2:1: expected an address, "
	    "@DOMAIN, a domain, *.DOMAIN or <>, got \"<a@b>\"\n" },
	{ FLAT_ADDRESSES, "@", ":1:1: expected an address, @DOMAIN, a "
	    "domain, *.DOMAIN or <>, got \"@\"\n" },
	{ FLAT_USERS, "ann\n*\n", ":2:1: expected a login, @DOMAIN, a domain or "
	    "*.DOMAIN, got \"*\"\n" },
	{ FLAT_USERS, "a*n", ":1:1: expected a login, @DOMAIN, a domain or "
	    "*.DOMAIN, got \"a*n\"\n" },
	{ FLAT_USERS, "a*n@b.example", ":1:1: expected a login, @DOMAIN, a "
	    "domain or *.DOMAIN, got \"a*n@b.example\"\n" },
	{ FLAT_USERS, "ann@*.example", ":1:1: expected a login, @DOMAIN, a "
	    "domain or *.DOMAIN, got \"ann@*.example\"\n" },
	{ FLAT_USERS, "@", ":1:1: expected a login, @DOMAIN, a domain or "
	    "*.DOMAIN, got \"@\"\n" },
	{ FLAT_LOGINS, "@b.example *", ":1:1: expected a login or *, got "
	    "\"@b.example\"\n" },
	{ FLAT_LOGINS, "*@b.example *", ":1:1: expected a login or *, got "
	    "\"*@b.example\"\n" },
	{ FLAT_LOGINS, "a b\n", ":1:3: expected an address, @DOMAIN or *, got "
	    "\"b\"\n" },
	{ FLAT_LOGINS, "a *,b@\n", ":1:5: expected an address, @DOMAIN or *, "
	    "got \"b@\"\n" },
	{ FLAT_LOGINS, "Bob a@b\nbob *", ":2:1: expected a key that is not "
	    "there yet, got \"bob\"\n" },
	{ FLAT_LOGINS, "a\nb\na *\n", ":3:1: expected a key that is not "
	    "there yet, got \"a\"\n" },
	{ FLAT_ADDRESSES, "a_b..c", ":1:1: expected an address, @DOMAIN, a "
	    "domain, *.DOMAIN or <>, got \"a_b..c\"\n" },
};

static void
test_malformed(void **state)
{
	struct buf errors = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]);
	    i++) {
		assert_null(load(malformed[i].text, malformed[i].kind,
		    &errors));
		assert_memory_equal(errors.p, path, strlen(path));
		assert_string_equal(buf_cstr(&errors) + strlen(path),
		    malformed[i].errors);
	}
	buf_free(&errors);
}

static void
test_no_file(void **state)
{
	struct buf errors = { 0 };

	(void)state;
	assert_null(flat_load("/nonexistent/list", FLAT_NAMES, &errors));
	assert_non_null(strstr(buf_cstr(&errors), "No such file"));
	buf_reset(&errors);
	assert_null(flat_load("/tmp", FLAT_NAMES, &errors));
	assert_true(errors.n > 0);
	buf_free(&errors);
}

/* Many errors are counted, not told. */
static void
test_many_errors(void **state)
{
	struct buf errors = { 0 }, text = { 0 };
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_putz(&text, "@\n");
	assert_null(load(buf_cstr(&text), FLAT_ADDRESSES, &errors));
	for (size_t i = 0; i < errors.n; i++)
		lines += errors.p[i] == '\n';
	assert_int_equal(lines, 21);
	assert_non_null(strstr(buf_cstr(&errors), ": 980 more errors\n"));
	buf_free(&text);
	buf_free(&errors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_lines_and_words),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_many_errors),
	};
	int fd = mkstemp(path), r;

	if (fd < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return r;
}
