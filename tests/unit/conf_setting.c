/* SPDX-License-Identifier: ISC */
/*
 * The table of settings: every row is well-formed, every default is a value
 * that its own parser takes, each type accepts and refuses what it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "conf/setting.h"

static void
test_rows(void **state)
{
	const struct setting *set;
	struct str name;
	size_t i, j;

	(void)state;
	for (i = 0; (set = setting_at(i)) != NULL; i++) {
		name = str_of(set->name);
		for (j = 0; j < name.n; j++)
			assert_true(name.p[j] == '-' ||
			    (name.p[j] >= 'a' && name.p[j] <= 'z'));
		assert_ptr_equal(setting_find(name), set);
		assert_int_equal(setting_index(set), i);
		assert_true(strlen(set->meaning) > 5);
		assert_true(set->min <= set->max);
		assert_true(set->offset < sizeof(struct conf));
		/* Sentences of two kinds may stand in one vector. */
		for (j = 0; j < i; j++)
			assert_true(setting_at(j)->offset != set->offset ||
			    !(setting_is_simple(set) ||
			    setting_is_simple(setting_at(j))));
	}
	assert_int_equal(i, setting_count());
	assert_true(i >= 34);
	assert_null(setting_find(STR("")));
	assert_null(setting_find(STR("Size")));
	assert_null(setting_find(STR("siz")));
}

/* A default is written the way it would be shown. */
static void
test_defaults(void **state)
{
	const struct setting *set;
	struct conf conf;
	struct fault why;
	struct buf out;
	size_t i;

	(void)state;
	memset(&conf, 0, sizeof(conf));
	arena_init(&conf.arena);
	buf_init(&out);
	for (i = 0; (set = setting_at(i)) != NULL; i++) {
		if (!setting_is_simple(set) || set->text == NULL)
			continue;
		if (setting_parse(&conf, set, str_of(set->text), &why) == -1)
			fail_msg("%s: %s", set->name, why.text);
		buf_reset(&out);
		setting_format(&conf, set, &out);
		assert_string_equal(buf_cstr(&out), set->text);
	}
	assert_int_equal(conf.size, 50 * 1024 * 1024);
	assert_int_equal(conf.timeout.session, 3600);
	assert_int_equal(conf.retry.lifetime, 5 * 24 * 3600);
	buf_free(&out);
	arena_free(&conf.arena);
}

static const struct {
	const char *setting, *value, *expected;
} good[] = {
	{ "size", "64K", "64K" },
	{ "size", "65536", "64K" },
	{ "size", "2G", "2G" },
	{ "size", "100000", "100000" },
	{ "free-space", "0", "0" },
	{ "recipients", "100", "100" },
	{ "recipients", "100000", "100000" },
	{ "hops", "100", "100" },
	{ "retry-first", "1", "1s" },
	{ "retry-first", "1m30s", "90s" },
	{ "lifetime", "1s", "1s" },
	{ "lifetime-bounce", "1w", "1w" },
	{ "hostname", "Mail.Example.ORG", "mail.example.org" },
	{ "hostname", "localhost", "localhost" },
	{ "hostname", "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "spool", "/", "/" },
	{ "spool", "/a/b//", "/a/b" },
	{ "run", "/x y", "/x y" },
	{ "log", "stderr", "stderr" },
	{ "log", "/var/log/godwit", "/var/log/godwit" },
	{ "delimiter", "", "" },
	{ "delimiter", "-", "-" },
	{ "spool-may-lose-mail", "yes", "yes" },
	{ "spool-may-lose-mail", "no", "no" },
	{ "user", "_godwit", "_godwit" },
	{ "user", "a.b-c1", "a.b-c1" },
};

static void
test_good(void **state)
{
	const struct setting *set;
	struct conf conf;
	struct fault why;
	struct buf out;
	size_t i;

	(void)state;
	memset(&conf, 0, sizeof(conf));
	arena_init(&conf.arena);
	buf_init(&out);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		set = setting_find(str_of(good[i].setting));
		assert_non_null(set);
		if (setting_parse(&conf, set, str_of(good[i].value), &why) ==
		    -1)
			fail_msg("%s %s: %s", set->name, good[i].value,
			    why.text);
		buf_reset(&out);
		setting_format(&conf, set, &out);
		assert_string_equal(buf_cstr(&out), good[i].expected);
	}
	buf_free(&out);
	arena_free(&conf.arena);
}

