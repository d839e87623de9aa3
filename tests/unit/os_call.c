/* SPDX-License-Identifier: ISC */
/*
 * os/call: a question and its answer, whose question the kernel says it is, and
 * that nobody else can answer it, nor hear the answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/call.h"

static int desk[2];
static char path[64];

static int
open_desk(void **state)
{
	struct fault why;

	(void)state;
	return call_open(path, getuid(), desk, &why);
}

static int
close_desk(void **state)
{
	(void)state;
	close(desk[0]);
	close(desk[1]);
	return 0;
}

static pid_t
start_asker(const char *question, const char *want)
{
	char answer[64];
	pid_t pid = fork();
	ssize_t n;

	if (pid == 0) {
		n = call_ask(desk[1], str_of(question), answer,
		    sizeof(answer), 30);
		_exit(n == (ssize_t)strlen(want) &&
		    memcmp(answer, want, strlen(want)) == 0 ? 0 : 1);
	}
	assert_true(pid > 0);
	return pid;
}

static struct call
hear(char question[64])
{
	struct pollfd p = { .fd = desk[0], .events = POLLIN };
	struct call c;
	ssize_t n;

	assert_int_equal(poll(&p, 1, 60000), 1);
	n = call_hear(desk[0], question, 63, &c);
	assert_true(n > 0);
	question[n] = '\0';
	return c;
}

static void
check_end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Two at once, answered in the other order. */
static void
test_two(void **state)
{
	char question[64];
	struct call one, two;
	pid_t first, second;

	(void)state;
	first = start_asker("one?", "one!");
	one = hear(question);
	assert_string_equal(question, "one?");
	assert_int_equal(one.pid, first);
	assert_int_equal(one.uid, getuid());
	second = start_asker("two?", "two!");
	two = hear(question);
	assert_int_equal(two.pid, second);
	call_answer(desk[0], &two, STR("two!"));
	check_end(second);
	call_answer(desk[0], &one, STR("one!"));
	check_end(first);
	/* They are there no more. */
	call_answer(desk[0], &two, STR("two!"));
	assert_int_equal(call_hear(desk[0], question, 64, &one), -1);
	assert_int_equal(errno, EAGAIN);
}

/* Somebody who knows where it is to be answered cannot. */
static void
test_another(void **state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char question[64];
	struct call c;
	pid_t pid;

	(void)state;
	pid = start_asker("who?", "he");
	c = hear(question);
	assert_true(c.n > 0 && c.n <= sizeof(c.name));
	memcpy(to.sun_path, c.name, c.n);
	assert_int_equal(sendto(fd, "I", 1, 0, (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + c.n)), -1);
	assert_int_equal(errno, EPERM);
	call_answer(desk[0], &c, STR("he"));
	check_end(pid);
	close(fd);
}

/* It is not answered, and does not wait for ever. */
static void
test_too_long(void **state)
{
	char question[64];
	struct call c;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(call_ask(desk[1], STR("0123456789"), question,
		    sizeof(question), 1) == -1 ? 0 : 1);
	while (call_hear(desk[0], question, 9, &c) != 0)
		continue;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_place(void **state)
{
	char long_path[200];
	struct stat st;
	struct fault why;
	int other[2];

	(void)state;
	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(fstat(desk[1], &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(call_open(long_path, getuid(), other, &why), -1);
	assert_int_equal(call_open("/none/at/all", getuid(), other, &why), -1);
	assert_int_equal(other[0], -1);
	assert_int_equal(other[1], -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two, open_desk,
		    close_desk),
		cmocka_unit_test_setup_teardown(test_another, open_desk,
		    close_desk),
		cmocka_unit_test_setup_teardown(test_too_long, open_desk,
		    close_desk),
		cmocka_unit_test_setup_teardown(test_place, open_desk,
		    close_desk),
	};

	snprintf(path, sizeof(path), "/tmp/godwit-call-%d", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
