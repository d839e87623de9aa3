/* SPDX-License-Identifier: ISC */
/*
 * priv/usher: a question and its answer between two processes, and what the
 * master does with everything else: it keeps no descriptor of it and never
 * waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/un.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_files.h"
#include "os/sock.h"
#include "priv/usher.h"

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

static struct ip
ip(const char *text)
{
	struct ip out;

	assert_true(ip_parse(str_of(text), &out));
	return out;
}

/* A session that asks and tells by its status what it has heard. */
static pid_t
start_session(const char *client, const char *want)
{
	struct ip who = ip(client);
	char answer[USHER_ANSWER_MAX];
	pid_t pid = fork();

	if (pid == 0)
		_exit(usher_ask(desk[1], &who, answer) &&
		    strcmp(answer, want) == 0 ? 0 : 1);
	assert_true(pid > 0);
	return pid;
}

static void
hear(struct usher_call *call)
{
	int r;

	do
		r = usher_hear(desk[0], call);
	while (r == 0);
	assert_int_equal(r, 1);
}

static void
test_round(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.2.1", "2" },
		{ "2001:db8::1", "421 4.7.0 no\r\n" },
		{ "127.0.0.1", "2" },
	};
	unsigned files = fake_open_files();
	struct usher_call call;
	struct ip want;
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid_t pid = start_session(rows[i][0], rows[i][1]);

		hear(&call);
		want = ip(rows[i][0]);
		assert_false(call.login);
		assert_true(ip_eq(&call.ip, &want));
		assert_int_equal(call.from.pid, pid);
		usher_answer(desk[0], &call, rows[i][1]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	assert_int_equal(usher_hear(desk[0], &call), 0);
	assert_int_equal(fake_open_files(), files);
}

static void
test_login(void **state)
{
	unsigned files = fake_open_files();
	struct usher_call call;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		usher_tell_login(desk[1]);
		_exit(fake_open_files() == files ? 0 : 1);
	}
	hear(&call);
	assert_true(call.login);
	assert_int_equal(call.from.pid, pid);
	assert_int_equal(usher_hear(desk[0], &call), 0);
	assert_int_equal(fake_open_files(), files);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A socket of the test's own, to say anything to the desk. */
static int
reach_desk(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d",
	    desk[1]);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* When nobody hears, whoever tells goes on all the same. */
static void
test_a_login_in_vain(void **state)
{
	unsigned files = fake_open_files(), told = 0, heard = 0;
	struct usher_call call;
	int fd = reach_desk();

	(void)state;
	while (send(fd, "x", 1, MSG_DONTWAIT) == 1)
		told++;
	usher_tell_login(desk[1]);
	while (usher_hear(desk[0], &call) == -1)
		heard++;
	assert_int_equal(heard, told);
	close(fd);
	assert_int_equal(fake_open_files(), files);
}

/* The master has gone before it could hear, and before it could answer. */
static void
test_no_answer(void **state)
{
	struct ip who = ip("192.0.2.1");
	char answer[USHER_ANSWER_MAX];
	struct usher_call call;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		close(desk[0]);
		_exit(usher_ask(desk[1], &who, answer) ? 1 : 0);
	}
	hear(&call);
	close(desk[0]);
	desk[0] = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(usher_ask(desk[1], &who, answer));
}

/* As it travels. */
struct packet {
	uint8_t	family, b[16], more;
};
#define LENGTH	17

static void
test_malformed(void **state)
{
	static const struct {
		size_t	length;
		uint8_t	family, first;
	} rows[] = {
		{ LENGTH - 1, 4, 1 }, { LENGTH + 1, 4, 1 }, { 1, 4, 1 },
		/* A login is all zero. */
		{ LENGTH - 1, 0, 0 }, { LENGTH + 1, 0, 0 },
		{ LENGTH, 0, 1 }, { LENGTH, 5, 1 }, { LENGTH, 255, 1 },
		/* ::ffff:192.0.2.1 is an address of family 4. */
		{ LENGTH, 6, 0 },
	};
	char none[USHER_ANSWER_MAX];
	unsigned files = fake_open_files();
	struct usher_call call;
	int fd = reach_desk();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p = { .family = rows[i].family };

		memset(p.b, rows[i].first, sizeof(p.b));
		if (rows[i].first == 0 && rows[i].family == 6)
			memcpy(p.b + 10, "\xff\xff\xc0\x00\x02\x01", 6);
		/* Descriptors are not kept, and make no difference. */
		assert_int_equal(sock_send(fd, str_span((char *)&p,
		    rows[i].length), desk, i % 3, 0), 0);
		if (usher_hear(desk[0], &call) != -1)
			fail_msg("row %zu was taken", i);
	}
	/* One who has no name is not answered, and does no harm. */
	assert_int_equal(send(fd, &(struct packet){ 4, { 192, 0, 2, 1 }, 0 },
	    LENGTH, 0), LENGTH);
	assert_int_equal(usher_hear(desk[0], &call), 1);
	usher_answer(desk[0], &call, "2");
	assert_int_equal(recv(fd, none, sizeof(none), MSG_DONTWAIT), -1);
	close(fd);
	assert_int_equal(fake_open_files(), files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, open_desk,
		    close_desk),
		cmocka_unit_test_setup_teardown(test_login, open_desk,
		    close_desk),
		cmocka_unit_test_setup_teardown(test_a_login_in_vain, open_desk,
		    close_desk),
		cmocka_unit_test_setup_teardown(test_no_answer, open_desk,
		    close_desk),
		cmocka_unit_test_setup_teardown(test_malformed, open_desk,
		    close_desk),
	};

	snprintf(path, sizeof(path), "/tmp/godwit-usher-%d", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