#define RUN_91	"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *setting, *value, *expected;
} malformed[] = {
	{ "size", "65535", "expected a size from 64K to 2G, got \"65535\"" },
	{ "size", "3G", "expected a size from 64K to 2G, got \"3G\"" },
	{ "size", "", "expected a size from 64K to 2G, got \"\"" },
	{ "size", "50MB", "expected a size from 64K to 2G, got \"50MB\"" },
	{ "size", "-1", "expected a size from 64K to 2G, got \"-1\"" },
	{ "size", "99999999999999999999", "expected a size from 64K to 2G, "
	    "got \"99999999999999999999\"" },
	{ "recipients", "99",
	    "expected a number from 100 to 100000, got \"99\"" },
	{ "recipients", "1K",
	    "expected a number from 100 to 100000, got \"1K\"" },
	{ "hops", "50", "expected a number from 100 to 10000, got \"50\"" },
	{ "workers", "1025", "expected a number from 0 to 1024, got \"1025\"" },
	{ "retry-first", "0",
	    "expected a duration from 1s to 1w, got \"0\"" },
	{ "retry-first", "5 m",
	    "expected a duration from 1s to 1w, got \"5 m\"" },
	{ "retry-first", "2w",
	    "expected a duration from 1s to 1w, got \"2w\"" },
	{ "hostname", "", "expected a domain name, got \"\"" },
	{ "hostname", "a..b", "expected a domain name, got \"a..b\"" },
	{ "hostname", "a_b.example",
	    "expected a domain name, got \"a_b.example\"" },
	{ "hostname", "example.org.",
	    "expected a domain name, got \"example.org.\"" },
	{ "hostname", "-a", "expected a domain name, got \"-a\"" },
	{ "spool", "", "expected an absolute path, got \"\"" },
	{ "spool", "a/b", "expected an absolute path, got \"a/b\"" },
	{ "run", RUN_91,
	    "expected a path of at most 90 bytes, got one of 91" },
	{ "log", "sysslog", "expected \"syslog\", \"stderr\" or an absolute "
	    "path, got \"sysslog\"" },
	{ "delimiter", "++", "expected one character or \"\", got \"++\"" },
	{ "spool-may-lose-mail", "", "expected \"yes\" or \"no\", got \"\"" },
	{ "spool-may-lose-mail", "Yes",
	    "expected \"yes\" or \"no\", got \"Yes\"" },
	{ "spool-may-lose-mail", "1",
	    "expected \"yes\" or \"no\", got \"1\"" },
	{ "user", "", "expected the name of a user or group, got \"\"" },
	{ "user", "-r", "expected the name of a user or group, got \"-r\"" },
	{ "user", "..", "expected the name of a user or group, got \"..\"" },
	{ "user", "a/b", "expected the name of a user or group, got \"a/b\"" },
	{ "user", "abcdefghijklmnopqrstuvwxyzabcdefg", "expected the name of "
	    "a user or group, got \"abcdefghijklmnopqrstuvwxyzabcdefg\"" },
};

/* A wrong value is refused with its reason and leaves the member alone. */
static void
test_malformed(void **state)
{
	const struct setting *set;
	struct conf conf, before;
	struct fault why;
	size_t i;

	(void)state;
	memset(&conf, 0, sizeof(conf));
	arena_init(&conf.arena);
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		set = setting_find(str_of(malformed[i].setting));
		assert_non_null(set);
		before = conf;
		if (setting_parse(&conf, set, str_of(malformed[i].value),
		    &why) == 0)
			fail_msg("%s %s: accepted", set->name,
			    malformed[i].value);
		assert_string_equal(why.text, malformed[i].expected);
		assert_int_equal(why.kind, FAULT_PERMANENT);
		assert_memory_equal((char *)&conf + set->offset,
		    (char *)&before + set->offset, sizeof(uint64_t));
	}
	arena_free(&conf.arena);
}

static void
test_nearest(void **state)
{
	(void)state;
	assert_string_equal(setting_nearest(STR("hostnam")), "hostname");
	assert_string_equal(setting_nearest(STR("retry.first")),
	    "retry-first");
	assert_string_equal(setting_nearest(STR("listne")), "listen");
	assert_null(setting_nearest(STR("xyz")));
}

static void
test_kinds(void **state)
{
	(void)state;
	assert_true(setting_is_simple(setting_find(STR("hostname"))));
	assert_true(setting_is_simple(setting_find(STR("lifetime"))));
	assert_false(setting_is_simple(setting_find(STR("listen"))));
	assert_false(setting_is_simple(setting_find(STR("route"))));
	assert_true(setting_may_repeat(setting_find(STR("route"))));
	assert_false(setting_may_repeat(setting_find(STR("deliver"))));
	assert_false(setting_may_repeat(setting_find(STR("size"))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
