/* SPDX-License-Identifier: ISC */
/*
 * policy/stranger: what is asked about whom, and what is true of one about whom
 * nobody could be asked.  The answers themselves are policy/naming's and
 * policy/dnsbl's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/stranger.h"

#define OFF	"client-names no\n"
#define LISTS	"dnsbl bl.test\n"
#define GREY	"greylist 5m\n"

static const struct {
	const char		*conf;
	enum conf_service	 service;
	bool			 ours, name, lists, greylist, helo;
} rows[] = {
	{ "", SERVICE_SMTP, false, true, false, false, false },
	{ "", SERVICE_SMTP, true, false, false, false, false },
	{ "", SERVICE_SUBMISSION, false, true, false, false, false },
	{ OFF, SERVICE_SMTP, false, false, false, false, false },
	{ OFF LISTS, SERVICE_SMTP, false, false, true, false, false },
	{ OFF LISTS, SERVICE_SMTP, true, false, false, false, false },
	{ OFF LISTS, SERVICE_SUBMISSION, false, false, false, false, false },
	{ OFF LISTS, SERVICE_SUBMISSIONS, false, false, false, false, false },
	{ OFF "dnswl wl.test", SERVICE_SMTP, false, false, true, false, false },
	{ OFF GREY, SERVICE_SMTP, false, false, false, true, false },
	{ OFF GREY, SERVICE_SMTP, true, false, false, false, false },
	{ OFF GREY, SERVICE_SUBMISSION, false, false, false, false, false },
	{ OFF "greylist 0s", SERVICE_SMTP, false, false, false, false, false },
	{ LISTS GREY, SERVICE_SMTP, false, true, true, true, false },
	{ OFF "reject client named a.b", SERVICE_SMTP, true, true, false,
	    false, false },
	{ OFF "accept client named a.b", SERVICE_SUBMISSIONS, false, true,
	    false, false, false },
	{ OFF "reject client in dnsbl x.test", SERVICE_SMTP, false, false,
	    true, false, false },
	{ OFF "reject client in dnsbl x.test", SERVICE_SMTP, true, false,
	    false, false, false },
	{ OFF "reject helo unknown", SERVICE_SUBMISSION, true, .helo = true },
	{ OFF "reject not helo x or confirmed", SERVICE_SMTP, .helo = true },
	{ OFF "reject helo forged or malformed", SERVICE_SMTP, .helo = false },
};

static struct conf *
parse(const char *text)
{
	struct buf all = { 0 }, errors = { 0 };
	struct conf *conf;

	buf_printf(&all, "hostname a.test\n%s", text);
	conf = conf_parse("test", buf_str(&all), &errors);
	buf_free(&all);
	buf_free(&errors);
	return conf;
}

static void
test_who_is_asked_about(void **state)
{
	struct ip ip = { 4, { 192, 0, 2, 1 } };
	struct arena arena = { 0 };
	struct stranger st;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf *conf = parse(rows[i].conf);

		assert_non_null(conf);
		stranger_init(&st, conf, &arena, rows[i].service,
		    rows[i].ours, &ip);
		if (st.asks_name != rows[i].name ||
		    st.asks_lists != rows[i].lists ||
		    st.asks_helo != rows[i].helo ||
		    stranger_is_greylisted(conf, rows[i].service,
		    rows[i].ours) != rows[i].greylist)
			fail_msg("row %zu", i);
		/* HELO's leave when a rule has come to them. */
		assert_int_equal(stranger_has_questions(&st), rows[i].name ||
		    rows[i].lists);
		assert_int_equal(stranger_is_wanted(conf, rows[i].service,
		    rows[i].ours), rows[i].name || rows[i].lists ||
		    rows[i].greylist || rows[i].helo);
		conf_free(conf);
	}
	arena_free(&arena);
}

/* It is unknown and on no list, which nobody holds against it. */
static void
test_nobody_can_be_asked(void **state)
{
	struct conf *conf = parse(LISTS);
	struct ip ip = { 4, { 192, 0, 2, 1 } };
	struct arena arena = { 0 };
	struct stranger st;
	struct fault why;
	struct str name;

	(void)state;
	stranger_init(&st, conf, &arena, SERVICE_SMTP, false, &ip);
	assert_true(stranger_advance(&st));
	stranger_know(&st, true);
	assert_int_equal(stranger_tell_name(&st, &name, &why), -1);
	assert_int_equal(why.reply, 450);
	assert_true(str_eq(name, STR("unknown")));
	assert_int_equal(stranger_tell_helo(&st, STR("a.test"), HELO_UNKNOWN,
	    &why), -1);
	assert_int_equal(why.reply, 450);
	assert_true(stranger_judge(&st));
	assert_false(stranger_judge(&st));
	assert_int_equal(stranger_check_lists(&st, &why), 0);
	assert_false(stranger_is_praised(&st));
	assert_int_equal(dnsbl_has(&st.lists, STR("bl.test")), -1);
	stranger_free(&st);
	arena_free(&arena);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_asked_about),
		cmocka_unit_test(test_nobody_can_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
