/* SPDX-License-Identifier: ISC */
/*
 * os/proc: what is done to a process, looked at from a child that was done so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/proc.h"
#include "os/signal.h"

static char temp_dir[64], path[96];
static int the_argc;
static char **the_argv;

static int
make_dir(void **state)
{
	(void)state;
	snprintf(temp_dir, sizeof(temp_dir), "/tmp/os_proc.XXXXXX");
	if (mkdtemp(temp_dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/pid", temp_dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(temp_dir);
}

static int
run(int (*act)(void))
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		alarm(120);
		_exit(act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    1000 + WTERMSIG(status);
}

static int
harden(void)
{
	struct fault why;
	struct rlimit core;
	mode_t mask;

	if (proc_harden(&why) == -1)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (getrlimit(RLIMIT_CORE, &core) == -1 || core.rlim_max != 0)
		return 3;
	mask = umask(0);
	return mask == 077 ? 0 : 4;
}

static int
clear(void)
{
	setenv("LD_PRELOAD", "x", 1);
	setenv("TZ", "UTC", 1);
	setenv("PATH", "/evil", 1);
	proc_clear_environment();
	if (getenv("LD_PRELOAD") != NULL || getenv("HOME") != NULL)
		return 1;
	if (strcmp(getenv("TZ"), "UTC") != 0 ||
	    strcmp(getenv("LANG"), "C") != 0 ||
	    strstr(getenv("PATH"), "/usr/bin") == NULL)
		return 2;
	unsetenv("TZ");
	proc_clear_environment();
	return getenv("TZ") == NULL ? 0 : 3;
}

static int
close_all(void)
{
	static const int keep[] = { 50, 10, 10, 2, 700 };
	int fd;

	for (fd = 10; fd < 60; fd++)
		dup2(0, fd);
	proc_close_all_but(keep, 5);
	for (fd = 0; fd < 200; fd++)
		if ((fcntl(fd, F_GETFD) != -1) !=
		    (fd <= 2 || fd == 10 || fd == 50))
			return 1;
	proc_close_all_but(NULL, 0);
	return fcntl(10, F_GETFD) == -1 && fcntl(2, F_GETFD) != -1 ? 0 : 2;
}

static bool
is_null(int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat("/dev/null", &b) == 0 &&
	    a.st_rdev == b.st_rdev && S_ISCHR(a.st_mode) &&
	    (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
}

static int
null_stdio(void)
{
	int p[2], fd;

	if (pipe(p) == -1 || dup2(p[1], 1) == -1)
		return 1;
	for (fd = 3; fd < 20; fd++)
		close(fd);
	close(0);
	close(2);
	proc_null_stdio(false);
	if (!is_null(0) || is_null(1) || !is_null(2))
		return 2;
	if (fcntl(3, F_GETFD) != -1)
		return 3;
	proc_null_stdio(true);
	return is_null(0) && is_null(1) && is_null(2) ? 0 : 4;
}

static int
detach_well(void)
{
	struct fault why;

	if (proc_detach(&why) == -1)
		return 1;
	if (getsid(0) != getpid())
		return 2;
	proc_detach_ready();
	proc_detach_ready();
	return 3;
}

static int
detach_badly(void)
{
	struct fault why;

	proc_detach(&why);
	return 3;	/* without a word */
}

/* A manager that listens at a name; what it hears of us. */
static int
hear(const char *name, size_t n, const char *said)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char got[64] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(at.sun_path, name, n);
	if (bind(fd, (struct sockaddr *)&at, (socklen_t)
	    (offsetof(struct sockaddr_un, sun_path) + n)) == -1)
		return 1;
	proc_notify_ready();
	if (recv(fd, got, sizeof(got) - 1, 0) == -1 && said != NULL)
		return 2;
	return strcmp(got, said == NULL ? "" : said) == 0 ? 0 : 3;
}

static int
notify_by_path(void)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.notify", path);
	setenv("NOTIFY_SOCKET", name, 1);
	return hear(name, strlen(name), "READY=1") + 10 * unlink(name);
}

static int
notify_by_name(void)
{
	char name[128];

	snprintf(name, sizeof(name), "@%s", path);
	setenv("NOTIFY_SOCKET", name, 1);
	name[0] = '\0';
	return hear(name, strlen(path) + 1, "READY=1");
}

static int
notify_nobody(void)
{
	static const char *const names[] = { "", "@", "/", "x", "/nobody",
	    "@nobody" };
	char name[300], other[128];

	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	proc_notify_ready();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		proc_notify_ready();
	}
	unsetenv("NOTIFY_SOCKET");
	snprintf(other, sizeof(other), "%s.notify", path);
	return hear(other, strlen(other), NULL) + 10 * unlink(other);
}

static int
title(void)
{
	char got[256], *first = the_argv[0];
	int fd;
	ssize_t n;

	setenv("KEPT", "yes", 1);
	proc_title_init(the_argc, the_argv);
	proc_title("godwit: %s [%s]", "session", "192.0.2.1");
	fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	if ((n = read(fd, got, sizeof(got) - 1)) <= 0)
		return 1;
	got[n] = '\0';
	if (strcmp(got, "godwit: session [192.0.2.1]") != 0)
		return 2;
	if (the_argv[0] == first || strstr(the_argv[0], "proc") == NULL)
		return 3;
	if (getenv("KEPT") == NULL || strcmp(getenv("KEPT"), "yes") != 0)
		return 4;
	prctl(PR_GET_NAME, got);
	return strcmp(got, "godwit: session") == 0 ? 0 : 5;
}

