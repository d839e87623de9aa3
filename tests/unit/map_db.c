/* SPDX-License-Identifier: ISC */
/*
 * map/db and map/map: what is written is read again, by ourselves and with the
 * habits of other programs; what is damaged is a temporary fault.  Two
 * thousand files with one flipped bit are asked in children of their own, so
 * that a crash or a loop in the library is seen as what it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <db.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "map/db.h"
#include "os/file.h"

#define NAMES	60
#define OTHERS	3000	/* more of them, for a large file */
#define FLIPS	2000
#define ANSWER	40	/* exit status of a child that lived to its end */

static char dir[] = "/tmp/map_db.XXXXXX";

static void
path_of(char out[64], const char *name)
{
	snprintf(out, 64, "%s/%s", dir, name);
}

static unsigned
count_files(void)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static int
remove_all(void **state)
{
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	(void)state;
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' && unlink(path) == -1)
			rmdir(path);
	}
	closedir(d);
	return 0;
}

static void
put(struct db_writer *w, const char *key, const char *value)
{
	struct fault why;
	bool duplicate;

	assert_int_equal(db_writer_put(w, str_of(key), str_of(value),
	    &duplicate, &why), 0);
	assert_false(duplicate);
}

static struct db_writer *
new_writer(const char *path)
{
	struct fault why;
	struct db_writer *w = db_writer_new(path, &why);

	assert_non_null(w);
	return w;
}

static struct map *
must_open(const char *path)
{
	struct fault why;
	bool missing;
	struct map *m = db_open(path, &missing, &why);

	assert_non_null(m);
	assert_false(missing);
	return m;
}

/* What map_find says; the value is compared with want when there is one. */
static int
ask(struct map *m, const char *key, const char *want)
{
	struct arena arena = { 0 };
	struct fault why;
	struct str value;
	int r;

	r = map_find(m, &arena, str_of(key), &value, &why);
	if (r == 1 && want != NULL)
		assert_true(str_eq(value, str_of(want)));
	arena_free(&arena);
	return r;
}

