/* SPDX-License-Identifier: ISC */
/*
 * spool/temp: what somebody needs stays, what nobody needs goes, and neither
 * is ever taken for an entry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <time.h>

#include "fake_spool.h"
#include "os/clock.h"
#include "spool/scan.h"
#include "spool/temp.h"

#define ID	"01ARZ3NDEKTSV4RRFF"

static const struct {
	const char	*file, *entry;
} names[] = {
	{ ".t." ID, ID },
	{ ".t." ID "-b1", ID "-b1" },
	{ ".t." ID "-b", NULL },
	{ ".t.", NULL },
	{ ".t", NULL },
	{ "", NULL },
	{ ID, NULL },
	{ "t." ID, NULL },
	{ ".t" ID, NULL },
	{ ".t.." ID, NULL },
	{ ".T." ID, NULL },
	{ ".t." ID "x", NULL },
	{ ".t.01ARZ3NDEKTSV4RRF", NULL },
};

static void
test_names(void **state)
{
	char path[SPOOL_PATH_MAX];
	const char *entry;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		entry = temp_entry(names[i].file);
		if (names[i].entry == NULL)
			assert_null(entry);
		else
			assert_string_equal(entry, names[i].entry);
		assert_false(spool_name_is_valid(str_of(names[i].file)) &&
		    entry != NULL);
	}
	assert_string_equal(temp_path(ID, path) + 2, "/.t." ID);
}

static void
make_older(struct fake_spool *f, const char *name, int64_t seconds)
{
	struct timespec t[2] = { { .tv_nsec = UTIME_OMIT }, { 0 } };
	char path[SPOOL_PATH_MAX];

	t[1].tv_sec = (time_t)(clock_wall() - seconds);
	assert_int_equal(utimensat(f->spool.q, temp_path(name, path), t, 0),
	    0);
}

/* age: of the file; locked, linked: by whom it is needed, or not at all. */
static const struct {
	int64_t	age;
	bool	locked, linked;
	bool	goes;
} rows[] = {
	{ 0, false, false, false },
	{ TEMP_AGE - 60, false, false, false },
	{ TEMP_AGE, false, false, true },
	{ 10 * TEMP_AGE, false, false, true },
	{ -TEMP_AGE, false, false, false },
	{ 0, true, false, false },
	{ 10 * TEMP_AGE, true, false, false },
	{ 0, true, true, true },
	{ 0, false, true, true },
	{ 10 * TEMP_AGE, true, true, true },
};

static int
make(struct fake_spool *f, size_t row)
{
	char path[SPOOL_PATH_MAX];
	struct fault why;
	bool exists;
	int fd = temp_open(&f->spool, ID, false, &why);

	if (fd < 0)
		fail_msg("%s", why.text);
	if (rows[row].linked)
		assert_int_equal(file_link(fd, f->spool.q,
		    spool_entry_path(ID, path), &exists, &why), 0);
	make_older(f, ID, rows[row].age);
	if (rows[row].locked)
		return fd;
	close(fd);
	return -1;
}

/* Swept by name, by the runner's walk, and not by anybody else's. */
static void
test_sweep(void **state)
{
	struct fake_spool *f = *state;
	char path[SPOOL_PATH_MAX];
	struct scan scan;
	struct fault why;

	for (size_t i = 0; i < 3 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t row = i / 3, kind = i % 3;
		unsigned entries = 0;
		int fd = make(f, row);
		bool there;

		if (kind == 0) {
			assert_int_equal(temp_sweep(&f->spool, ID, TEMP_AGE),
			    rows[row].goes);
		} else {
			scan_start(&scan, &f->spool, kind == 1);
			while (scan_next(&scan, &why) != NULL)
				entries++;
			assert_int_equal(entries, rows[row].linked);
		}
		there = faccessat(f->spool.q, temp_path(ID, path), F_OK,
		    0) == 0;
		if (there == (rows[row].goes && kind != 2))
			fail_msg("row %zu, kind %zu", row, kind);
		assert_int_equal(fake_is_queued(f, ID), rows[row].linked);
		if (fd >= 0)
			close(fd);
		if (rows[row].linked)
			assert_int_equal(spool_remove(&f->spool, ID, &why),
			    0);
		(void)temp_sweep(&f->spool, ID, -TEMP_AGE);
		assert_int_equal(fake_count(f, "q"), 0);
	}
}

static void
test_open(void **state)
{
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	char path[SPOOL_PATH_MAX];
	struct stat st;
	struct fault why;
	int fd, again;

	f->spool.mode = 0600;
	fd = temp_open(&f->spool, ID, false, &why);
	assert_true(fd >= 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(temp_open(&f->spool, ID, false, &why), -1);
	assert_true(fault_is_temporary(&why));
	close(fd);
	again = temp_open(&f->spool, ID, false, &why);
	assert_true(again >= 0);
	close(again);
	assert_int_equal(temp_remove(&f->spool, ID, false, &why), 0);
	assert_int_equal(temp_remove(&f->spool, ID, false, &why), 0);
	assert_false(temp_sweep(&f->spool, ID, 0));
	/* A symbolic link is not followed. */
	assert_int_equal(symlinkat("/etc/passwd", f->spool.q,
	    temp_path(ID, path)), 0);
	assert_int_equal(temp_open(&f->spool, ID, false, &why), -1);
	assert_int_equal(unlinkat(f->spool.q, path, 0), 0);
	assert_int_equal(fake_open_files(), before);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, fake_spool_setup,		\
	    fake_spool_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		WITH(test_sweep),
		WITH(test_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