static int
limits(void)
{
	struct proc_limits l = { .files = 32, .no_fork = true };
	struct rlimit r;

	proc_limit(&l);
	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur != 32 ||
	    r.rlim_max != 32)
		return 1;
	if (getrlimit(RLIMIT_NPROC, &r) == -1 || r.rlim_max != 0)
		return 2;
	l = (struct proc_limits){ 0 };
	proc_limit(&l);
	return getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur == 32 ? 0 : 3;
}

/* The file that it is to write ends at the limit, and so does the call. */
static int
small_files(void)
{
	struct proc_limits l = { .file_size = 1000 };
	char big[1500] = "";
	int fd = open(temp_dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	signal(SIGXFSZ, SIG_IGN);
	proc_limit(&l);
	if (fd == -1 || write(fd, big, sizeof(big)) != 1000)
		return 1;
	return write(fd, big, 1) == -1 && errno == EFBIG ? 0 : 2;
}

/* A signal first, and then death, however busy it is. */
static int
little_time(void)
{
	signal_catch(SIGXCPU);
	proc_limit_cpu(1, 2);
	while (!signal_take(SIGXCPU))
		;
	/* The kernel counts by ticks, which on a busy machine may be others'. */
	if (clock() < CLOCKS_PER_SEC / 4)
		return 1;
	for (;;)
		;
}

/* Niceness grows once, and the next signal is the last. */
static int
way_given(void)
{
	int before = getpriority(PRIO_PROCESS, 0);
	struct rlimit r;

	proc_limit_cpu(5, 60);
	if (!proc_give_way(30) || getrlimit(RLIMIT_CPU, &r) != 0 ||
	    r.rlim_cur != 30 || r.rlim_max != 60)
		return 1;
	if (getpriority(PRIO_PROCESS, 0) != (before + PROC_NICER > 19 ? 19 :
	    before + PROC_NICER))
		return 2;
	return proc_give_way(30) ? 3 : 0;
}

/* Higher is always allowed, and a fork inherits it. */
static int
oom_score(void)
{
	int before = proc_oom_score(), status;
	pid_t pid;

	proc_set_oom_score(before + 7);
	if (proc_oom_score() != before + 7)
		return 1;
	if ((pid = fork()) == 0)
		_exit(proc_oom_score() == before + 7 ? 0 : 1);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		return 2;
	proc_set_oom_score(4711);
	return proc_oom_score() == 1000 ? 0 : 3;
}

/* The grandchild goes with the child: then the pipe that it holds ends. */
static int
orphan(void)
{
	int p[2], ready[2];
	char c;
	pid_t pid;

	if (pipe(p) == -1 || pipe(ready) == -1)
		return 1;
	if ((pid = fork()) == 0) {
		close(p[0]);
		if (fork() == 0) {
			proc_die_with_parent();
			if (write(ready[1], "", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		close(p[1]);
		_exit(read(ready[0], &c, 1) == 1 ? 0 : 1);
	}
	close(p[1]);
	return read(p[0], &c, 1) == 0 ? 0 : 2;
}

static const struct {
	const char	*name;
	int		(*act)(void);
	int		 want;
} acts[] = {
	{ "harden", harden, 0 },
	{ "oom score", oom_score, 0 },
	{ "clear_environment", clear, 0 },
	{ "close_all_but", close_all, 0 },
	{ "null_stdio", null_stdio, 0 },
	{ "detach, ready", detach_well, 0 },
	{ "detach, died", detach_badly, 1 },
	{ "notify by path", notify_by_path, 0 },
	{ "notify by name", notify_by_name, 0 },
	{ "notify nobody", notify_nobody, 0 },
	{ "title", title, 0 },
	{ "limit", limits, 0 },
	{ "limit, files", small_files, 0 },
	{ "give_way", way_given, 0 },
	{ "limit_cpu", little_time, 1000 + SIGKILL },
	{ "die_with_parent", orphan, 0 },
};

static void
done_to_a_child(void **state)
{
	size_t i;
	int got;

	(void)state;
	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		got = run(acts[i].act);
		if (got != acts[i].want)
			fail_msg("%s: %d", acts[i].name, got);
	}
}

static void
assert_pid_in_file(pid_t pid)
{
	char text[32], want[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n > 0);
	text[n] = '\0';
	snprintf(want, sizeof(want), "%d\n", (int)pid);
	assert_string_equal(text, want);
	close(fd);
}

static void
pidfile(void **state)
{
	char want[32], c;
	struct fault why;
	int p[2], fd, go[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		umask(077);
		close(go[1]);
		if (proc_pidfile(path, &why) == -1)
			_exit(1);
		/* A child that lives on does not hold the lock. */
		if (fork() == 0) {
			signal(SIGALRM, SIG_DFL);
			alarm(2);
			pause();
		}
		if (write(p[1], "", 1) != 1)
			_exit(2);
		_exit(read(go[0], &c, 1) == 0 ? 0 : 3);
	}
	assert_int_equal(read(p[0], &c, 1), 1);
	assert_pid_in_file(pid);
	assert_int_equal(proc_pidfile(path, &why), -1);
	snprintf(want, sizeof(want), "process %d,", (int)pid);
	assert_non_null(strstr(why.text, want));
	assert_pid_in_file(pid);
	close(go[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd = proc_pidfile(path, &why);
	if (fd == -1)
		fail_msg("%s", why.text);
	assert_pid_in_file(getpid());
	close(fd);
	unlink(path);
	assert_int_equal(symlink("/tmp/x", path), 0);
	assert_int_equal(proc_pidfile(path, &why), -1);
	close(p[0]);
	close(p[1]);
	close(go[0]);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(done_to_a_child),
		cmocka_unit_test(pidfile),
	};

	the_argc = argc;
	the_argv = argv;
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
