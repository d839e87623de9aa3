/* SPDX-License-Identifier: ISC */
/*
 * os/user: who is there, who is not, and no way back to root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
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
		cmocka_unit_test(groups),
		cmocka_unit_test(no_way_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
