/* SPDX-License-Identifier: ISC */
/* extension NAME no: the names are those of smtp/ext, in its order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/conf.h"
#include "smtp/ext.h"

static struct conf *
parse(const char *text, struct buf *errors)
{
	buf_reset(errors);
	return conf_parse("t", str_of(text), errors);
}

static void
test_all(void **state)
{
	struct buf errors = { 0 }, text = { 0 };
	const struct ext_row *row;

	(void)state;
	for (unsigned i = 0; (row = ext_row(i)) != NULL; i++) {
		struct conf *conf;

		/* They have switches of their own. */
		if (row->bit == EXT_VRFY || row->bit == EXT_EXPN)
			continue;
		buf_reset(&text);
		buf_printf(&text, "hostname a.example\nextension %.*s no\n",
		    STR_ARG(row->keyword));
		conf = parse(buf_cstr(&text), &errors);
		if (conf == NULL)
			fail_msg("%s", buf_cstr(&errors));
		assert_int_equal(conf->session.offer.extensions.n, 1);
		assert_int_equal(conf->session.offer.extensions.p[0].bit,
		    row->bit);
		assert_true(conf->session.offer.extensions.p[0].off);
		conf_free(conf);
	}
	buf_free(&errors);
	buf_free(&text);
}

static void
test_described(void **state)
{
	struct buf errors = { 0 }, text = { 0 };
	struct conf *conf, *again;

	(void)state;
	conf = parse("hostname a.example\nextension DSN no\n"
	    "extension size yes\n", &errors);
	assert_non_null(conf);
	conf_describe(conf, &text, false);
	assert_true(str_search(buf_str(&text), STR("extension dsn no")) <
	    text.n);
	assert_true(str_search(buf_str(&text), STR("extension size yes")) <
	    text.n);
	again = parse(buf_cstr(&text), &errors);
	assert_non_null(again);
	assert_int_equal(again->session.offer.extensions.n, 2);
	assert_false(again->session.offer.extensions.p[1].off);
	conf_free(again);
	conf_free(conf);
	buf_free(&errors);
	buf_free(&text);
}

static void
test_malformed(void **state)
{
	static const char *const rows[] = {
		"extension", "extension dsn", "extension no", "extension dsm no",
		"extension dsn off", "extension dsn no no", "extension vrfy no",
		"extension dsn no\nextension DSN yes", "extension \"\" no",
		"extension dsn NO", "vrfy maybe", "expn", "hold-longest 0",
		"hold-longest 61d", "deliver-by-least -1",
	};
	struct buf errors = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (parse(rows[i], &errors) != NULL)
			fail_msg("taken: %s", rows[i]);
		assert_true(str_starts(buf_str(&errors), STR("t:")));
	}
	buf_free(&errors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_described),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
