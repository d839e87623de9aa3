/* SPDX-License-Identifier: ISC */
/*
 * priv/request: the way to root takes what is exactly a request, and of
 * anything else keeps nothing, not even a descriptor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fake_files.h"
#include "os/sock.h"
#include "priv/request.h"

/* As it travels. */
struct packet {
	uint32_t	kind;
	char		user[REQUEST_USER_MAX];
	char		more[8];
};
#define LENGTH	(sizeof(uint32_t) + REQUEST_USER_MAX)

static int channel[2];

static int
open_channel(void **state)
{
	struct fault why;

	(void)state;
	return sock_pair(SOCK_SEQPACKET, channel, &why);
}

static int
close_channel(void **state)
{
	(void)state;
	close(channel[0]);
	close(channel[1]);
	return 0;
}

static void
test_round(void **state)
{
	struct request in = { .kind = REQUEST_AGENT }, out;
	struct fault why;
	int answer[2], got = -1;
	char c = 0;

	(void)state;
	memcpy(in.user, "joe", 4);
	assert_int_equal(sock_pair(SOCK_SEQPACKET, answer, &why), 0);
	assert_int_equal(request_send(channel[0], &in, answer[1], &why), 0);
	memset(&out, 0xff, sizeof(out));
	assert_int_equal(request_receive(channel[1], &out, &got), 1);
	assert_int_equal(out.kind, REQUEST_AGENT);
	assert_string_equal(out.user, "joe");
	/* It is the socket that was given, and is not inherited. */
	assert_true((fcntl(got, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(send(got, "x", 1, 0), 1);
	assert_int_equal(recv(answer[0], &c, 1, MSG_DONTWAIT), 1);
	assert_int_equal(c, 'x');
	close(got);
	close(answer[0]);
	close(answer[1]);
}

static void
test_nothing_there(void **state)
{
	struct request r = { .kind = REQUEST_AGENT, .user = "joe" };
	struct fault why;
	int got;

	(void)state;
	assert_int_equal(request_receive(channel[1], &r, &got), -1);
	close(channel[0]);
	assert_int_equal(request_receive(channel[1], &r, &got), 0);
	/* And for the asker: a fault, no signal. */
	assert_int_equal(request_send(channel[1], &r, 0, &why), -1);
	assert_true(fault_is_temporary(&why));
	channel[0] = dup(channel[1]);
}

static struct packet
good(const char *user)
{
	struct packet p = { .kind = REQUEST_AGENT };

	memcpy(p.user, user, strlen(user));
	return p;
}

/* 1 taken, and then its descriptor is closed; else what was answered. */
static int
offer(const struct packet *p, size_t length, size_t nfds)
{
	int fds[SOCK_FDS_MAX], got, r;
	struct request out;
	unsigned before = fake_open_files();

	for (size_t i = 0; i < SOCK_FDS_MAX; i++)
		fds[i] = channel[1];
	assert_int_equal(sock_send(channel[0], str_span(p, length), fds, nfds,
	    0), 0);
	r = request_receive(channel[1], &out, &got);
	if (r == 1)
		close(got);
	assert_int_equal(fake_open_files(), before);
	return r;
}

static void
test_shape(void **state)
{
	struct packet p = good("joe");

	(void)state;
	for (size_t n = 1; n <= sizeof(p); n++)
		for (size_t nfds = 0; nfds <= SOCK_FDS_MAX; nfds++)
			assert_int_equal(offer(&p, n, nfds),
			    n == LENGTH && nfds == 1 ? 1 : -1);
}

static void
test_kinds(void **state)
{
	static const uint32_t kinds[] = { 0, 2, 3, 255, 256, 257, 0x01000000,
	    0x80000001, UINT32_MAX };
	struct packet p = good("joe");

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		p.kind = kinds[i];
		assert_int_equal(offer(&p, LENGTH, 1), -1);
	}
}

static const struct {
	const char	*user;
	int		 expected;
} users[] = {
	{ "joe", 1 },
	{ "j", 1 },
	{ "Joe.X_y-z+1", 1 },
	{ "j\303\266rg", 1 },
	{ "123456789 123456789 123456789 123456789 123456789 123456789 123",
	    1 },
	{ "", -1 },
	{ "-", -1 },
	{ "-joe", -1 },
	{ "/", -1 },
	{ "../joe", -1 },
	{ "joe/", -1 },
	{ "jo\ne", -1 },
	{ "joe\n", -1 },
	{ "\033joe", -1 },
	{ "joe\177", -1 },
	{ "jo\te", -1 },
	{ "\001", -1 },
};

static void
test_users(void **state)
{
	struct packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		p = good(users[i].user);
		if (offer(&p, LENGTH, 1) != users[i].expected)
			fail_msg("row %zu", i);
	}
	/* A name that does not end. */
	p = good("");
	memset(p.user, 'a', sizeof(p.user));
	memset(p.more, 'a', sizeof(p.more));
	assert_int_equal(offer(&p, LENGTH, 1), -1);
}

/* An empty packet is not the end, and may not leave descriptors behind. */
static void
test_empty(void **state)
{
	union {
		struct cmsghdr	head;
		char		room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	unsigned before = fake_open_files();
	struct request out;
	int got;

	(void)state;
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &channel[1], sizeof(int));
	assert_int_equal(sendmsg(channel[0], &msg, 0), 0);
	assert_int_not_equal(request_receive(channel[1], &out, &got), 1);
	assert_int_equal(fake_open_files(), before);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, open_channel, close_channel)
	const struct CMUnitTest tests[] = {
		WITH(test_round),
		WITH(test_nothing_there),
		WITH(test_shape),
		WITH(test_kinds),
		WITH(test_users),
		WITH(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
