/* SPDX-License-Identifier: ISC */
/*
 * spool/path: the directories, the names, and moving entries about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "fake_spool.h"
#include "os/dir.h"

static mode_t
mode_of(struct fake_spool *f, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(f->spool.root, path, &st, 0), 0);
	assert_true(S_ISDIR(st.st_mode));
	return st.st_mode & 07777;
}

static void
test_make(void **state)
{
	static const char *const dirs[] = { "q", "q/00", "q/7f", "q/ff",
	    "hold", "corrupt", "drop" };
	struct fake_spool *f = *state;
	struct fault why;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		assert_int_equal(mode_of(f, dirs[i]), 0700);
	assert_true(fake_exists(f, "journal"));
	/* Making it again changes nothing and is no error. */
	assert_int_equal(spool_make(f->path, NULL, &why), 0);
	assert_int_equal(chmod(f->path, 0755), 0);
	assert_int_equal(fchmodat(f->spool.root, "q", 0777, 0), 0);
	assert_int_equal(spool_make(f->path, NULL, &why), -1);
	assert_non_null(strstr(why.text, "q"));
	assert_int_equal(mode_of(f, "q"), 0777);
}

static void
test_make_in_nowhere(void **state)
{
	struct fault why;

	(void)state;
	assert_int_equal(spool_make("/nonexistent/a/b", NULL, &why), -1);
	assert_true(fault_is_temporary(&why));
}

