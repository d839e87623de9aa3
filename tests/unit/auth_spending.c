/* SPDX-License-Identifier: ISC */
/*
 * auth/spending: budgets, hours and days, passes, and the book as a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/spending.h"

#define MINUTE	INT64_C(60000)
#define HOUR	(60 * MINUTE)
#define DAY	(24 * HOUR)
#define START	(3 * HOUR)

static char path[] = "/tmp/godwit-spending-XXXXXX";

#define IN	SPENDING_WITHIN
#define OVER	SPENDING_OVER
#define FAR	SPENDING_FAR_OVER
#define NO	SPENDING_FALSE

static enum spending_answer
take_by(bool told, struct spending *s, const struct conf_allowance *most,
    const char *login, const char *to, int64_t at, bool *tell, struct buf *why)
{
	unsigned news;
	struct spending_key key = spending_key(s);
	char pass[SPENDING_PASS_MAX];
	struct buf recipients = { 0 };
	struct spending_wish w = { .login = str_of(login),
	    .count = strlen(to) };
	enum spending_answer answer;

	for (const char *c = to; *c != '\0'; c++) {
		buf_puts(&recipients, STR("1234567"));
		buf_putc(&recipients, *c);
	}
	spending_make_pass(&key, w.login, pass);
	if (!told)
		w.pass = str_of(pass);
	w.recipients = buf_str(&recipients);
	buf_reset(why);
	answer = spending_take(s, most, &w, START + at, why, &news);
	/* What is new is owed. */
	assert_true((news & SPENDING_FIRST) == 0 ||
	    (news & SPENDING_OWED) != 0);
	*tell = (news & SPENDING_OWED) != 0;
	if (*tell)
		assert_true(spending_told(s, &w, true, START + at));
	buf_free(&recipients);
	return answer;
}

static enum spending_answer
take(struct spending *s, const struct conf_allowance *most, const char *login,
    const char *to, int64_t at, bool *tell, struct buf *why)
{
	return take_by(false, s, most, login, to, at, tell, why);
}

static enum spending_answer
take_told(struct spending *s, const struct conf_allowance *most,
    const char *login, const char *to, int64_t at, bool *tell,
    struct buf *why)
{
	return take_by(true, s, most, login, to, at, tell, why);
}

struct row {
	int64_t		 at;
	const char	*login, *to;
	enum spending_answer answer;
	bool		 tell;
	const char	*why;
};

static const struct row by_hour[] = {
	{ 0, "ann", "a", IN, false, "" },
	{ MINUTE, "ann", "a", IN, false, "" },
	{ 2 * MINUTE, "ann", "a", OVER, true, "more than 2 messages in one "
	    "hour" },
	{ 3 * MINUTE, "ann", "b", OVER, false, "more than 2 messages in one "
	    "hour" },
	{ 3 * MINUTE, "Ann", "b", OVER, false, "more than 2 messages in one "
	    "hour" },
	{ 3 * MINUTE, " aNN ", "b", OVER, false, "more than 2 messages in one "
	    "hour" },
	{ 3 * MINUTE, "anne", "b", IN, false, "" },
	{ HOUR - 1, "ann", "a", OVER, false, "more than 2 messages in one "
	    "hour" },
	{ HOUR, "ann", "a", IN, false, "" },
	{ HOUR, "ann", "a", IN, false, "" },
	{ HOUR, "ann", "a", OVER, true, "more than 2 messages in one hour" },
	{ 2 * HOUR, "ann", "a", IN, false, "" },
	{ 2 * HOUR, "ann", "a", OVER, true, "more than 5 messages in one "
	    "day" },
	{ 9 * HOUR, "ann", "a", OVER, false, "more than 5 messages in one "
	    "day" },
	{ DAY - 1, "ann", "a", OVER, false, "more than 5 messages in one "
	    "day" },
	{ DAY, "ann", "a", IN, false, "" },
	/* The clock began anew. */
	{ MINUTE, "ann", "a", IN, false, "" },
	{ MINUTE, "ann", "a", IN, false, "" },
	{ MINUTE, "ann", "a", OVER, true, "more than 2 messages in one hour" },
};

