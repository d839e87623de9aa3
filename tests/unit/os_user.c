/* SPDX-License-Identifier: ISC */
/*
 * os/user: who is there, who is not, what a roll knows by heart, and no way back
 * to root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/user.h"

static void
found(void **state)
{
	struct arena arena = { 0 };
	struct fault why;
	struct user u, v;

	(void)state;
	assert_int_equal(user_find(&arena, STR("root"), &u, &why), 1);
	assert_true(str_eq(u.name, STR("root")));
	assert_int_equal(u.uid, 0);
	assert_int_equal(u.gid, 0);
	assert_true(u.home.n > 0 && u.home.p[0] == '/');
	assert_true(u.shell.n > 0);
	assert_true(str_find(u.full_name, ',') == u.full_name.n);
	assert_int_equal(user_find_uid(&arena, 0, &v, &why), 1);
	assert_true(str_eq(v.name, u.name));
	/* Only the name's own bytes count, not what lies behind them. */
	assert_int_equal(user_find(&arena, str_span("rootless", 4), &u,
	    &why), 1);
	arena_free(&arena);
}

static void
not_found(void **state)
{
	static const struct str names[] = {
		{ "", 0 }, { "no-such-user-at-all", 19 }, { "root\0", 5 },
		{ "root:", 5 }, { "root\n", 5 }, { "ROOT", 4 }, { " root", 5 },
	};
	static char big[5000];
	struct arena arena = { 0 };
	struct fault why;
	struct user u;
	gid_t gid;
	size_t i;

	(void)state;
	memset(big, 'a', sizeof(big));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(user_find(&arena, names[i], &u, &why), 0);
		assert_int_equal(user_find_group(names[i], &gid, &why), 0);
	}
	assert_int_equal(user_find(&arena, str_span(big, sizeof(big)), &u,
	    &why), 0);
	assert_int_equal(user_find_uid(&arena, 3999999999u, &u, &why), 0);
	arena_free(&arena);
}

/* Puts files of ours in the place of the system's, in a name space of this
 * process; 0 if it worked. */
static int
own_files(const char *passwd, const char *nsswitch)
{
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount(passwd, "/etc/passwd", NULL, MS_BIND, NULL) == -1)
		return -1;
	return nsswitch == NULL ? 0 :
	    mount(nsswitch, "/etc/nsswitch.conf", NULL, MS_BIND, NULL);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* The file is asked for once and no more: with none left that could be opened,
 * a roll still has its users. */
static bool
knows_by_heart(const struct user_roll *roll, const char *name)
{
	struct rlimit none = { 0, 0 }, former;
	struct arena arena = { 0 };
	struct fault why;
	struct user u;
	int r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &former), 0);
	none.rlim_max = former.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	r = user_roll_find(roll, &arena, str_of(name), &u, &why);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &former), 0);
	if (r == 1)
		assert_true(str_eq(u.name, str_of(name)));
	arena_free(&arena);
	return r == 1;
}

static const char passwd_text[] =
    "root:x:0:0:root:/root:/bin/sh\n"
    "ann:x:1000:1001:Ann Other,,,:/home/ann:/bin/bash\n"
    "bob:x:1002:1002::/home/bob:/bin/sh\n"
    "short:x:5\n"
    "words:x:five:5::/:/bin/sh\n"
    "more:x:6:6::/:/bin/sh:more\n"
    "+plus:x:7:7::/:/bin/sh\n"
    "#gone:x:8:8::/:/bin/sh\n"
    " lead:x:9:9::/:/bin/sh\n"
    "bob:x:1003:1003:the second:/:/bin/sh\n"
    "last:x:1004:1004:no newline:/:/bin/sh";

static void
has_what_the_file_has(const struct user_roll *roll)
{
	static const char *const names[] = { "root", "ann", "bob", "last",
	    "short", "words", "more", "+plus", "plus",
	    "#gone", "gone", " lead", "lead", "an", "annn", "", "x",
	    "ann:x", "bob\n" };
	struct arena arena = { 0 };
	struct fault why;
	struct user u, v;
	int r;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		r = user_find(&arena, str_of(names[i]), &u, &why);
		assert_int_equal(user_roll_find(roll, &arena,
		    str_of(names[i]), &v, &why), r);
		assert_true(r >= 0);
		if (r == 0)
			continue;
		assert_true(str_eq(u.name, v.name));
		assert_int_equal(u.uid, v.uid);
		assert_int_equal(u.gid, v.gid);
		assert_true(str_eq(u.home, v.home));
		assert_true(str_eq(u.shell, v.shell));
		assert_true(str_eq(u.full_name, v.full_name));
	}
	arena_free(&arena);
}