static void
test_open(void **state)
{
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	struct spool s;
	struct fault why;

	assert_int_equal(spool_open(&s, f->path, false, true, &why), 0);
	assert_true((fcntl(s.root, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(s.q, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(s.mode, 0060);
	spool_close(&s);
	spool_close(&s);
	assert_int_equal(spool_open(&s, f->path, true, false, &why), 0);
	assert_int_equal(s.root, -1);
	assert_int_equal(s.mode, 0600);
	assert_int_equal(faccessat(s.q, "00", F_OK, 0), 0);
	spool_close(&s);
	assert_int_equal(spool_open(&s, "/nonexistent", false, false, &why),
	    -1);
	assert_int_equal(spool_open(&s, f->dir, false, false, &why), -1);
	assert_int_equal(s.root, -1);
	assert_int_equal(s.q, -1);
	assert_int_equal(s.hold, -1);
	assert_int_equal(fake_open_files(), before);
}

/* Where a link must be followed by a sync of its directory. */
static void
test_open_shards(void **state)
{
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	struct spool s = f->spool;
	struct fault why;
	char name[SPOOL_NAME_MAX], shard[3];

	s.dir_sync = true;
	s.root = s.q = s.hold = -1;
	s.shards = mem_array(SPOOL_SHARDS, sizeof(*s.shards));
	for (unsigned i = 0; i < SPOOL_SHARDS; i++)
		s.shards[i] = -1;
	spool_name_new(name, 1);
	/* The directory of the name, and of no other. */
	assert_int_equal(spool_sync_shard(&s, name, &why), -1);
	spool_shard(name, shard);
	s.shards[strtoul(shard, NULL, 16)] = dir_open(f->spool.q, shard, &why);
	assert_int_equal(spool_sync_shard(&s, name, &why), 0);
	spool_close(&s);
	assert_int_equal(fake_open_files(), before);
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, SPOOL_ID_LEN);
}

static void
test_new_names(void **state)
{
	enum { N = 20000 };
	char (*name)[SPOOL_NAME_MAX] = calloc(N, sizeof(*name));
	char early[SPOOL_NAME_MAX], late[SPOOL_NAME_MAX];

	(void)state;
	for (int i = 0; i < N; i++) {
		spool_name_new(name[i], INT64_C(1790000000000));
		assert_int_equal(strlen(name[i]), SPOOL_ID_LEN);
		assert_true(spool_name_is_valid(str_of(name[i])));
	}
	qsort(name, N, sizeof(*name), compare);
	for (int i = 1; i < N; i++)
		assert_string_not_equal(name[i - 1], name[i]);
	free(name);
	/* They sort by time. */
	for (int64_t t = 1; t < INT64_C(1) << 49; t *= 3) {
		spool_name_new(early, t - 1);
		spool_name_new(late, t);
		assert_true(strcmp(early, late) < 0);
	}
}

static const struct {
	const char	*name;
	bool		 valid;
} names[] = {
	{ "01ARZ3NDEKTSV4RRFF", true },
	{ "000000000000000000", true },
	{ "ZZZZZZZZZZZZZZZZZZ", true },
	{ "01ARZ3NDEKTSV4RRFF-b1", true },
	{ "01ARZ3NDEKTSV4RRFF-b255", true },
	{ "01ARZ3NDEKTSV4RRFF-b10-b20", true },
	{ "01ARZ3NDEKTSV4RRFF-b12345-b12", true },
	{ "", false },
	{ "01ARZ3NDEKTSV4RRF", false },
	{ "01ARZ3NDEKTSV4RRFFF", false },
	{ "01ARZ3NDEKTSV4RRF.", false },
	{ "01ARZ3NDEK/SV4RRFF", false },
	{ "../RZ3NDEKTSV4RRFF", false },
	{ "01ARZ3NDEKTSV4RRFU", false },
	{ "01ARZ3NDEKTSV4RRF ", false },
	{ "01ARZ3NDEKTSV4RRFF-", false },
	{ "01ARZ3NDEKTSV4RRFF-b", false },
	{ "01ARZ3NDEKTSV4RRFF-b0", false },
	{ "01ARZ3NDEKTSV4RRFF-b01", false },
	{ "01ARZ3NDEKTSV4RRFF-b1x", false },
	{ "01ARZ3NDEKTSV4RRFF-c1", false },
	{ "01ARZ3NDEKTSV4RRFF-b1-", false },
	{ "01ARZ3NDEKTSV4RRFF-b1-b", false },
	{ "01ARZ3NDEKTSV4RRFF-b1/../x", false },
	{ "01ARZ3NDEKTSV4RRFF-b1-b1-b1", false },
	{ "01ARZ3NDEKTSV4RRFF-b12345678901", true },
	{ "01ARZ3NDEKTSV4RRFF-b123456789012", false },
};

static void
test_validity(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (spool_name_is_valid(str_of(names[i].name)) !=
		    names[i].valid)
			fail_msg("\"%s\"", names[i].name);
	assert_false(spool_name_is_valid(STR("01ARZ3NDE\0TSV4RRFF")));
	assert_false(spool_name_is_valid(STR("01ARZ3NDEKTSV4RRFF\0")));
}

static void
test_shards(void **state)
{
	bool seen[SPOOL_SHARDS] = { false };
	char name[SPOOL_NAME_MAX], path[SPOOL_PATH_MAX], shard[3];
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		spool_name_new(name, 7);
		spool_shard(name, shard);
		assert_int_equal(strlen(shard), 2);
		seen[strtoul(shard, NULL, 16)] = true;
		spool_entry_path(name, path);
		assert_memory_equal(path, shard, 2);
		assert_int_equal(path[2], '/');
		assert_string_equal(path + 3, name);
	}
	for (int i = 0; i < SPOOL_SHARDS; i++)
		n += seen[i];
	assert_int_equal(n, SPOOL_SHARDS);
	/* A bounce lies beside its cause. */
	spool_shard("01ARZ3NDEKTSV4RRFF", shard);
	spool_entry_path("01ARZ3NDEKTSV4RRFF-b12-b3", path);
	assert_memory_equal(path, shard, 2);
}

static void
test_moving(void **state)
{
	struct fake_spool *f = *state;
	struct envelope env = fake_envelope(f, "a@b.example", "c@d.example");
	struct fault why;
	char name[SPOOL_NAME_MAX], path[SPOOL_PATH_MAX];

	fake_submit(f, &env, NULL, STR_NONE, STR("A: b\r\n\r\n"), name);
	assert_true(fake_is_queued(f, name));
	assert_int_equal(spool_set_aside(&f->spool, name, "hold", &why), 0);
	snprintf(path, sizeof(path), "hold/%s", name);
	assert_false(fake_is_queued(f, name));
	assert_true(fake_exists(f, path));
	assert_int_equal(spool_set_aside(&f->spool, name, "hold", &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_int_equal(spool_bring_back(&f->spool, name, "hold", &why), 0);
	assert_true(fake_is_queued(f, name));
	assert_false(fake_exists(f, path));
	assert_int_equal(spool_bring_back(&f->spool, name, "hold", &why), -1);
	assert_int_equal(spool_sync_shard(&f->spool, name, &why), 0);
	assert_int_equal(spool_remove(&f->spool, name, &why), 0);
	assert_false(fake_is_queued(f, name));
	assert_int_equal(spool_remove(&f->spool, name, &why), -1);
	assert_non_null(strstr(why.text, name));
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, fake_spool_setup,		\
	    fake_spool_teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_make),
		cmocka_unit_test(test_make_in_nowhere),
		WITH(test_open),
		WITH(test_open_shards),
		cmocka_unit_test(test_new_names),
		cmocka_unit_test(test_validity),
		cmocka_unit_test(test_shards),
		WITH(test_moving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
