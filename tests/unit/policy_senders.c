/* SPDX-License-Identifier: ISC */
/*
 * policy/senders: which addresses are whose.
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

#include "policy/senders.h"

#define CONF	"hostname mx.example.org\ndomain example.org b.example local\n"

static char path[] = "/tmp/godwit-senders-XXXXXX";

static const char list[] =
    "ann  ann@example.org, joe@far.example\n"
    "team @sales.example *@*.shop.example x-*@example.org\n"
    "Boss *\n"
    "j\u00f6rg@b\xc3\xbc" "cher.example *\n"
    "none\n"
    "uni  @b\xc3\xbc" "cher.example\n"
    "*    guest@example.org\n";

enum { OWN, ANY, LIST, SHORT };

static const struct {
	int		 which;
	const char	*login, *address;
	bool		 may;
	const char	*pattern;
} rows[] = {
	/* Names of users here. */
	{ OWN, "bob", "bob@example.org", true, NULL },
	{ OWN, "bob", "BOB@B.EXAMPLE", true, NULL },
	{ OWN, "Bob", "bob@mx.example.org", true, NULL },
	{ OWN, "bob", "bob@localhost", true, NULL },
	{ OWN, "bob", "bob", true, NULL },
	{ OWN, "bob", "bob+x@example.org", true, NULL },
	{ OWN, "bob", "bob+@example.org", true, NULL },
	{ OWN, "bob+x", "bob+x@example.org", true, NULL },
	{ OWN, "bob+x", "bob@example.org", false, NULL },
	{ OWN, "bob", "bob@far.example", false, NULL },
	{ OWN, "bob", "bob+x@far.example", false, NULL },
	{ OWN, "bob", "bob-x@example.org", false, NULL },
	{ OWN, "bob", "+bob@example.org", false, NULL },
	{ OWN, "bob", "bo@example.org", false, NULL },
	{ OWN, "*", "bob@example.org", false, NULL },
	{ OWN, "", "bob@example.org", false, NULL },
	/* Addresses. */
	{ OWN, "bob@far.example", "bob@far.example", true, NULL },
	{ OWN, "bob@FAR.example", "BOB@far.EXAMPLE", true, NULL },
	{ OWN, "bob@far.example", "bob@example.org", false, NULL },
	{ OWN, "bob@far.example", "bob+x@far.example", false, NULL },
	{ OWN, "bob@example.org", "bob+x@example.org", true, NULL },
	{ OWN, "bob@example.org", "bob@b.example", false, NULL },
	{ OWN, "bob@b\xc3\xbc" "cher.example", "bob@xn--bcher-kva.example",
	    true, NULL },
	{ OWN, "@example.org", "bob@example.org", false, NULL },
	{ OWN, "*@example.org", "bob@example.org", false, NULL },
	/* <> */
	/* RFC 6532 3.1 */
	{ OWN, "j\u00f6rg", "Jo\u0308rg@example.org", true, NULL },
	{ OWN, "jo\u0308rg", "j\u00f6rg+x@example.org", true, NULL },
	{ OWN, "jorg", "jo\u0308rg@example.org", false, NULL },
	{ OWN, "bob", "<>", true, NULL },
	{ LIST, "none", "<>", true, NULL },
	{ ANY, "bob", "who@ever.example", true, NULL },
	/* Listed. */
	{ LIST, "ann", "ann@example.org", true, "ann@example.org" },
	{ LIST, "ann", "ANN+x@example.org", true, "ann@example.org" },
	{ LIST, "ann", "joe@far.example", true, "joe@far.example" },
	{ LIST, "ann", "joe+x@far.example", false, NULL },
	{ LIST, "ann", "ann@b.example", false, NULL },
	{ LIST, "team", "x@sales.example", true, "@sales.example" },
	{ LIST, "team", "x@a.sales.example", false, NULL },
	{ LIST, "team", "x@a.shop.example", true, "*@*.shop.example" },
	{ LIST, "team", "x@shop.example", false, NULL },
	{ LIST, "team", "x-1@example.org", true, "x-*@example.org" },
	{ LIST, "team", "x@example.org", false, NULL },
	{ LIST, "team", "team@example.org", false, NULL },
	/* However the login is spelt (RFC 6532 3.1). */
	{ LIST, "Team", "x@sales.example", true, "@sales.example" },
	{ LIST, "bOSS", "who@ever.example", true, "*" },
	{ LIST, "Jo\u0308rg@xn--bcher-kva.example", "who@ever.example", true,
	    "*" },
	{ LIST, "j\u00f6rg@b\xc3\xbc" "cher.example", "who@ever.example",
	    true, "*" },
	{ LIST, "jorg@xn--bcher-kva.example", "who@ever.example", false,
	    NULL },
	{ LIST, "none", "none@example.org", false, NULL },
	{ LIST, "uni", "x@xn--bcher-kva.example", true,
	    "@b\xc3\xbc" "cher.example" },
	{ LIST, "joe", "guest@example.org", true, "guest@example.org" },
	{ LIST, "joe", "joe@example.org", false, NULL },
	/* Who is not in it has his own. */
	{ SHORT, "joe", "joe@example.org", true, NULL },
	{ SHORT, "joe", "ann@example.org", false, NULL },
	{ SHORT, "ann", "ann@example.org", true, "ann@example.org" },
};