static void
reads_what_was_written(void **state)
{
	char path[64], longest[4000 + 1], big[20000 + 1];
	char key[DB_KEY_LONGEST + 2];
	struct db_writer *w;
	struct map *m;

	(void)state;
	path_of(path, "a.db");
	memset(longest, 'v', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memset(big, 'w', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	memset(key, 'k', sizeof(key) - 1);
	key[DB_KEY_LONGEST] = '\0';
	w = new_writer(path);
	put(w, "root", "admin@example.org");
	put(w, "empty", "");
	put(w, "long", longest);
	put(w, "big", big);
	put(w, key, "end");
	assert_int_equal(db_writer_commit(w, &(struct fault){ 0 }), 0);

	m = must_open(path);
	assert_int_equal(ask(m, "root", "admin@example.org"), 1);
	assert_int_equal(ask(m, "empty", ""), 1);
	assert_int_equal(ask(m, "long", longest), 1);
	assert_int_equal(ask(m, "big", big), 1);
	assert_int_equal(ask(m, key, "end"), 1);
	assert_int_equal(ask(m, "Root", NULL), 0);
	assert_int_equal(ask(m, "roo", NULL), 0);
	assert_int_equal(ask(m, "", NULL), 0);
	key[DB_KEY_LONGEST] = 'k';
	key[DB_KEY_LONGEST + 1] = '\0';
	assert_int_equal(ask(m, key, NULL), 0);
	map_close(m);
	map_close(NULL);
}

static void
the_first_of_two_stays(void **state)
{
	char path[64];
	struct db_writer *w;
	struct fault why;
	struct map *m;
	bool duplicate = false;

	(void)state;
	path_of(path, "a.db");
	w = new_writer(path);
	put(w, "a", "one");
	assert_int_equal(db_writer_put(w, STR("a"), STR("two"), &duplicate,
	    &why), 0);
	assert_true(duplicate);
	assert_int_equal(db_writer_commit(w, &why), 0);
	m = must_open(path);
	assert_int_equal(ask(m, "a", "one"), 1);
	map_close(m);
}

static void
too_long_is_refused(void **state)
{
	static const char big[1024 * 1024];
	char path[64];
	struct db_writer *w;
	struct fault why;
	bool duplicate;

	(void)state;
	path_of(path, "a.db");
	w = new_writer(path);
	assert_int_equal(db_writer_put(w, str_span(big, DB_KEY_LONGEST + 1),
	    STR("x"), &duplicate, &why), -1);
	assert_int_equal(db_writer_put(w, STR("x"), str_span(big,
	    sizeof(big)), &duplicate, &why), -1);
	db_writer_abort(w);
	assert_int_equal(count_files(), 0);
}

/* Nothing is seen before the commit, and nothing is left by an abort. */
static void
is_put_in_place_whole(void **state)
{
	char path[64];
	struct db_writer *w;
	struct fault why;
	struct map *old, *new;
	struct stat st;
	mode_t mask;

	(void)state;
	path_of(path, "a.db");
	w = new_writer(path);
	put(w, "a", "one");
	assert_int_equal(access(path, F_OK), -1);
	db_writer_abort(w);
	db_writer_abort(NULL);
	assert_int_equal(count_files(), 0);

	mask = umask(077);
	w = new_writer(path);
	put(w, "a", "one");
	assert_int_equal(db_writer_commit(w, &why), 0);
	umask(mask);
	assert_int_equal(count_files(), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);

	old = must_open(path);
	assert_true(db_is_current(old));
	w = new_writer(path);
	put(w, "a", "two");
	assert_true(db_is_current(old));
	assert_int_equal(db_writer_commit(w, &why), 0);
	assert_false(db_is_current(old));
	new = must_open(path);
	assert_int_equal(ask(old, "a", "one"), 1);
	assert_int_equal(ask(new, "a", "two"), 1);
	unlink(path);
	assert_false(db_is_current(new));
	map_close(old);
	map_close(new);
}

static void
cannot_write_there(void **state)
{
	struct fault why;
	char path[64];
	struct db_writer *w;

	(void)state;
	assert_null(db_writer_new("/nonexistent/a.db", &why));
	assert_true(fault_is_temporary(&why));
	path_of(path, "a.db");
	w = new_writer(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(db_writer_commit(w, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_int_equal(count_files(), 1);
}

static void
put_bare(DB *db, const char *key, size_t key_size, const char *value,
    size_t value_size)
{
	DBT k, v;

	memset(&k, 0, sizeof(k));
	memset(&v, 0, sizeof(v));
	k.data = (void *)(uintptr_t)key;
	k.size = (uint32_t)key_size;
	v.data = (void *)(uintptr_t)value;
	v.size = (uint32_t)value_size;
	assert_int_equal(db->put(db, NULL, &k, &v, 0), 0);
}

/* A file of another program: any method, with or without NULs. */
static void
write_foreign(const char *path, DBTYPE type, bool nul, uint32_t flags)
{
	char key[64], value[128];
	DB *db;
	int i;

	assert_int_equal(db_create(&db, NULL, 0), 0);
	assert_int_equal(db->set_flags(db, flags), 0);
	assert_int_equal(db->open(db, NULL, path, NULL, type,
	    DB_CREATE | DB_TRUNCATE, 0644), 0);
	for (i = 0; i < NAMES; i++) {
		snprintf(key, sizeof(key), "user%d", i);
		snprintf(value, sizeof(value), "user%d@example.org", i);
		put_bare(db, key, strlen(key) + nul, value,
		    strlen(value) + nul);
	}
	/* And a key and values that have no byte at all. */
	if (type == DB_HASH) {
		put_bare(db, "", 0, "", 0);
		put_bare(db, "bare", 4 + nul, "", 0);
	}
	assert_int_equal(db->close(db, 0), 0);
}

static void
reads_with_and_without_nul(void **state)
{
	char path[64];
	struct map *m;
	int nul;

	(void)state;
	path_of(path, "a.db");
	for (nul = 0; nul < 2; nul++) {
		write_foreign(path, DB_HASH, nul, 0);
		m = must_open(path);
		assert_int_equal(ask(m, "other", NULL), 0);
		assert_int_equal(ask(m, "user7", "user7@example.org"), 1);
		assert_int_equal(ask(m, "other", NULL), 0);
		assert_int_equal(ask(m, "user8", "user8@example.org"), 1);
		assert_int_equal(ask(m, "bare", ""), 1);
		assert_int_equal(ask(m, "", NULL), 0);
		map_close(m);
	}
}

static void
missing_is_told(void **state)
{
	struct fault why;
	char path[64];
	bool missing = false;

	(void)state;
	path_of(path, "none.db");
	assert_null(db_open(path, &missing, &why));
	assert_true(missing);
}

static void
set_byte(const char *path, off_t at, uint8_t byte)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void
make_bad(const char *path, unsigned which)
{
	switch (which) {
	case 0:
		assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0644)),
		    0);
		break;
	case 1:
		write_foreign(path, DB_HASH, true, 0);
		assert_int_equal(truncate(path, 511), 0);
		break;
	case 2:
		write_foreign(path, DB_HASH, true, 0);
		assert_int_equal(truncate(path, 4096), 0);
		break;
	case 3:
		write_foreign(path, DB_HASH, true, 0);
		assert_int_equal(truncate(path, 8000), 0);
		break;
	case 4:
		write_foreign(path, DB_BTREE, true, 0);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		write_foreign(path, DB_HASH, true, DB_CHKSUM);
		/* version, page size, checksum flag, file type */
		set_byte(path, (off_t[]){ 16, 21, 26, 25 }[which - 5], 0);
		break;
	case 9:
		assert_int_equal(mkdir(path, 0700), 0);
		break;
	case 10:
		assert_int_equal(mkfifo(path, 0600), 0);
		break;
	case 11:
		assert_int_equal(file_save(AT_FDCWD, path,
		    str_span("root: admin\n", 12), 0644,
		    &(struct fault){ 0 }), 0);
		assert_int_equal(truncate(path, 8192), 0);
		break;
	}
}

/* Nothing of it is silent about the damage, or speaks on standard error. */
static void
malformed_files_are_temporary(void **state)
{
	char path[64];
	struct fault why;
	bool missing;
	unsigned i;
	int quiet, saved;
	off_t said;

	(void)state;
	path_of(path, "words");
	quiet = open(path, O_CREAT | O_RDWR, 0600);
	path_of(path, "a.db");
	for (i = 0; i < 12; i++) {
		make_bad(path, i);
		saved = dup(2);
		dup2(quiet, 2);
		assert_null(db_open(path, &missing, &why));
		dup2(saved, 2);
		close(saved);
		assert_false(missing);
		assert_true(fault_is_temporary(&why));
		if (unlink(path) == -1)
			rmdir(path);
	}
	said = lseek(quiet, 0, SEEK_END);
	close(quiet);
	assert_int_equal(said, 0);
}

/* A hostile DB_CONFIG, here and beside the map, would make each open fail. */
static void
no_db_config_is_read(void **state)
{
	static const struct str hostile = { "no_such_word at all\n", 20 };
	char path[64], here[512];
	struct db_writer *w;
	struct map *m;

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	path_of(path, "DB_CONFIG");
	assert_int_equal(file_save(AT_FDCWD, path, hostile, 0644,
	    &(struct fault){ 0 }), 0);
	assert_int_equal(chdir(dir), 0);
	setenv("DB_HOME", dir, 1);
	w = new_writer("a.db");
	put(w, "a", "one");
	assert_int_equal(db_writer_commit(w, &(struct fault){ 0 }), 0);
	m = must_open("a.db");
	assert_int_equal(ask(m, "a", "one"), 1);
	map_close(m);
	unsetenv("DB_HOME");
	assert_int_equal(chdir(here), 0);
}

/* In a child: asks every name; 0 all well, 1 a fault, 2 a lie. */
static int
ask_all(const char *path)
{
	char key[64], want[128];
	struct arena arena = { 0 };
	struct fault why;
	struct str value;
	struct map *m;
	bool missing;
	int i, r;

	m = db_open(path, &missing, &why);
	if (m == NULL)
		return missing || !fault_is_temporary(&why) ? 2 : 1;
	for (i = 0; i < NAMES; i++) {
		snprintf(key, sizeof(key), "user%d", i);
		snprintf(want, sizeof(want), "user%d@example.org", i);
		r = map_find(m, &arena, str_of(key), &value, &why);
		if (r == -1)
			return fault_is_temporary(&why) ? 1 : 2;
		if (r == 0 || !str_eq(value, str_of(want)))
			return 2;
	}
	map_close(m);
	arena_free(&arena);
	return 0;
}

static int
ask_all_in_child(const char *path)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		alarm(120);
		_exit(ANSWER + ask_all(path));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	/* A sanitizer ends with another status. */
	assert_in_range(WEXITSTATUS(status), ANSWER, ANSWER + 2);
	return WEXITSTATUS(status) - ANSWER;
}

/* Flips one bit after the other; how often was each answer given? */
static void
flip(const char *path, unsigned seen[3])
{
	struct buf b;
	unsigned i, bit;
	size_t at;
	int answer;

	buf_init(&b);
	assert_int_equal(file_load(AT_FDCWD, path, 1 << 20, &b,
	    &(struct fault){ 0 }), 0);
	assert_int_equal(ask_all_in_child(path), 0);
	srandom(7);
	for (i = 0; i < FLIPS; i++) {
		at = (size_t)random() % b.n;
		/* One in four in the first bytes of a page. */
		if (i % 4 == 0)
			at = at / 4096 * 4096 + at % 512;
		bit = (unsigned)random() % 8;
		set_byte(path, (off_t)at,
		    (uint8_t)((uint8_t)b.p[at] ^ 1U << bit));
		answer = ask_all_in_child(path);
		seen[answer]++;
		set_byte(path, (off_t)at, (uint8_t)b.p[at]);
	}
	buf_free(&b);
}

/* The names that are asked for, and so many others. */
static void
write_names(const char *path, int others)
{
	char key[64], value[128];
	struct db_writer *w = new_writer(path);
	int i;

	for (i = 0; i < NAMES + others; i++) {
		snprintf(key, sizeof(key), "user%d", i);
		snprintf(value, sizeof(value), "user%d@example.org", i);
		put(w, key, value);
	}
	assert_int_equal(db_writer_commit(w, &(struct fault){ 0 }), 0);
}

static off_t
size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* A small file is read whole, of a large one a page at a time. */
static void
a_flipped_bit_is_never_a_lie(void **state)
{
	unsigned seen[3] = { 0 };
	char path[64];

	(void)state;
	path_of(path, "a.db");
	write_names(path, 0);
	assert_in_range(size_of(path), 0, 128 * 1024);
	flip(path, seen);
	assert_int_equal(seen[2], 0);
	assert_true(seen[1] > FLIPS / 2);
	memset(seen, 0, sizeof(seen));
	write_names(path, OTHERS);
	assert_in_range(size_of(path), 128 * 1024 + 1, 1024 * 1024);
	flip(path, seen);
	assert_int_equal(seen[2], 0);
	assert_true(seen[1] > FLIPS / 8);
}

/* All of it, and nothing else, whatever its size. */
static void
of_every_size(void **state)
{
	static const int others[] = { 0, 1, 200, 1500, OTHERS };
	char path[64], key[64], value[128];
	struct map *m;
	size_t i;
	int k;

	(void)state;
	path_of(path, "a.db");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		write_names(path, others[i]);
		m = must_open(path);
		for (k = 0; k < NAMES + others[i]; k++) {
			snprintf(key, sizeof(key), "user%d", k);
			snprintf(value, sizeof(value), "user%d@example.org", k);
			assert_int_equal(ask(m, key, value), 1);
		}
		snprintf(key, sizeof(key), "user%d", k);
		assert_int_equal(ask(m, key, NULL), 0);
		assert_int_equal(ask(m, "user", NULL), 0);
		assert_int_equal(ask(m, "a", NULL), 0);
		assert_int_equal(ask(m, "z", NULL), 0);
		map_close(m);
	}
}