static const struct row by_recipients[] = {
	{ 0, "ann", "abc", IN, false, "" },
	{ 0, "ann", "cba", IN, false, "" },
	{ 0, "bob", "abc", IN, false, "" },
	{ 0, "ann", "d", OVER, true, "more than 3 new recipients in one "
	    "hour" },
	{ 0, "ann", "abcd", OVER, false, "more than 3 new recipients in one "
	    "hour" },
	{ 0, "ann", "a", IN, false, "" },
	{ HOUR, "ann", "abcdef", IN, false, "" },
	{ 2 * HOUR, "ann", "gh", OVER, true, "more than 7 new recipients in "
	    "one day" },
	{ 2 * HOUR, "ann", "g", IN, false, "" },
	{ 3 * HOUR, "ann", "hijk", OVER, true, "more than 3 new recipients in "
	    "one hour" },
	{ DAY, "ann", "abcdefg", IN, false, "" },
	{ DAY, "ann", "hi", IN, false, "" },
};

static void
run(const struct conf_allowance *most, const struct row *rows, size_t n)
{
	struct spending *s;
	struct buf why = { 0 };
	struct fault fault;
	bool tell;

	assert_int_equal(spending_open(&s, NULL, &fault), 0);
	for (size_t i = 0; i < n; i++) {
		enum spending_answer a = take(s, most, rows[i].login,
		    rows[i].to, rows[i].at, &tell, &why);

		if (a != rows[i].answer || tell != rows[i].tell ||
		    !str_eq(buf_str(&why), str_of(rows[i].why)))
			fail_msg("row %zu: %d, %d, %s", i, (int)a, tell,
			    buf_cstr(&why));
	}
	buf_free(&why);
	spending_close(s);
}

static void
test_budgets(void **state)
{
	static const struct conf_allowance messages = { { 2, 0 }, { 5, 0 } };
	static const struct conf_allowance recipients = { { 0, 3 },
	    { 0, 7 } };

	(void)state;
	run(&messages, by_hour, sizeof(by_hour) / sizeof(by_hour[0]));
	run(&recipients, by_recipients,
	    sizeof(by_recipients) / sizeof(by_recipients[0]));
}

static void
test_held(void **state)
{
	static const struct conf_allowance most = { { 150, 0 }, { 0, 0 } };
	struct spending *s;
	struct buf why = { 0 };
	struct fault fault;
	bool tell;

	(void)state;
	assert_int_equal(spending_open(&s, NULL, &fault), 0);
	for (int i = 0; i < 150; i++)
		assert_int_equal(take(s, &most, "a", "x", 0, &tell, &why), IN);
	for (int i = 0; i < 150; i++)
		assert_int_equal(take(s, &most, "a", "x", 0, &tell, &why),
		    OVER);
	assert_int_equal(take(s, &most, "a", "x", 0, &tell, &why), FAR);
	assert_int_equal(take(s, &most, "b", "x", 0, &tell, &why), IN);
	assert_int_equal(take(s, &most, "a", "x", HOUR, &tell, &why), IN);
	buf_free(&why);
	spending_close(s);
}

/* T-28: what a session can say is not believed. */
static void
test_false(void **state)
{
	static const struct conf_allowance most = { { 1, 0 }, { 0, 0 } };
	struct spending_wish w = { .login = STR("ann"), .count = 1 };
	char pass[SPENDING_PASS_MAX], other[SPENDING_PASS_MAX];
	struct spending_key key;
	struct spending *s;
	struct buf why = { 0 };
	struct fault fault;
	unsigned tell;

	(void)state;
	assert_int_equal(spending_open(&s, NULL, &fault), 0);
	key = spending_key(s);
	spending_make_pass(&key, STR("ann"), pass);
	spending_make_pass(&key, STR("bob"), other);
	w.pass = str_of(other);
	assert_int_equal(spending_take(s, &most, &w, START, &why, &tell), NO);
	w.pass = STR("x");
	assert_int_equal(spending_take(s, &most, &w, START, &why, &tell), NO);
	for (int i = 0; i < 32; i++) {
		pass[i] ^= 1;
		w.pass = str_of(pass);
		assert_int_equal(spending_take(s, &most, &w, START, &why,
		    &tell), NO);
		pass[i] ^= 1;
	}
	w.pass = str_of(pass);
	assert_int_equal(spending_take(s, &most, &w, START, &why, &tell), IN);
	/* More recipients than are counted; half a recipient. */
	w.recipients = STR("1234567812345678");
	assert_int_equal(spending_take(s, &most, &w, START, &why, &tell), NO);
	w.recipients = STR("123456781234");
	assert_int_equal(spending_take(s, &most, &w, START + HOUR, &why,
	    &tell), IN);
	buf_free(&why);
	spending_close(s);
}

