/* SPDX-License-Identifier: ISC */
/* client/queue against a daemon of one answer, in a child, in any split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client/queue.h"
#include "os/file.h"
#include "os/sock.h"

static char dir[64];
static struct conf *conf;
static char sock_path[128];

static void
remove_socket(void)
{
	unlink(sock_path);
}

static int
setup(void **state)
{
	struct buf errors = { 0 };
	char text[256];

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/godwit-client.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	/* No spool either: the system's own may have mail in it. */
	snprintf(text, sizeof(text), "hostname a.example\nrun %s\n"
	    "spool %s/spool\n", dir, dir);
	snprintf(sock_path, sizeof(sock_path), "%s/queue.sock", dir);
	conf = conf_parse("test", str_of(text), &errors);
	buf_free(&errors);
	return conf == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	conf_free(conf);
	remove_socket();
	return rmdir(dir);
}

/*
 * A child that takes one connection, reads a line, writes the answer in pieces
 * of step bytes, and exits 0 when the line was the wanted one.
 */
static pid_t
start(const char *wanted, struct str answer, size_t step)
{
	struct fault why;
	struct sock_addr peer;
	char line[256];
	size_t n = 0, i;
	ssize_t got;
	int fd, conn;
	pid_t pid;

	remove_socket();
	fd = sock_listen_unix(sock_path, 0600, 1, &why);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid > 0) {
		close(fd);
		return pid;
	}
	alarm(300);
	signal(SIGPIPE, SIG_IGN);
	conn = sock_accept(fd, &peer);
	while (n < sizeof(line) - 1 && (n == 0 || line[n - 1] != '\n') &&
	    (got = read(conn, line + n, sizeof(line) - 1 - n)) > 0)
		n += (size_t)got;
	line[n] = '\0';
	for (i = 0; i < answer.n; i += step)
		if (file_write(conn, answer.p + i,
		    answer.n - i < step ? answer.n - i : step, &why) == -1)
			break;	/* who was refused need not hear the rest */
	close(conn);
	_exit(strcmp(line, wanted) == 0 ? 0 : 1);
}

static void
finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* What came out, read from a file so that no pipe can fill. */
static int
ask(const char *request, struct buf *out, struct fault *why)
{
	char path[] = "/tmp/godwit-client-out.XXXXXX";
	int fd = mkstemp(path), r;
	struct fault ignored;

	assert_int_not_equal(fd, -1);
	r = client_queue(conf, request, fd, why);
	close(fd);
	assert_int_equal(file_load(AT_FDCWD, path, 1 << 24, out, &ignored),
	    0);
	unlink(path);
	return r;
}

#define END	"\0"

static const struct {
	const char	*name;
	struct str	 answer;
	int		 result;
	const char	*out;		/* or a part of the fault's text */
	enum fault_kind	 kind;
} rows[] = {
	{ "empty body", STR("ok\n" END), 0, "", FAULT_NONE },
	{ "body", STR("ok\nMail queue is empty\n" END), 0,
	    "Mail queue is empty\n", FAULT_NONE },
	{ "not cleaned for a file", STR("ok\na\033[2Jb\r\n" END), 0,
	    "a\033[2Jb\r\n", FAULT_NONE },
	{ "body says error", STR("ok\nerror x\n" END), 0, "error x\n",
	    FAULT_NONE },
	{ "crlf", STR("ok\r\nx" END), 0, "x", FAULT_NONE },
	{ "error", STR("error there is no such message in the queue\n" END),
	    -1, "there is no such message in the queue", FAULT_PERMANENT },
	{ "error with a body", STR("error no\nbody\n"), -1, "no",
	    FAULT_PERMANENT },
	{ "nothing", STR(""), -1, "broke off", FAULT_TEMPORARY },
	{ "half a line", STR("o"), -1, "broke off", FAULT_TEMPORARY },
	{ "an ok without its end", STR("ok"), -1, "broke off",
	    FAULT_TEMPORARY },
	{ "no end", STR("ok\n"), -1, "not whole", FAULT_TEMPORARY },
	{ "something else", STR("hello\nx\n"), -1, "hello",
	    FAULT_PERMANENT },
	{ "longer than ok", STR("okay\nx\n"), -1, "okay", FAULT_PERMANENT },
};

