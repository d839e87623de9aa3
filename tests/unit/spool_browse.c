/* SPDX-License-Identifier: ISC */
/*
 * spool/browse: every entry of a directory once, whatever else lies there or
 * goes meanwhile, and nothing is left open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/num.h"
#include "fake_spool.h"
#include "spool/browse.h"

#define SHARD	"ef"			/* of names that end with FF */

enum { N = 3 * BROWSE_AHEAD + 1 };

static void
make(struct fake_spool *f, int number, char name[SPOOL_NAME_MAX])
{
	struct envelope env = fake_envelope(f, "ann@example.com",
	    "a@b.example");

	spool_name_new(name, number);
	memcpy(name + SPOOL_ID_LEN - 2, "FF", 2);
	fake_submit(f, &env, name, STR("A: b\r\n"), STR("\r\n"), NULL);
}

static uint64_t
number_of(const char *name)
{
	uint64_t n;

	assert_true(num_parse_base32(str_span(name, 10), &n));
	return n;
}

static void
test_all(void **state)
{
	struct fake_spool *f = *state;
	bool seen[N] = { false };
	unsigned files = fake_open_files();
	char name[SPOOL_NAME_MAX];
	struct browse b;
	struct message m;
	struct fault why;

	for (int i = 0; i < N; i++)
		make(f, i, name);
	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	while (browse_next(&b, &m)) {
		uint64_t n = number_of(m.super.name);

		assert_true(n < N && !seen[n]);
		seen[n] = true;
		assert_int_equal(m.envelope.recipients.n, 1);
		assert_true(fake_open_files() <= files + BROWSE_AHEAD + 2);
		message_close(&m);
	}
	assert_false(browse_next(&b, &m));
	browse_close(&b);
	for (int i = 0; i < N; i++)
		assert_true(seen[i]);
	assert_int_equal(fake_open_files(), files);
	/* Given up in the middle. */
	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	assert_true(browse_next(&b, &m));
	message_close(&m);
	browse_close(&b);
	assert_int_equal(fake_open_files(), files);
}

static void
test_others(void **state)
{
	static const uint8_t zero[FORMAT_SUPER_SIZE];
	struct fake_spool *f = *state;
	unsigned files = fake_open_files(), n = 0;
	char name[SPOOL_NAME_MAX], path[SPOOL_PATH_MAX];
	struct browse b;
	struct message m;
	struct fault why;

	assert_int_equal(browse_open(&b, f->spool.q, "nosuch", &why), -1);
	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	assert_false(browse_next(&b, &m));
	browse_close(&b);

	make(f, 1, name);
	fake_patch(f, name, 0, zero, sizeof(zero));
	make(f, 2, name);
	fake_patch(f, name, 513, "?", 1);
	make(f, 3, name);
	fake_truncate(f, name, 100);
	/* Another's name, a link, a directory, none at all. */
	make(f, 4, name);
	assert_int_equal(linkat(f->spool.q, spool_entry_path(name, path),
	    f->spool.q, SHARD "/01ARZ3NDEKTSV4RRFF", 0), 0);
	assert_int_equal(symlinkat(name, f->spool.q,
	    SHARD "/01ARZ3NDEKTSV4RHFF"), 0);
	assert_int_equal(mkdirat(f->spool.q, SHARD "/01ARZ3NDEKTSV4RJFF",
	    0700), 0);
	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	while (browse_next(&b, &m)) {
		assert_string_equal(m.super.name, name);
		message_close(&m);
		n++;
	}
	browse_close(&b);
	assert_int_equal(n, 1);

	/* It goes between the reading of the names and its turn. */
	assert_int_equal(browse_open(&b, f->spool.q, SHARD, &why), 0);
	assert_int_equal(spool_remove(&f->spool, name, &why), 0);
	assert_false(browse_next(&b, &m));
	browse_close(&b);
	assert_int_equal(fake_open_files(), files);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, fake_spool_setup,		\
	    fake_spool_teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_all),
		WITH(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
