/* SPDX-License-Identifier: ISC */
/* spool/journal: what is noted is there after a restart; what is torn is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>
#include "fake_spool.h"
#include "spool/journal.h"

#define ONE	"01ARZ3NDEKTSV4RRFF"
#define TWO	"01ARZ3NDEKTSV4RRFG-b1"

static int
setup(void **state)
{
	static struct fake_spool f;

	fake_spool_open(&f);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	fake_spool_close(*state);
	return 0;
}

static void
load(struct journal *j, const struct fake_spool *f)
{
	struct fault why;

	assert_int_equal(journal_load(j, &f->spool, &why), 0);
}

static void
test_kept(void **state)
{
	struct fake_spool *f = *state;
	struct journal j;
	struct fault why;

	load(&j, f);
	assert_false(journal_has(&j, ONE, 0));
	assert_int_equal(journal_add(&j, &f->spool, ONE, 7, &why), 0);
	assert_int_equal(journal_add(&j, &f->spool, TWO, 0, &why), 0);
	assert_true(journal_has(&j, ONE, 7));
	journal_free(&j);
	load(&j, f);
	assert_int_equal(j.n, 2);
	assert_true(journal_has(&j, ONE, 7));
	assert_true(journal_has(&j, TWO, 0));
	assert_false(journal_has(&j, ONE, 0));
	assert_int_equal(journal_clear(&j, &f->spool, &why), 0);
	assert_false(journal_has(&j, ONE, 7));
	journal_free(&j);
	load(&j, f);
	assert_int_equal(j.n, 0);
	journal_free(&j);
}

static void
test_torn(void **state)
{
	struct fake_spool *f = *state;
	struct journal j;
	struct fault why;
	int fd;

	load(&j, f);
	assert_int_equal(journal_add(&j, &f->spool, ONE, 1, &why), 0);
	assert_int_equal(journal_add(&j, &f->spool, ONE, 2, &why), 0);
	journal_free(&j);
	fd = openat(f->spool.root, "journal", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, 33), 1);
	assert_int_equal(pwrite(fd, "half a record", 13, 128), 13);
	close(fd);
	load(&j, f);
	assert_int_equal(j.n, 1);
	assert_false(journal_has(&j, ONE, 1));
	assert_true(journal_has(&j, ONE, 2));
	journal_free(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
