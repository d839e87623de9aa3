/* SPDX-License-Identifier: ISC */
/*
 * os/file: whole operations happen wholly or not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"

/* In front of the C library's: one from before Linux 6.10. */
static bool old_kernel;

int
linkat(int from, const char *path, int to, const char *name, int flags)
{
	if (old_kernel && (flags & AT_EMPTY_PATH) != 0) {
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_linkat, from, path, to, name, flags);
}

static char temp_dir[64];
static int dir = -1;

static int
make_dir(void **state)
{
	(void)state;
	snprintf(temp_dir, sizeof(temp_dir), "/tmp/os_file.XXXXXX");
	if (mkdtemp(temp_dir) == NULL)
		return -1;
	dir = open(temp_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir == -1 ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	close(dir);
	return rmdir(temp_dir);
}

static unsigned
count_names(void)
{
	struct dirent *e;
	unsigned n = 0;
	DIR *d = opendir(temp_dir);

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
	closedir(d);
	return n;
}

static void
put_file(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)),
	    (ssize_t)strlen(text));
	close(fd);
}

static void
saves_and_loads(void **state)
{
	static const mode_t modes[] = { 0600, 0644, 0640, 0666 };
	struct buf b = { 0 };
	struct fault why;
	struct stat st;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_int_equal(file_save(dir, "f", STR("one\0two"),
		    modes[i], &why), 0);
		assert_int_equal(fstatat(dir, "f", &st, 0), 0);
		assert_int_equal(st.st_mode & 07777, modes[i]);
		assert_int_equal(count_names(), 1);
	}
	buf_putz(&b, "head ");
	assert_int_equal(file_load(dir, "f", 7, &b, &why), 0);
	assert_int_equal(b.n, 12);
	assert_memory_equal(b.p, "head one\0two", 12);
	assert_int_equal(file_save(dir, "f", STR(""), 0600, &why), 0);
	assert_int_equal(file_load(dir, "f", 0, &b, &why), 0);
	assert_int_equal(b.n, 12);
	buf_free(&b);
	unlinkat(dir, "f", 0);
}

static void
saves_by_path(void **state)
{
	char path[128];
	struct buf b = { 0 };
	struct fault why;

	(void)state;
	snprintf(path, sizeof(path), "%s/g", temp_dir);
	assert_int_equal(file_save(AT_FDCWD, path, STR("x"), 0600, &why), 0);
	assert_int_equal(file_load(AT_FDCWD, path, 1, &b, &why), 0);
	assert_int_equal(count_names(), 1);
	unlinkat(dir, "g", 0);
	buf_free(&b);
}

