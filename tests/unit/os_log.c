/* SPDX-License-Identifier: ISC */
/*
 * os/log: the shape of a line, the sanitiser (T-37), and a logger that is
 * restarted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/die.h"
#include "os/log.h"

static char temp_dir[64], path[96];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(temp_dir, sizeof(temp_dir), "/tmp/os_log.XXXXXX");
	if (mkdtemp(temp_dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/log", temp_dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(temp_dir);
}

/* All that the log file holds; the file starts anew. */
static char *
take_file(void)
{
	static char text[65536];
	int fd = open(path, O_RDWR | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	return text;
}

static bool
matches(const char *text, const char *pattern)
{
	regex_t re;
	bool result;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	result = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return result;
}

#define STAMP	"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) " \
		"[ 123][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] "

static void
line_has_the_fields_shape(void **state)
{
	char pattern[256];
	struct stat st;

	(void)state;
	assert_int_equal(log_open(path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal((st.st_mode & 0777) | 0640, 0640);
	log_role("smtpd");
	log_info("%s: from=<%s>, size=%d", "ABC", "a@b.example", 7);
	snprintf(pattern, sizeof(pattern), "^" STAMP "godwit/smtpd\\[%d\\]: "
	    "ABC: from=<a@b.example>, size=7\n$", (int)getpid());
	assert_true(matches(take_file(), pattern));
	log_error("x");
	assert_true(matches(take_file(), "\\]: error: x\n$"));
	log_warning("x");
	assert_true(matches(take_file(), "\\]: warning: x\n$"));
	log_debug("x");
	assert_string_equal(take_file(), "");
	log_set_debug(true);
	log_debug("x");
	assert_true(matches(take_file(), "\\]: x\n$"));
	log_set_debug(false);
	log_role(NULL);
	log_info("x");
	assert_true(matches(take_file(), " godwit\\[[0-9]+\\]: x\n$"));
	log_role("smtpd");
}

static const struct {
	const char	*name;
	const char	*in;
	const char	*want;
} dirty[] = {
	{ "plain", "a b~!\\%", "a b~!\\%" },
	{ "line feed", "a\nb", "a\\012b" },
	{ "forged line", "x\nNov 22 06:22:26 godwit/smtpd[1]: y",
	    "x\\012Nov 22 06:22:26 godwit/smtpd[1]: y" },
	{ "CR, tab, DEL", "\r\t\x7f", "\\015\\011\\177" },
	{ "escape", "\033[2J", "\\033[2J" },
	{ "two bytes", "\xc3\xbc", "\xc3\xbc" },
	{ "four bytes", "\xf0\x9f\x90\xa6", "\xf0\x9f\x90\xa6" },
	{ "C1 control", "\xc2\x9b", "\\302\\233" },
	{ "lone tail", "a\xbc", "a\\274" },
	{ "cut character", "\xe2\x82", "\\342\\202" },
	{ "overlong", "\xc0\x8a", "\\300\\212" },
	{ "surrogate", "\xed\xa0\x80", "\\355\\240\\200" },
	{ "beyond", "\xf4\x90\x80\x80", "\\364\\220\\200\\200" },
	{ "never", "\xff\xfe", "\\377\\376" },
};

static void
sanitiser(void **state)
{
	char *text, *body;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(dirty) / sizeof(dirty[0]); i++) {
		log_info("%s", dirty[i].in);
		text = take_file();
		body = strstr(text, "]: ") + 3;
		n = strlen(body);
		if (n == 0 || body[n - 1] != '\n')
			fail_msg("%s: no newline", dirty[i].name);
		body[n - 1] = '\0';
		if (strcmp(body, dirty[i].want) != 0)
			fail_msg("%s: got %s", dirty[i].name, body);
	}
}

static void
role_is_cleaned_too(void **state)
{
	(void)state;
	log_role("a\nb");
	log_info("x");
	assert_true(matches(take_file(), "godwit/a\\\\012b\\[[0-9]+\\]: x\n$"));
	log_role("smtpd");
}

/* Cut at a border of characters and escapes, whatever stands there. */
static void
long_lines_are_cut(void **state)
{
	static const char *const unit[] = { "a", "\n", "\xc3\xbc",
	    "\xf0\x9f\x90\xa6", "\xff" };
	struct buf b = { 0 };
	char *text;
	size_t i, j, shift;

	(void)state;
	for (i = 0; i < 5; i++) {
		for (shift = 0; shift < 4; shift++) {
			buf_reset(&b);
			for (j = 0; j < shift; j++)
				buf_putc(&b, 'x');
			for (j = 0; j < 5000; j++)
				buf_putz(&b, unit[i]);
			log_info("%s", buf_cstr(&b));
			text = take_file();
			assert_true(strlen(text) <= 2048);
			assert_true(strlen(text) > 2040);
			assert_int_equal(text[strlen(text) - 1], '\n');
			assert_ptr_equal(strchr(text, '\n'),
			    text + strlen(text) - 1);
			assert_true(matches(text, i == 1 ? "\\\\012\n$" :
			    i == 4 ? "\\\\377\n$" : "[^0-9]\n$"));
		}
	}
	buf_free(&b);
}

static void
errno_survives(void **state)
{
	(void)state;
	errno = ENOSPC;
	log_info("%m");
	assert_int_equal(errno, ENOSPC);
	assert_true(matches(take_file(), "No space left on device\n$"));
}

static void
bad_targets_change_nothing(void **state)
{
	int fd = log_fd();

	(void)state;
	assert_int_equal(log_open("relative"), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(log_open("/nowhere/at/all"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(log_fd(), fd);
	log_info("still here");
	assert_true(matches(take_file(), "still here\n$"));
	/* Opened again after a rotation. */
	unlink(path);
	assert_int_equal(log_open(path), 0);
	log_info("new file");
	assert_true(matches(take_file(), "new file\n$"));
	assert_true((fcntl(log_fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

static void
last_words_are_logged(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		log_role("child");
		die("no more");
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 75);
	assert_true(matches(take_file(), "godwit/child\\[[0-9]+\\]: "
	    "fatal: no more\n$"));
}

/* A log that does not take lines does not stop us either. */
static void
closed_standard_error(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		close(STDERR_FILENO);
		_exit(log_open("stderr") == 0 && log_fd() == STDERR_FILENO ?
		    (log_info("x"), 0) : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int
open_logger(void)
{
	struct sockaddr_un sun = { AF_UNIX, "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);

	unlink("/dev/log");
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		return -1;
	return fd;
}

static bool
got(int fd, const char *pattern)
{
	char text[4096];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return pattern == NULL;
	text[n] = '\0';
	return pattern != NULL && matches(text, pattern);
}

static bool
tell_kernel(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	ssize_t n = write(fd, text, strlen(text));

	close(fd);
	return n == (ssize_t)strlen(text);
}

static bool
own_name_space(void)
{
	char users[64], groups[64];
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWNS) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
		return false;
	snprintf(users, sizeof(users), "%u %u 1", uid, uid);
	snprintf(groups, sizeof(groups), "%u %u 1", gid, gid);
	return tell_kernel("/proc/self/setgroups", "deny") &&
	    tell_kernel("/proc/self/gid_map", groups) &&
	    tell_kernel("/proc/self/uid_map", users);
}

/* A /dev of its own.  Without the right to have one: 99. */
static bool
own_dev(void)
{
	return own_name_space() &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", "/dev", "tmpfs", 0, NULL) == 0;
}

static int
speak_to_logger(void)
{
	int fd, i;

	if (!own_dev())
		return 99;
	/* None there: standard error, with a warning. */
	close(STDERR_FILENO);
	if (open(path, O_WRONLY | O_APPEND | O_CREAT, 0600) != 2)
		return 1;
	if (log_open("syslog") != 0 || log_fd() != STDERR_FILENO)
		return 2;
	if (!matches(take_file(), "warning: .*/dev/log.*No such file"))
		return 3;
	if ((fd = open_logger()) == -1 || log_open("syslog") != 0)
		return 4;
	log_role("qmgr");
	log_info("one\ntwo");
	if (!got(fd, "^<22>" STAMP "godwit/qmgr\\[[0-9]+\\]: "
	    "one\\\\012two$"))
		return 5;
	log_error("x");
	if (!got(fd, "^<19>.*: error: x$"))
		return 6;
	log_warning("x");
	if (!got(fd, "^<20>.*: warning: x$"))
		return 7;
	/* The logger goes away and comes back. */
	close(fd);
	log_info("lost");
	if ((fd = open_logger()) == -1)
		return 8;
	log_info("found");
	if (!got(fd, "found$") || !got(fd, NULL))
		return 9;
	/* Nobody reads: no line waits. */
	for (i = 0; i < 10000; i++)
		log_info("flood");
	return 0;
}

static void
system_logger(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		alarm(120);
		_exit(speak_to_logger());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 99) {
		print_message("no name spaces here: logger not tested\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_has_the_fields_shape),
		cmocka_unit_test(sanitiser),
		cmocka_unit_test(role_is_cleaned_too),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(errno_survives),
		cmocka_unit_test(bad_targets_change_nothing),
		cmocka_unit_test(last_words_are_logged),
		cmocka_unit_test(closed_standard_error),
		cmocka_unit_test(system_logger),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