/* Somebody is to be told until one has said that he was; the log needs it once. */
static void
test_owed(void **state)
{
	static const struct conf_allowance most = { { 1, 0 }, { 3, 0 } };
	static const struct {
		int64_t		at;
		int		said;	/* before: 1 done, 0 not; -1 nothing */
		unsigned	news;
	} rows[] = {
		{ 0, -1, SPENDING_FIRST | SPENDING_OWED },
		{ 1000, -1, 0 }, { 299000, -1, 0 },
		{ 300000, -1, SPENDING_OWED }, { 301000, -1, 0 },
		{ 302000, 0, SPENDING_OWED }, { 303000, 0, SPENDING_OWED },
		{ 304000, 1, 0 }, { 304000, 0, 0 }, { HOUR - 1, -1, 0 },
	};
	struct spending_wish w = { .login = STR("ann"), .count = 1 };
	struct spending *s;
	struct buf why = { 0 };
	struct fault fault;
	unsigned news;

	(void)state;
	assert_int_equal(spending_open(&s, NULL, &fault), 0);
	/* What is not owed cannot be told. */
	assert_true(spending_told(s, &w, true, START));
	assert_int_equal(spending_take(s, &most, &w, START, &why, &news), IN);
	assert_int_equal(news, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t now = START + rows[i].at;

		if (rows[i].said >= 0)
			assert_true(spending_told(s, &w, rows[i].said == 1,
			    now));
		assert_int_equal(spending_take(s, &most, &w, now, &why,
		    &news), OVER);
		if (news != rows[i].news)
			fail_msg("row %zu: %u", i, news);
	}
	/* Another hour is another matter. */
	assert_int_equal(spending_take(s, &most, &w, START + HOUR, &why,
	    &news), IN);
	assert_int_equal(spending_take(s, &most, &w, START + HOUR, &why,
	    &news), OVER);
	assert_int_equal(news, SPENDING_FIRST | SPENDING_OWED);
	w.pass = STR("x");
	assert_false(spending_told(s, &w, true, START + HOUR));
	buf_free(&why);
	spending_close(s);
}

static const struct {
	bool		 told;
	const char	*login, *to;
	enum spending_answer answer;
} ways[] = {
	/* By a certificate first, then by the password; and the other way. */
	{ true, "ann", "a", IN }, { false, "Ann", "a", IN },
	{ true, "ann", "a", IN }, { false, "ann", "a", OVER },
	{ true, "ANN", "a", OVER },
	{ false, "bob", "b", IN }, { true, "bob", "b", IN },
	{ false, "bob", "b", IN }, { true, "bob", "b", OVER },
	/* However it is spelt: mail/fold. */
	{ false, "j\u00f6rg@B\u00fccher.example", "j", IN },
	{ false, "Jo\u0308rg@xn--bcher-kva.example", "j", IN },
	{ false, " j\u00f6rg@b\u00fccher.example", "j", IN },
	{ false, "jo\u0308rg@b\u00fccher.example", "j", OVER },
	/* Whom it has written to is known either way. */
	{ true, "eve", "abc", IN }, { false, "eve", "abcd", IN },
	{ true, "eve", "dcba", IN },
};