static void
failed_save_leaves_nothing(void **state)
{
	struct fault why;

	(void)state;
	assert_int_equal(file_save(dir, "no/f", STR("x"), 0600, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_int_equal(mkdirat(dir, "d", 0700), 0);
	assert_int_equal(file_save(dir, "d", STR("x"), 0600, &why), -1);
	assert_non_null(strstr(why.text, "rename"));
	assert_int_equal(count_names(), 1);
	unlinkat(dir, "d", AT_REMOVEDIR);
}

static void
load_has_a_limit(void **state)
{
	struct buf b = { 0 };
	struct fault why;

	(void)state;
	put_file("f", "12345678");
	buf_putz(&b, "x");
	assert_int_equal(file_load(dir, "f", 7, &b, &why), -1);
	assert_non_null(strstr(why.text, "longer than 7"));
	assert_int_equal(b.n, 1);
	assert_int_equal(file_load(dir, "f", 8, &b, &why), 0);
	assert_int_equal(b.n, 9);
	assert_int_equal(file_load(dir, "none", 8, &b, &why), -1);
	assert_non_null(strstr(why.text, "none: No such file"));
	buf_free(&b);
	unlinkat(dir, "f", 0);
}

/* /proc files have no size. */
static void
loads_what_has_no_size(void **state)
{
	struct buf b = { 0 };
	struct fault why;

	(void)state;
	assert_int_equal(file_load(AT_FDCWD, "/proc/self/status", 65536, &b,
	    &why), 0);
	assert_true(str_search(buf_str(&b), STR("\nVmRSS:")) < b.n);
	buf_free(&b);
}

static void
opens_only_regular_files(void **state)
{
	struct fault why;
	int fd;

	(void)state;
	put_file("f", "x");
	assert_int_equal(symlinkat("f", dir, "link"), 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_int_equal(file_open_read(dir, "link", &why), -1);
	assert_int_equal(file_open_read(dir, "fifo", &why), -1);
	assert_non_null(strstr(why.text, "not a regular file"));
	assert_int_equal(file_open_read(dir, ".", &why), -1);
	assert_int_equal(file_open_read(AT_FDCWD, "/dev/null", &why), -1);
	fd = file_open_read(dir, "f", &why);
	assert_true(fd >= 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
	unlinkat(dir, "f", 0);
	unlinkat(dir, "link", 0);
	unlinkat(dir, "fifo", 0);
}

static void
unnamed_then_linked(void **state)
{
	struct iovec iov[4] = {
		{ (void *)(uintptr_t)"", 0 },
		{ (void *)(uintptr_t)"abc", 3 },
		{ (void *)(uintptr_t)"", 0 },
		{ (void *)(uintptr_t)"defg", 4 },
	};
	struct buf b = { 0 };
	struct fault why;
	bool supported, exists;
	int fd;

	(void)state;
	fd = file_open_unnamed(dir, ".", 0600, false, &supported, &why);
	assert_true(supported);
	assert_true(fd >= 0);
	assert_int_equal(count_names(), 0);
	assert_int_equal(file_pwritev(fd, iov, 4, 2, &why), 0);
	assert_int_equal(file_pwrite(fd, "12", 2, 0, &why), 0);
	assert_int_equal(file_link(fd, dir, "m", &exists, &why), 0);
	assert_false(exists);
	assert_int_equal(file_sync(fd, &why), 0);
	assert_int_equal(file_sync_named(fd, &why), 0);
	assert_int_equal(file_sync_dir(dir, &why), 0);
	assert_int_equal(file_link(fd, dir, "m", &exists, &why), -1);
	assert_true(exists);
	assert_int_equal(file_link(fd, dir, "no/m", &exists, &why), -1);
	assert_false(exists);
	/* Another name of it, on an older kernel. */
	old_kernel = true;
	assert_int_equal(file_link(fd, dir, "m", &exists, &why), -1);
	assert_true(exists);
	assert_int_equal(file_link(fd, dir, "old", &exists, &why), 0);
	assert_false(exists);
	old_kernel = false;
	assert_int_equal(unlinkat(dir, "old", 0), 0);
	close(fd);
	assert_int_equal(file_load(dir, "m", 100, &b, &why), 0);
	assert_int_equal(b.n, 9);
	assert_memory_equal(b.p, "12abcdefg", 9);
	buf_free(&b);
	unlinkat(dir, "m", 0);
	fd = file_open_unnamed(AT_FDCWD, "/proc", 0600, true, &supported,
	    &why);
	assert_int_equal(fd, -1);
	assert_true(supported == (geteuid() != 0));	/* EACCES is first */
	assert_int_equal(file_open_unnamed(dir, "none", 0600, true,
	    &supported, &why), -1);
	assert_true(supported);
}

static void
short_files_are_faults(void **state)
{
	struct fault why;
	char got[8];
	int fd;

	(void)state;
	put_file("f", "12345");
	fd = file_open_read(dir, "f", &why);
	assert_int_equal(file_pread(fd, got, 3, 2, &why), 0);
	assert_memory_equal(got, "345", 3);
	assert_int_equal(file_pread(fd, got, 0, 9, &why), 0);
	assert_int_equal(file_pread(fd, got, 4, 2, &why), -1);
	assert_non_null(strstr(why.text, "truncated at byte 5"));
	assert_int_equal(file_write(fd, "x", 1, &why), -1);
	assert_int_equal(file_pwrite(fd, "x", 1, 0, &why), -1);
	close(fd);
	unlinkat(dir, "f", 0);
}

static void
full_device(void **state)
{
	struct fault why;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(file_write(fd, "x", 1, &why), -1);
	assert_int_equal(why.reply, 452);
	assert_int_equal(why.subject, 3);
	assert_int_equal(why.detail, 1);
	close(fd);
}

/* More parts than one system call takes. */
static void
many_parts(void **state)
{
	static struct iovec iov[3000];
	struct fault why;
	char *got = malloc(3000);
	bool supported;
	int fd, i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		iov[i].iov_base = (void *)(uintptr_t)
		    &"0123456789"[i % 10];
		iov[i].iov_len = 1;
	}
	fd = file_open_unnamed(dir, ".", 0600, true, &supported, &why);
	assert_int_equal(file_pwritev(fd, iov, 3000, 0, &why), 0);
	assert_int_equal(file_pread(fd, got, 3000, 0, &why), 0);
	for (i = 0; i < 3000; i++)
		assert_int_equal(got[i], '0' + i % 10);
	close(fd);
	free(got);
}

static void
space_and_names(void **state)
{
	struct file_space space = { 0, 0 };
	struct fault why;
	int proc;

	(void)state;
	assert_int_equal(file_space(dir, &space, &why), 0);
	assert_true(space.free_bytes > 0 && space.free_inodes > 0);
	assert_int_equal(file_space(-1, &space, &why), -1);
	/* Whatever /tmp is: the answer comes, and /proc never says yes. */
	(void)file_name_is_synced(dir);
	proc = open("/proc", O_RDONLY | O_CLOEXEC);
	assert_false(file_name_is_synced(proc));
	assert_false(file_name_is_synced(-1));
	close(proc);
}

static const struct {
	uint32_t	type;
	bool		journal;
	enum file_trust	trust;
	const char	*name;
} systems[] = {
	{ 0xef53, true, FILE_TRUST_SYNC, "ext4 with a journal" },
	{ 0xef53, false, FILE_TRUST_DIR, "ext4 without a journal" },
	{ 0x58465342, false, FILE_TRUST_SYNC, "xfs" },
	{ 0x9123683e, false, FILE_TRUST_SYNC, "btrfs" },
	{ 0x794c7630, true, FILE_TRUST_DIR, "overlay" },
	{ 0x01021994, true, FILE_TRUST_MEMORY, "tmpfs" },
	{ 0x858458f6, false, FILE_TRUST_MEMORY, "ramfs" },
	{ 0x6969, false, FILE_TRUST_REMOTE, "nfs" },
	{ 0xff534d42, false, FILE_TRUST_REMOTE, "cifs" },
	{ 0x65735546, true, FILE_TRUST_REMOTE, "fuse" },
	{ 0x4d44, true, FILE_TRUST_DIR, "file system 0x4d44" },
	{ 0, true, FILE_TRUST_DIR, "file system 0" },
	{ 0xffffffff, true, FILE_TRUST_DIR, "file system 0xffffffff" },
};

static void
judges_file_systems(void **state)
{
	struct file_system fs;

	(void)state;
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
		file_system_judge(systems[i].type, systems[i].journal, &fs);
		assert_string_equal(fs.name, systems[i].name);
		assert_int_equal(fs.trust, systems[i].trust);
	}
	file_system_find(-1, &fs);
	assert_int_equal(fs.trust, FILE_TRUST_DIR);
}

static void
locks(void **state)
{
	struct fault why;
	int a, b;

	(void)state;
	put_file("f", "x");
	a = file_open_read(dir, "f", &why);
	b = file_open_read(dir, "f", &why);
	assert_int_equal(file_try_lock(a), 1);
	assert_int_equal(file_try_lock(a), 1);
	assert_int_equal(file_try_lock(b), 0);
	close(a);
	assert_int_equal(file_try_lock(b), 1);
	close(b);
	unlinkat(dir, "f", 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saves_and_loads),
		cmocka_unit_test(saves_by_path),
		cmocka_unit_test(failed_save_leaves_nothing),
		cmocka_unit_test(load_has_a_limit),
		cmocka_unit_test(loads_what_has_no_size),
		cmocka_unit_test(opens_only_regular_files),
		cmocka_unit_test(unnamed_then_linked),
		cmocka_unit_test(short_files_are_faults),
		cmocka_unit_test(full_device),
		cmocka_unit_test(many_parts),
		cmocka_unit_test(space_and_names),
		cmocka_unit_test(judges_file_systems),
		cmocka_unit_test(locks),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