static void
test_answers(void **state)
{
	struct buf out = { 0 };
	struct fault why;
	size_t i, step, n;
	pid_t pid;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = rows[i].answer.n;
		print_message("%s\n", rows[i].name);
		for (step = 1; step <= n + 1; step++) {
			fault_clear(&why);
			buf_reset(&out);
			pid = start("show X\n", rows[i].answer, step);
			assert_int_equal(ask("show X", &out, &why),
			    rows[i].result);
			finish(pid);
			if (rows[i].result == 0) {
				assert_string_equal(buf_cstr(&out),
				    rows[i].out);
				continue;
			}
			assert_int_equal(out.n, 0);
			assert_int_equal(why.kind, rows[i].kind);
			assert_non_null(strstr(why.text, rows[i].out));
		}
	}
	buf_free(&out);
}

static void
test_long(void **state)
{
	struct buf out = { 0 }, answer = { 0 };
	struct fault why;
	pid_t pid;
	int i;

	(void)state;
	buf_putz(&answer, "ok\n");
	for (i = 0; i < 200000; i++)
		buf_printf(&answer, "%d\n", i);
	buf_put(&answer, "\0", 2);		/* one in it, one behind it */
	pid = start("mailq json\n", buf_str(&answer), 100000);
	assert_int_equal(ask("mailq json", &out, &why), 0);
	finish(pid);
	assert_true(str_eq(buf_str(&out), str_slice(buf_str(&answer), 3,
	    answer.n - 1)));
	/* A list that ends in its middle has been passed on, and is told. */
	buf_reset(&out);
	pid = start("mailq\n", str_slice(buf_str(&answer), 0, 1000), 10);
	assert_int_equal(ask("mailq", &out, &why), -1);
	finish(pid);
	assert_true(fault_is_temporary(&why));
	assert_true(str_eq(buf_str(&out), str_slice(buf_str(&answer), 3,
	    1000)));
	/* What was changed was changed. */
	pid = start("hold X\n", STR("ok\n"), 10);
	assert_int_equal(ask("hold X", &out, &why), 0);
	finish(pid);
	buf_free(&out);
	buf_free(&answer);
}

static void
test_down(void **state)
{
	struct buf out = { 0 };
	struct fault why;
	int fd;

	(void)state;
	remove_socket();
	assert_int_equal(ask("mailq", &out, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_non_null(strstr(why.text, "the mail system is down: connect"));
	assert_non_null(strstr(why.text, sock_path));
	/* A socket that nobody listens on any more. */
	fd = sock_listen_unix(sock_path, 0600, 1, &why);
	assert_int_not_equal(fd, -1);
	close(fd);
	assert_int_equal(ask("mailq", &out, &why), -1);
	assert_non_null(strstr(why.text, "the mail system is down: connect"));
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

/* A terminal gets no control characters of strangers. */
static void
test_terminal(void **state)
{
	struct termios raw;
	struct fault why;
	char got[256];
	size_t n = 0;
	ssize_t r;
	int master, slave;
	pid_t pid;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	pid = start("mailq\n", STR("ok\na\033[2Jb\r\n\tc\177\300\n" END),
	    5);
	assert_int_equal(client_queue(conf, "mailq", slave, &why), 0);
	finish(pid);
	close(slave);
	while (n < sizeof(got) - 1 &&
	    (r = read(master, got + n, sizeof(got) - 1 - n)) > 0)
		n += (size_t)r;
	got[n] = '\0';
	close(master);
	assert_string_equal(got, "a?[2Jb\n\tc?\300\n");
}

static void
test_output_fails(void **state)
{
	struct fault why;
	pid_t pid;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_not_equal(fd, -1);
	pid = start("mailq\n", STR("ok\nx\n"), 100);
	assert_int_equal(client_queue(conf, "mailq", fd, &why), -1);
	finish(pid);
	assert_non_null(strstr(why.text, "write"));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_output_fails),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