/* Without checksums a lie cannot be told from the truth, but nothing worse
 * may happen. */
static void
a_foreign_file_never_crashes_us(void **state)
{
	unsigned seen[3] = { 0 };
	char path[64];

	(void)state;
	path_of(path, "a.db");
	write_foreign(path, DB_HASH, true, 0);
	flip(path, seen);
	assert_true(seen[1] > 0);
}

static void
is_inherited_over_fork(void **state)
{
	char path[64];
	struct map *m;
	int i, status;

	(void)state;
	path_of(path, "a.db");
	write_foreign(path, DB_HASH, true, 0);
	m = must_open(path);
	for (i = 0; i < 20; i++)
		if (fork() == 0) {
			alarm(120);
			_exit(ask(m, "user7", "user7@example.org") != 1 ||
			    ask(m, "nobody", NULL) != 0);
		}
	for (i = 0; i < 20; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(ask(m, "user9", "user9@example.org"), 1);
	map_close(m);
}

#ifndef __SANITIZE_ADDRESS__	/* which needs terabytes, or ends the process */

/* Leaves this process so many bytes of heap and no way to get more. */
static void
starve(size_t left)
{
	struct rlimit none = { 1, 1 };
	void *volatile kept = malloc(left), *volatile p;
	size_t n;	/* (volatile, or a compiler leaves it all out) */

	/* The library says it there as well. */
	if (freopen("/dev/null", "w", stderr) == NULL)
		_exit(1);
	if (kept == NULL || setrlimit(RLIMIT_AS, &none) == -1)
		_exit(1);
	for (n = 65536; n >= 16; n /= 2)
		do
			p = malloc(n);
		while (p != NULL);
	free(kept);
}

/* How often did it open, and how often was there a fault, with ever more heap?
 * Nothing else may become of a process that cannot afford to die. */
static void
open_starving(const char *path, unsigned seen[2])
{
	bool missing;
	struct fault why;
	struct map *m;
	size_t left;
	int status;
	pid_t pid;

	for (left = 16; left < 120 * 1024; left += left < 8192 ? 256 : 2048) {
		if ((pid = fork()) == 0) {
			alarm(120);
			starve(left);
			m = db_open(path, &missing, &why);
			if (m == NULL)
				_exit(missing || !fault_is_temporary(&why) ?
				    1 : ANSWER + 1);
			map_close(m);
			_exit(ANSWER);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_in_range(WEXITSTATUS(status), ANSWER, ANSWER + 1);
		seen[WEXITSTATUS(status) - ANSWER]++;
	}
}

static void
no_memory_is_a_fault(void **state)
{
	unsigned seen[2] = { 0 };
	char path[64];
	struct db_writer *w;

	(void)state;
	path_of(path, "own.db");
	w = new_writer(path);
	assert_int_equal(db_writer_put(w, STR("a"), STR("b"), &(bool){ 0 },
	    &(struct fault){ 0 }), 0);
	assert_int_equal(db_writer_commit(w, &(struct fault){ 0 }), 0);
	open_starving(path, seen);
	assert_true(seen[0] > 0 && seen[1] > 5);
	memset(seen, 0, sizeof(seen));
	path_of(path, "foreign.db");
	write_foreign(path, DB_HASH, true, 0);
	open_starving(path, seen);
	assert_true(seen[1] > 5);
}

#endif

int
main(void)
{
#define T(f)	cmocka_unit_test_teardown(f, remove_all)
	const struct CMUnitTest tests[] = {
		T(reads_what_was_written),
		T(the_first_of_two_stays),
		T(too_long_is_refused),
		T(is_put_in_place_whole),
		T(cannot_write_there),
		T(reads_with_and_without_nul),
		T(missing_is_told),
		T(malformed_files_are_temporary),
		T(no_db_config_is_read),
		T(of_every_size),
		T(a_flipped_bit_is_never_a_lie),
		T(a_foreign_file_never_crashes_us),
		T(is_inherited_over_fork),
#ifndef __SANITIZE_ADDRESS__
		T(no_memory_is_a_fault),
#endif
	};
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
