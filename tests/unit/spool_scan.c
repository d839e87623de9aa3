/* SPDX-License-Identifier: ISC */
/*
 * spool/scan: every entry once, nothing that is not one, and a directory that
 * cannot be read costs only itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "fake_spool.h"
#include "os/clock.h"
#include "spool/scan.h"

static void
touch(struct fake_spool *f, const char *path)
{
	int fd = openat(f->spool.q, path, O_WRONLY | O_CREAT | O_CLOEXEC,
	    0600);

	assert_true(fd >= 0);
	close(fd);
}

static void
test_empty(void **state)
{
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	struct scan scan;
	struct fault why;

	scan_start(&scan, &f->spool, false);
	assert_null(scan_next(&scan, &why));
	assert_int_equal(why.kind, FAULT_NONE);
	assert_null(scan_next(&scan, &why));
	scan_stop(&scan);
	assert_int_equal(fake_open_files(), before);
}

static void
test_all(void **state)
{
	enum { N = 1000 };
	struct fake_spool *f = *state;
	static char name[N][SPOOL_NAME_MAX];
	bool seen[N] = { false };
	char path[SPOOL_PATH_MAX];
	unsigned found = 0, i;
	struct scan scan;
	struct fault why;
	const char *s;

	for (i = 0; i < N; i++) {
		spool_name_new(name[i], i);
		if (i % 10 == 0)
			memcpy(name[i] + SPOOL_ID_LEN, "-b1", 4);
		touch(f, spool_entry_path(name[i], path));
	}
	touch(f, "00/.hidden");
	touch(f, "00/README");
	touch(f, "ff/01ARZ3NDEKTSV4RRF");
	touch(f, "ff/01ARZ3NDEKTSV4RRFF.tmp");
	scan_start(&scan, &f->spool, false);
	while ((s = scan_next(&scan, &why)) != NULL) {
		for (i = 0; i < N && strcmp(name[i], s) != 0; i++)
			;
		assert_true(i < N);
		assert_false(seen[i]);
		seen[i] = true;
		found++;
	}
	assert_int_equal(found, N);
	assert_false(scan.missed);
	scan_stop(&scan);
}

static void
test_missing_directory(void **state)
{
	struct fake_spool *f = *state;
	struct scan scan;
	struct fault why;
	char name[SPOOL_NAME_MAX], path[SPOOL_PATH_MAX];
	const char *s;
	unsigned faults = 0, found = 0;

	do
		spool_name_new(name, 1);
	while (strncmp(spool_entry_path(name, path), "fe/", 3) != 0);
	touch(f, path);
	assert_int_equal(unlinkat(f->spool.q, "05", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(f->spool.q, "ff", AT_REMOVEDIR), 0);
	touch(f, "ff");
	scan_start(&scan, &f->spool, false);
	do {
		s = scan_next(&scan, &why);
		found += s != NULL;
		faults += why.kind != FAULT_NONE;
	} while (s != NULL);
	assert_int_equal(found, 1);
	assert_int_equal(faults, 2);
	assert_true(scan.missed);
	scan_stop(&scan);
}

static void
test_stopped(void **state)
{
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	char name[SPOOL_NAME_MAX], path[SPOOL_PATH_MAX];
	struct scan scan;
	struct fault why;

	for (int i = 0; i < 10; i++) {
		spool_name_new(name, i);
		touch(f, spool_entry_path(name, path));
	}
	scan_start(&scan, &f->spool, false);
	assert_non_null(scan_next(&scan, &why));
	scan_stop(&scan);
	assert_int_equal(fake_open_files(), before);
	assert_null(scan_next(&scan, &why));
	scan_stop(&scan);
}

enum { LATER = 3 };	/* seconds: more than a file system's clock rests */

/* Until what happens now has another time than what has happened. */
static void
tick(struct fake_spool *f)
{
	struct stat before, after;

	assert_int_equal(fstat(f->spool.q, &before), 0);
	do {
		assert_int_equal(fchmod(f->spool.q, before.st_mode & 07777),
		    0);
		assert_int_equal(fstat(f->spool.q, &after), 0);
	} while (before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
	    before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
}

/* How many names a walk with this memory meets, so many seconds from now. */
static unsigned
walk(struct fake_spool *f, struct scan_memory *memory, int64_t later)
{
	struct scan scan;
	struct fault why;
	unsigned n = 0;

	scan_start(&scan, &f->spool, true);
	scan_remember(&scan, memory, clock_wall() + later);
	while (scan_next(&scan, &why) != NULL)
		n++;
	assert_int_equal(why.kind, FAULT_NONE);
	scan_stop(&scan);
	return n;
}

/* What has not changed is passed over; what may have changed is not. */
static void
test_memory(void **state)
{
	struct fake_spool *f = *state;
	struct scan_memory memory = { 0 };
	char path[SPOOL_PATH_MAX], other[SPOOL_PATH_MAX];
	struct scan scan;
	struct fault why;

	touch(f, spool_entry_path("01ARZ3NDEKTSV4RRFF", path));
	touch(f, spool_entry_path("01ARZ3NDEKTSV4RRFG", other));
	/* So soon nobody can tell whether more will be made in that tick. */
	assert_int_equal(walk(f, &memory, 0), 2);
	assert_int_equal(walk(f, &memory, 0), 2);
	assert_int_equal(walk(f, &memory, LATER), 2);
	assert_int_equal(walk(f, &memory, LATER), 0);
	tick(f);
	touch(f, spool_entry_path("01ARZ3NDEKTSV4RRFF-b1", path));
	assert_int_equal(walk(f, &memory, LATER), 2);
	assert_int_equal(walk(f, &memory, LATER), 0);
	assert_int_equal(walk(f, &memory, 0), 3);
	assert_int_equal(walk(f, &memory, LATER), 3);
	/* One that was not walked to its end is not known. */
	tick(f);
	touch(f, spool_entry_path("01ARZ3NDEKTSV4RRFF-b2", path));
	scan_start(&scan, &f->spool, true);
	scan_remember(&scan, &memory, clock_wall() + LATER);
	assert_non_null(scan_next(&scan, &why));
	scan_stop(&scan);
	assert_int_equal(unlinkat(f->spool.q, other, 0), 0);
	assert_int_equal(walk(f, &memory, LATER), 3);
	assert_int_equal(walk(f, &memory, LATER), 0);
	/* What may have to be swept one day is looked at each time. */
	tick(f);
	touch(f, "ef/.t.01ARZ3NDEKTSV4RRFZ");
	assert_int_equal(walk(f, &memory, LATER), 3);
	assert_int_equal(walk(f, &memory, LATER), 3);
	/* Without a memory all is met. */
	assert_int_equal(walk(f, NULL, LATER), 3);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, fake_spool_setup,		\
	    fake_spool_teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_empty),
		WITH(test_all),
		WITH(test_missing_directory),
		WITH(test_stopped),
		WITH(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
