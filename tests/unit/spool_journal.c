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

static off_t
size_of(const struct fake_spool *f, blkcnt_t *blocks)
{
	struct stat st;

	assert_int_equal(fstatat(f->spool.root, "journal", &st, 0), 0);
	*blocks = st.st_blocks;
	return st.st_size;
}

/* A thousand notes use no block that was not there before; what comes then
 * finds its place too; and after all were wiped the room is there again. */
static void
test_room(void **state)
{
	enum { N = JOURNAL_ROOM / 64 };
	struct fake_spool *f = *state;
	blkcnt_t reserved, blocks;
	struct journal j;
	struct fault why;

	load(&j, f);
	assert_int_equal(journal_reserve(&f->spool, &why), 0);
	assert_int_equal(size_of(f, &reserved), JOURNAL_ROOM);
	assert_true(reserved * 512 >= JOURNAL_ROOM);
	for (int turn = 0; turn < 2; turn++) {
		for (uint32_t i = 0; i < N; i++)
			assert_int_equal(journal_add(&j, &f->spool, ONE, i,
			    &why), 0);
		assert_int_equal(size_of(f, &blocks), JOURNAL_ROOM +
		    turn * 64);
		assert_true(turn > 0 || blocks == reserved);
		assert_int_equal(journal_add(&j, &f->spool, TWO, 5, &why), 0);
		journal_free(&j);
		load(&j, f);
		assert_int_equal(j.n, N + 1);
		assert_true(journal_has(&j, ONE, N - 1));
		assert_true(journal_has(&j, TWO, 5));
		assert_int_equal(journal_clear(&j, &f->spool, &why), 0);
		load(&j, f);
		assert_int_equal(j.n, 0);
		assert_int_equal(journal_reserve(&f->spool, &why), 0);
	}
	journal_free(&j);
}

/* What was there is kept when the room is taken: a file of an older version,
 * whose last record is torn. */
static void
test_room_behind(void **state)
{
	struct fake_spool *f = *state;
	blkcnt_t blocks;
	struct journal j;
	struct fault why;
	int fd;

	load(&j, f);
	assert_int_equal(journal_add(&j, &f->spool, ONE, 3, &why), 0);
	assert_int_equal(size_of(f, &blocks), 64);
	fd = openat(f->spool.root, "journal", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "torn", 4, 64), 4);
	close(fd);
	assert_int_equal(journal_reserve(&f->spool, &why), 0);
	assert_int_equal(size_of(f, &blocks), JOURNAL_ROOM);
	journal_free(&j);
	load(&j, f);
	assert_int_equal(j.n, 1);
	assert_true(journal_has(&j, ONE, 3));
	assert_int_equal(journal_add(&j, &f->spool, TWO, 0, &why), 0);
	journal_free(&j);
	load(&j, f);
	assert_int_equal(j.n, 2);
	assert_int_equal(journal_clear(&j, &f->spool, &why), 0);
	journal_free(&j);
}

/* One runner ends and another has begun: neither writes over the other's
 * notes, and none is wiped out by who does not know of it. */
static void
test_two_runners(void **state)
{
	struct fake_spool *f = *state;
	struct journal old, new;
	struct fault why;

	assert_int_equal(journal_reserve(&f->spool, &why), 0);
	load(&old, f);
	assert_int_equal(journal_add(&old, &f->spool, ONE, 0, &why), 0);
	load(&new, f);
	for (uint32_t i = 1; i < 4; i++) {
		assert_int_equal(journal_add(&old, &f->spool, ONE, i, &why),
		    0);
		assert_int_equal(journal_add(&new, &f->spool, TWO, i, &why),
		    0);
	}
	assert_int_equal(journal_clear(&new, &f->spool, &why), 0);
	journal_free(&new);
	journal_free(&old);
	load(&new, f);
	assert_int_equal(new.n, 3);
	for (uint32_t i = 1; i < 4; i++)
		assert_true(journal_has(&new, ONE, i));
	assert_int_equal(journal_clear(&new, &f->spool, &why), 0);
	journal_free(&new);
}

/* A note that finds no place on the disk is known to who made it. */
static void
test_no_disk(void **state)
{
	struct fake_spool *f = *state;
	struct journal j;
	struct fault why;

	load(&j, f);
	(void)unlinkat(f->spool.root, "journal", 0);
	assert_int_equal(mkdirat(f->spool.root, "journal", 0700), 0);
	assert_int_equal(journal_add(&j, &f->spool, ONE, 1, &why), -1);
	assert_true(journal_has(&j, ONE, 1));
	assert_int_equal(j.n, 1);
	assert_int_equal(unlinkat(f->spool.root, "journal", AT_REMOVEDIR), 0);
	assert_int_equal(journal_add(&j, &f->spool, ONE, 1, &why), 0);
	assert_int_equal(j.n, 1);
	journal_free(&j);
	load(&j, f);
	assert_true(journal_has(&j, ONE, 1));
	journal_free(&j);
}

/* What is on hold is marked when it is released, not before. */
static void
test_held(void **state)
{
	struct fake_spool *f = *state;
	struct journal j;
	struct fault why;
	int fd;

	load(&j, f);
	assert_int_equal(journal_add(&j, &f->spool, ONE, 1, &why), 0);
	assert_int_equal(journal_add(&j, &f->spool, TWO, 0, &why), 0);
	fd = openat(f->spool.root, "hold/" TWO, O_WRONLY | O_CREAT | O_CLOEXEC,
	    0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(journal_clear(&j, &f->spool, &why), 0);
	assert_true(journal_has(&j, TWO, 0));
	journal_free(&j);
	load(&j, f);
	assert_true(journal_has(&j, TWO, 0));
	assert_int_equal(unlinkat(f->spool.root, "hold/" TWO, 0), 0);
	assert_int_equal(journal_clear(&j, &f->spool, &why), 0);
	assert_false(journal_has(&j, TWO, 0));
	journal_free(&j);
	load(&j, f);
	assert_int_equal(j.n, 0);
	journal_free(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room_behind, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_two_runners, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_held, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