/* One login, one budget. */
static void
test_ways(void **state)
{
	static const struct conf_allowance most = { { 3, 4 }, { 0, 0 } };
	struct spending *s;
	struct buf why = { 0 };
	struct fault fault;
	bool tell;

	(void)state;
	assert_int_equal(spending_open(&s, NULL, &fault), 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if ((ways[i].told ? take_told : take)(s, &most, ways[i].login,
		    ways[i].to, HOUR, &tell, &why) != ways[i].answer)
			fail_msg("row %zu", i);
	buf_free(&why);
	spending_close(s);
}

/* T-28: nor can it drive out what others have spent, by names made up. */
static void
test_made_up(void **state)
{
	static const struct conf_allowance most = { { 1, 0 }, { 0, 1 } };
	struct spending_wish w = { .count = 1 };
	struct spending *s;
	struct buf why = { 0 };
	struct fault fault;
	char name[32];
	unsigned news;
	bool tell;

	(void)state;
	assert_int_equal(spending_open(&s, NULL, &fault), 0);
	assert_int_equal(take(s, &most, "ann", "x", HOUR, &tell, &why), IN);
	for (int i = 0; i < 300000; i++) {
		snprintf(name, sizeof(name), "%016d", i);
		w.login = str_of(name);
		w.recipients = str_span(name + 8, 8);
		buf_reset(&why);
		(void)spending_take(s, &most, &w, START + HOUR + i, &why,
		    &news);
	}
	assert_int_equal(take(s, &most, "ann", "x", HOUR, &tell, &why), OVER);
	/* In the next hour: a recipient that is known. */
	assert_int_equal(take(s, &most, "ann", "x", 2 * HOUR, &tell, &why),
	    IN);
	buf_free(&why);
	spending_close(s);
}

static void
damage(off_t at, char byte)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void
test_file(void **state)
{
	static const struct conf_allowance most = { { 1, 0 }, { 0, 0 } };
	struct spending *s, *again;
	struct buf why = { 0 };
	struct fault fault;
	struct stat st;
	bool tell;

	(void)state;
	assert_int_equal(spending_open(&s, path, &fault), 0);
	assert_int_equal(take(s, &most, "a", "x", 0, &tell, &why), IN);
	/* Another process, and the next one. */
	assert_int_equal(spending_open(&again, path, &fault), 0);
	assert_int_equal(take(again, &most, "a", "x", 0, &tell, &why), OVER);
	spending_close(again);
	spending_close(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(spending_open(&s, path, &fault), 0);
	assert_int_equal(take(s, &most, "a", "x", 0, &tell, &why), OVER);
	assert_false(tell);
	spending_close(s);
	/* One that is none is made anew. */
	damage(0, 'x');
	assert_int_equal(spending_open(&s, path, &fault), 0);
	assert_int_equal(take(s, &most, "a", "x", 0, &tell, &why), IN);
	spending_close(s);
	damage(st.st_size, 'x');
	assert_int_equal(spending_open(&s, path, &fault), 0);
	assert_int_equal(take(s, &most, "a", "x", 0, &tell, &why), IN);
	spending_close(s);
	buf_free(&why);
	assert_int_equal(spending_open(&s, "/nonexistent/x", &fault), -1);
	assert_int_equal(spending_open(&s, "/tmp", &fault), -1);
}

/* Thousands of logins, and recipients beyond all places: counts stay right
 * for who is seen often, and nothing is read beyond its end. */
static void
test_many(void **state)
{
	static const struct conf_allowance most = { { 0, 0 }, { 0, 0 } };
	static char to[2000];
	struct spending *s;
	struct buf why = { 0 };
	struct fault fault;
	char login[16];
	bool tell;

	(void)state;
	for (size_t i = 0; i < sizeof(to) - 1; i++)
		to[i] = (char)(1 + i % 255);
	assert_int_equal(spending_open(&s, NULL, &fault), 0);
	for (int i = 0; i < 2500; i++) {
		snprintf(login, sizeof(login), "user%d", i);
		assert_int_equal(take(s, &most, login, to, i, &tell, &why),
		    IN);
	}
	buf_free(&why);
	spending_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budgets),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_false),
		cmocka_unit_test(test_owed),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_made_up),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_many),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