/* In a child with files of its own. */
static int
try_roll(void)
{
	struct user_roll *roll = user_roll_new();
	time_t before = time(NULL);

	assert_false(knows_by_heart(roll, "ann"));	/* not looked yet */
	write_file("/etc/passwd", passwd_text);
	user_roll_look(roll);
	if (time(NULL) < before + 2)		/* too young a file */
		assert_false(knows_by_heart(roll, "ann"));
	has_what_the_file_has(roll);
	sleep(3);
	user_roll_look(roll);
	assert_true(knows_by_heart(roll, "ann"));
	assert_true(knows_by_heart(roll, "last"));
	assert_false(knows_by_heart(roll, "words"));
	assert_false(knows_by_heart(roll, "carol"));
	has_what_the_file_has(roll);
	/* One is gone and another has come: that is seen at once. */
	write_file("/etc/passwd", "carol:x:7:7::/:/bin/sh\n");
	assert_false(knows_by_heart(roll, "ann"));
	has_what_the_file_has(roll);
	user_roll_free(roll);
	user_roll_free(NULL);
	return 0;
}

/* Where the file is not the first to be asked, there is nothing to know. */
static int
try_other_order(void)
{
	static const struct {
		const char	*text;
		bool		 known;
	} orders[] = {
		{ "passwd: files", true },
		{ "# passwd: systemd\npasswd:\tfiles systemd\n", true },
		{ "group: files\n", true },
		{ "passwd: systemd files\n", false },
		{ "passwd: files [SUCCESS=continue] systemd\n", false },
		{ "passwd: compat\n", false },
		{ "passwd: filesystem\n", false },
		{ "passwd:\n", false },
		{ "passwd : systemd files\n", false },
		{ "passwd: files\npasswd: systemd\n", false },
	};
	struct user_roll *roll;

	sleep(3);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		write_file("/etc/nsswitch.conf", orders[i].text);
		roll = user_roll_new();
		user_roll_look(roll);
		assert_int_equal(knows_by_heart(roll, "ann"), orders[i].known);
		user_roll_free(roll);
	}
	/* Another order is another answer, though the users are the same. */
	roll = user_roll_new();
	write_file("/etc/nsswitch.conf", "passwd: files\n");
	user_roll_look(roll);
	assert_true(knows_by_heart(roll, "ann"));
	write_file("/etc/nsswitch.conf", "passwd: systemd\n");
	user_roll_look(roll);
	assert_false(knows_by_heart(roll, "ann"));
	user_roll_free(roll);
	return 0;
}

static void
a_roll(void **state)
{
	char passwd[] = "/tmp/os_user.XXXXXX", order[] = "/tmp/os_user.XXXXXX";
	int status, fd;
	pid_t pid;

	(void)state;
	assert_true((fd = mkstemp(passwd)) != -1);
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
	assert_true((fd = mkstemp(order)) != -1);
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
	for (int k = 0; k < 2; k++) {
		write_file(passwd, passwd_text);
		if ((pid = fork()) == 0) {
			if (own_files(passwd, k == 0 ? NULL : order) == -1)
				_exit(99);
			_exit(k == 0 ? try_roll() : try_other_order());
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		/* Only root may have files of his own. */
		assert_int_equal(WEXITSTATUS(status), geteuid() == 0 ? 0 : 99);
	}
	unlink(passwd);
	unlink(order);
}

static void
groups(void **state)
{
	struct fault why;
	gid_t gid = 77;

	(void)state;
	assert_int_equal(user_find_group(STR("root"), &gid, &why), 1);
	assert_int_equal(gid, 0);
}

static int
become(const struct user *u, bool own)
{
	static const gid_t extra[2] = { 4321, 4322 };
	gid_t have[64];
	struct fault why;
	int n, i, hits = 0;

	if (user_become(u, own, extra, 2, &why) == -1)
		return 1;
	if (getuid() != u->uid || geteuid() != u->uid ||
	    getgid() != u->gid || getegid() != u->gid)
		return 2;
	n = getgroups(64, have);
	if (n < 2 || (!own && n != 2))
		return 3;
	for (i = 0; i < n; i++)
		hits += have[i] == 4321 || have[i] == 4322 ? 1 :
		    have[i] == u->gid ? 10 : 0;
	if (hits != (own ? 12 : 2))
		return 4;
	if (setuid(0) != -1 || setgid(0) != -1 || setgroups(0, NULL) != -1)
		return 5;
	/* Nobody becomes anybody twice. */
	return user_become(u, own, NULL, 0, &why) == -1 ? 0 : 6;
}

static void
no_way_back(void **state)
{
	struct arena arena = { 0 };
	struct fault why;
	struct user u;
	int status, own;
	pid_t pid;

	(void)state;
	assert_int_equal(user_find(&arena, STR("nobody"), &u, &why), 1);
	if (geteuid() != 0) {
		assert_int_equal(user_become(&u, true, NULL, 0, &why), -1);
		assert_non_null(strstr(why.text, "only root"));
	}
	for (own = 0; own < 2 && geteuid() == 0; own++) {
		if ((pid = fork()) == 0)
			_exit(become(&u, own == 1));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(not_found),
		cmocka_unit_test(a_roll),
		cmocka_unit_test(groups),
		cmocka_unit_test(no_way_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