static struct conf *
load(int which, struct lists **lists)
{
	struct buf text = { 0 }, errors = { 0 };
	struct conf *conf;
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(which == SHORT ? "ann ann@example.org\n" : list,
	    f) >= 0);
	assert_int_equal(fclose(f), 0);
	buf_putz(&text, CONF);
	if (which == ANY)
		buf_putz(&text, "login senders any\n");
	else if (which != OWN)
		buf_printf(&text, "login senders file %s\n", path);
	conf = conf_parse("test", buf_str(&text), &errors);
	if (conf == NULL)
		fail_msg("%s", buf_cstr(&errors));
	*lists = lists_open(conf, &errors);
	if (*lists == NULL)
		fail_msg("%s", buf_cstr(&errors));
	buf_free(&text);
	return conf;
}

static void
test_rows(void **state)
{
	struct arena arena = { 0 };
	struct senders_answer answer;
	struct address a;
	struct fault why;
	struct conf *conf[4];
	struct lists *lists[4];

	(void)state;
	for (int i = OWN; i <= SHORT; i++)
		conf[i] = load(i, &lists[i]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int w = rows[i].which;

		assert_int_equal(address_parse(&arena,
		    str_of(rows[i].address), true, &a, &why), 0);
		assert_int_equal(senders_ask(conf[w], lists[w],
		    str_of(rows[i].login), &a, &arena, &answer, &why), 0);
		if (answer.may != rows[i].may)
			fail_msg("row %zu: %s as %s", i, rows[i].login,
			    rows[i].address);
		if (rows[i].pattern != NULL)
			assert_true(str_eq(answer.pattern,
			    str_of(rows[i].pattern)));
	}
	for (int i = OWN; i <= SHORT; i++) {
		lists_free(lists[i]);
		conf_free(conf[i]);
	}
	arena_free(&arena);
}

/* What the list has, however it was asked for. */
static void
test_key(void **state)
{
	static const struct { const char *login, *key; } keys[] = {
		{ "TEAM", "team" }, { "joe", "*" }, { "boss", "boss" },
	};
	struct arena arena = { 0 };
	struct senders_answer answer;
	struct address a;
	struct fault why;
	struct lists *lists;
	struct conf *conf = load(LIST, &lists);

	(void)state;
	assert_int_equal(address_parse(&arena, STR("a@b.example"), true, &a,
	    &why), 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_int_equal(senders_ask(conf, lists,
		    str_of(keys[i].login), &a, &arena, &answer, &why), 0);
		assert_true(str_eq(answer.key, str_of(keys[i].key)));
		assert_true(answer.line > 0);
	}
	lists_free(lists);
	conf_free(conf);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_key),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
