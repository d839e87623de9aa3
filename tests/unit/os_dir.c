/* SPDX-License-Identifier: ISC */
/*
 * os/dir: what is made has the mode asked for, what exists is only judged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/dir.h"

static char temp_dir[64];
static int top = -1;

static int
make_dir(void **state)
{
	(void)state;
	snprintf(temp_dir, sizeof(temp_dir), "/tmp/os_dir.XXXXXX");
	if (mkdtemp(temp_dir) == NULL)
		return -1;
	top = open(temp_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top == -1 ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	close(top);
	return rmdir(temp_dir);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(top, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static void
made_as_asked(void **state)
{
	static const mode_t modes[] = { 0700, 0755, 01777, 02730, 0750 };
	struct fault why;
	mode_t old = umask(077);
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++) {
		if (dir_make(top, "d", modes[i], geteuid(), getegid(),
		    &why) == -1)
			fail_msg("%s", why.text);
		assert_int_equal(mode_of("d"), modes[i]);
		/* Again: it exists and is right. */
		assert_int_equal(dir_make(top, "d", modes[i], geteuid(),
		    getegid(), &why), 0);
		unlinkat(top, "d", AT_REMOVEDIR);
	}
	umask(old);
}

static void
root_gives_it_away(void **state)
{
	struct fault why;
	struct stat st;

	(void)state;
	if (geteuid() != 0) {
		/* Nobody else can; the caller becomes the owner. */
		assert_int_equal(dir_make(top, "d", 0700, geteuid() + 1,
		    getegid(), &why), 0);
	} else {
		assert_int_equal(dir_make(top, "d", 0750, 12, 34, &why), 0);
		assert_int_equal(fstatat(top, "d", &st, 0), 0);
		assert_true(st.st_uid == 12 && st.st_gid == 34);
		assert_int_equal(dir_make(top, "d", 0750, 12, 34, &why), 0);
		assert_int_equal(dir_make(top, "d", 0750, 12, 35, &why), -1);
		assert_non_null(strstr(why.text, "group 34"));
	}
	assert_int_equal(dir_make(top, "d", 0750, geteuid() + 1000, 34,
	    &why), -1);
	assert_non_null(strstr(why.text, "belongs to user"));
	unlinkat(top, "d", AT_REMOVEDIR);
}

static const struct {
	mode_t	have, ask;
	int	want;
} judged[] = {
	{ 0700, 0700, 0 },
	{ 0700, 0755, 0 },
	{ 0500, 0700, 0 },
	{ 0755, 0700, -1 },
	{ 0710, 0700, -1 },
	{ 0701, 0750, -1 },
	{ 0777, 0775, -1 },
	{ 0777, 01777, -1 },
	{ 01777, 01777, 0 },
	{ 01777, 0777, 0 },
};

static void
existing_is_judged(void **state)
{
	struct fault why;
	size_t i;

	(void)state;
	assert_int_equal(mkdirat(top, "d", 0700), 0);
	for (i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		assert_int_equal(fchmodat(top, "d", judged[i].have, 0), 0);
		if (dir_make(top, "d", judged[i].ask, geteuid(), getegid(),
		    &why) != judged[i].want)
			fail_msg("have %o, ask %o", judged[i].have,
			    judged[i].ask);
		assert_int_equal(mode_of("d"), judged[i].have);
	}
	unlinkat(top, "d", AT_REMOVEDIR);
}

static void
not_a_directory(void **state)
{
	struct fault why;
	int fd;

	(void)state;
	assert_int_equal(symlinkat("/tmp", top, "l"), 0);
	fd = openat(top, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(dir_make(top, "l", 01777, 0, 0, &why), -1);
	assert_int_equal(dir_make(top, "f", 0700, 0, 0, &why), -1);
	assert_int_equal(dir_make(top, "no/d", 0700, 0, 0, &why), -1);
	assert_int_equal(dir_open(top, "l", &why), -1);
	assert_int_equal(dir_open(top, "f", &why), -1);
	assert_int_equal(dir_open(top, "none", &why), -1);
	assert_non_null(strstr(why.text, "none: No such file"));
	fd = dir_open(top, ".", &why);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
	unlinkat(top, "l", 0);
	unlinkat(top, "f", 0);
}

static void
walk(void **state)
{
	struct dir_walk w;
	struct fault why;
	const char *name;
	unsigned seen = 0, n = 0;
	char text[16];
	int i;

	(void)state;
	assert_int_equal(dir_walk_open(&w, top, ".", &why), 0);
	assert_null(dir_walk_next(&w));
	dir_walk_close(&w);
	for (i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), i == 7 ? "..%d" : "%d", i);
		close(openat(top, text, O_CREAT | O_WRONLY, 0600));
	}
	assert_int_equal(dir_walk_open(&w, top, ".", &why), 0);
	while ((name = dir_walk_next(&w)) != NULL) {
		seen |= 1u << (name[strlen(name) - 1] - '0');
		n++;
	}
	dir_walk_close(&w);
	dir_walk_close(&w);
	assert_int_equal(n, 8);
	assert_int_equal(seen, 0xff);
	for (i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), i == 7 ? "..%d" : "%d", i);
		unlinkat(top, text, 0);
	}
	assert_int_equal(dir_walk_open(&w, top, "none", &why), -1);
	dir_walk_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_as_asked),
		cmocka_unit_test(root_gives_it_away),
		cmocka_unit_test(existing_is_judged),
		cmocka_unit_test(not_a_directory),
		cmocka_unit_test(walk),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
