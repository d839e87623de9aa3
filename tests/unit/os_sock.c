/* SPDX-License-Identifier: ISC */
/*
 * os/sock: connections over loopback and local sockets, who is at the other
 * end, and descriptors that travel in packets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/sock.h"

static void
assert_cloexec(int fd)
{
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static bool
blocks(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

static int
get_int(int fd, int level, int option)
{
	int v = -1;
	socklen_t n = sizeof(v);

	assert_int_equal(getsockopt(fd, level, option, &v, &n), 0);
	return v;
}

static long
get_seconds(int fd, int option)
{
	struct timeval tv;
	socklen_t n = sizeof(tv);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, option, &tv, &n), 0);
	return (long)tv.tv_sec;
}

static int
accept_soon(int fd, struct sock_addr *peer)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 60000), 1);
	return sock_accept(fd, peer);
}

static void
talk_over(const char *address)
{
	struct sock_addr at, peer, local, far;
	struct fault why;
	int fd, a, b;
	char c;

	memset(&at, 0, sizeof(at));
	assert_true(ip_parse(str_of(address), &at.ip));
	fd = sock_listen(&at, 16, 33, &why);
	if (fd == -1)
		fail_msg("%s", why.text);
	assert_cloexec(fd);
	assert_false(blocks(fd));
	assert_int_equal(sock_accept(fd, &peer), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(sock_local(fd, &at), 0);
	assert_int_not_equal(at.port, 0);
	a = sock_connect(&at, &at.ip, 5, &why);
	if (a == -1)
		fail_msg("%s", why.text);
	b = accept_soon(fd, &peer);
	assert_true(b >= 0);
	assert_cloexec(a);
	assert_cloexec(b);
	assert_true(blocks(a) && blocks(b));
	assert_int_equal(get_int(a, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(get_int(b, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(get_seconds(b, SO_RCVTIMEO), 33);
	assert_int_equal(get_seconds(b, SO_SNDTIMEO), 33);
	assert_int_equal(sock_local(a, &local), 0);
	assert_int_equal(sock_local(b, &far), 0);
	assert_true(ip_eq(&peer.ip, &at.ip) && peer.port == local.port);
	assert_true(ip_eq(&far.ip, &at.ip) && far.port == at.port);
	assert_int_equal(write(a, "x", 1), 1);
	assert_int_equal(read(b, &c, 1), 1);
	close(a);
	close(b);
	close(fd);
}

static void
tcp_v4(void **state)
{
	(void)state;
	talk_over("127.0.0.1");
}

static void
tcp_v6(void **state)
{
	(void)state;
	talk_over("::1");
}

/* An IPv6 listener does not take the IPv4 port. */
static void
v6_only(void **state)
{
	struct sock_addr a4 = { { 4, { 127, 0, 0, 1 } }, 0 };
	struct sock_addr any6 = { { 6, { 0 } }, 0 };
	struct fault why;
	int f4, f6;

	(void)state;
	f4 = sock_listen(&a4, 1, 0, &why);
	assert_true(f4 >= 0);
	assert_int_equal(sock_local(f4, &a4), 0);
	any6.port = a4.port;
	f6 = sock_listen(&any6, 1, 0, &why);
	assert_true(f6 >= 0);
	/* The same address twice is a fault that names it. */
	assert_int_equal(sock_listen(&a4, 1, 0, &why), -1);
	assert_non_null(strstr(why.text, "127.0.0.1"));
	assert_non_null(strstr(why.text, "in use"));
	assert_true(fault_is_temporary(&why));
	close(f6);
	close(f4);
}

static void
refused(void **state)
{
	struct sock_addr a = { { 4, { 127, 0, 0, 1 } }, 0 };
	struct ip six = { 6, { 0 } };
	struct fault why;
	int fd;

	(void)state;
	fd = sock_listen(&a, 1, 0, &why);
	assert_int_equal(sock_local(fd, &a), 0);
	close(fd);
	assert_int_equal(sock_connect(&a, NULL, 5, &why), -1);
	assert_string_equal(why.text, "Connection refused");
	assert_int_equal(why.kind, FAULT_TEMPORARY);
	assert_int_equal(sock_connect(&a, &six, 5, &why), -1);
}

/* A listener whose queue is full does not answer. */
static void
connect_times_out(void **state)
{
	struct sock_addr a = { { 4, { 127, 0, 0, 1 } }, 0 };
	struct fault why;
	int fd, full[8], i, n = 0;

	(void)state;
	fd = sock_listen(&a, 0, 0, &why);
	assert_int_equal(sock_local(fd, &a), 0);
	for (i = 0; i < 8; i++) {
		full[n] = sock_connect(&a, NULL, 1, &why);
		if (full[n] == -1)
			break;
		n++;
	}
	assert_true(n < 8);
	assert_string_equal(why.text, "Connection timed out");
	while (n > 0)
		close(full[--n]);
	close(fd);
}

static char temp_dir[64];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(temp_dir, sizeof(temp_dir), "/tmp/os_sock.XXXXXX");
	return mkdtemp(temp_dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	return rmdir(temp_dir);
}

static void
local_socket(void **state)
{
	char path[128];
	struct sock_addr peer;
	struct fault why;
	struct stat st;
	int fd, again, a, b;
	uid_t uid = 12345;
	pid_t pid = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/s", temp_dir);
	assert_int_equal(sock_connect_unix(path, &why), -1);
	fd = sock_listen_unix(path, 0666, 16, &why);
	if (fd == -1)
		fail_msg("%s", why.text);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	/* Somebody listens: not replaced. */
	assert_int_equal(sock_listen_unix(path, 0600, 16, &why), -1);
	assert_non_null(strstr(why.text, "in use"));
	a = sock_connect_unix(path, &why);
	assert_true(a >= 0);
	b = accept_soon(fd, &peer);
	assert_true(b >= 0);
	assert_int_equal(peer.ip.family, 0);
	assert_int_equal(sock_peer_uid(b, &uid, &pid), 0);
	assert_int_equal(uid, geteuid());
	assert_int_equal(pid, getpid());
	assert_int_equal(sock_peer_uid(b, &uid, NULL), 0);
	close(a);
	close(b);
	close(fd);
	/* Nobody listens any more: replaced. */
	again = sock_listen_unix(path, 0600, 16, &why);
	if (again == -1)
		fail_msg("%s", why.text);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(again);
	unlink(path);
}

static void
a_file_is_no_stale_socket(void **state)
{
	char path[128], far[256];
	struct fault why;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/f", temp_dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(sock_listen_unix(path, 0600, 1, &why), -1);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	memset(far, 'x', sizeof(far));
	far[0] = '/';
	far[sizeof(far) - 1] = '\0';
	assert_int_equal(sock_listen_unix(far, 0600, 1, &why), -1);
	assert_int_equal(sock_connect_unix(far, &why), -1);
	assert_non_null(strstr(why.text, "too long"));
}

static void
tcp_has_no_peer_uid(void **state)
{
	struct sock_addr a = { { 4, { 127, 0, 0, 1 } }, 0 };
	struct fault why;
	uid_t uid;
	int fd;

	(void)state;
	fd = sock_listen(&a, 1, 0, &why);
	assert_int_equal(sock_peer_uid(fd, &uid, NULL), -1);
	close(fd);
}

static void
descriptors_travel(void **state)
{
	static const int types[] = { SOCK_SEQPACKET, SOCK_DGRAM };
	int pair[2], p[2], got[SOCK_FDS_MAX];
	struct fault why;
	char text[16], c;
	size_t i, n;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(sock_pair(types[i], pair, &why), 0);
		assert_cloexec(pair[0]);
		assert_int_equal(pipe(p), 0);
		assert_int_equal(sock_send(pair[0], STR("job"), p, 2, 0), 0);
		assert_int_equal(sock_receive(pair[1], text, sizeof(text),
		    got, &n, 0), 3);
		assert_memory_equal(text, "job", 3);
		assert_int_equal(n, 2);
		assert_cloexec(got[0]);
		assert_cloexec(got[1]);
		assert_int_equal(write(p[1], "x", 1), 1);
		assert_int_equal(read(got[0], &c, 1), 1);
		close(got[0]);
		close(got[1]);
		assert_int_equal(sock_send(pair[0], STR("bare"), NULL, 0, 0),
		    0);
		assert_int_equal(sock_receive(pair[1], text, sizeof(text),
		    got, &n, 0), 4);
		assert_int_equal(n, 0);
		close(p[0]);
		close(p[1]);
		close(pair[0]);
		close(pair[1]);
	}
}

static unsigned
count_open(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* Descriptors that nobody asked for, that come with a packet that was cut,
 * or that are too many do not stay open. */
static void
no_descriptor_leaks(void **state)
{
	union {
		struct cmsghdr	head;
		char		room[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec iov = { (void *)(uintptr_t)"y", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int pair[2], four[4] = { 0, 0, 0, 0 }, got[SOCK_FDS_MAX], zero = 0;
	struct fault why;
	char text[4];
	size_t n, i;
	unsigned before;

	(void)state;
	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair, &why), 0);
	before = count_open();
	assert_int_equal(sock_send(pair[0], STR("x"), four, 4, 0), 0);
	assert_int_equal(sock_receive(pair[1], text, 4, NULL, NULL, 0), 1);
	assert_int_equal(count_open(), before);

	assert_int_equal(sock_send(pair[0], STR("too long"), four, 4, 0), 0);
	assert_int_equal(sock_receive(pair[1], text, 4, got, &n, 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(n, 0);
	assert_int_equal(count_open(), before);

	memset(&control, 0, sizeof(control));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(8 * sizeof(int));
	for (i = 0; i < 8; i++)
		memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &zero,
		    sizeof(int));
	msg.msg_control = &control;
	msg.msg_controllen = sizeof(control);
	assert_int_equal(sendmsg(pair[0], &msg, 0), 1);
	assert_int_equal(sock_receive(pair[1], text, 4, got, &n, 0), 1);
	assert_int_equal(n, SOCK_FDS_MAX);
	assert_int_equal(count_open(), before + SOCK_FDS_MAX);
	while (n > 0)
		close(got[--n]);
	close(pair[0]);
	close(pair[1]);
}

static void
full_and_ended(void **state)
{
	struct fault why;
	char text[16];
	int pair[2], i;

	(void)state;
	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair, &why), 0);
	for (i = 0; i < 1000000; i++)
		if (sock_send(pair[0], STR("x"), NULL, 0, MSG_DONTWAIT) == -1)
			break;
	assert_int_equal(errno, EAGAIN);
	while (sock_receive(pair[1], text, sizeof(text), NULL, NULL,
	    MSG_DONTWAIT) == 1)
		i--;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(i, 0);
	close(pair[0]);
	assert_int_equal(sock_receive(pair[1], text, sizeof(text), NULL,
	    NULL, 0), 0);
	assert_int_equal(sock_send(pair[1], STR("x"), NULL, 0, 0), -1);
	assert_int_equal(errno, EPIPE);
	close(pair[1]);
}

/* Nobody finds it, who has the door comes in, whoever he is by then. */
static void
hidden_listener(void **state)
{
	struct sock_addr peer;
	struct fault why;
	char path[100], text[16];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int door[2], a, b, i, waiting[4];
	uid_t uid;
	pid_t pid;

	(void)state;
	snprintf(path, sizeof(path), "%s/hidden", temp_dir);
	/* What a daemon that was killed left there is no hindrance. */
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	a = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(a, (struct sockaddr *)&un, sizeof(un)), 0);
	close(a);
	assert_int_equal(sock_listen_hidden(path, geteuid(), 2, door, &why),
	    0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(sock_accept(door[0], &peer), -1);
	assert_int_equal(errno, EAGAIN);
	a = sock_connect_hidden(door[1], 1);
	assert_true(a >= 0);
	assert_int_equal(send(a, "one", 3, 0), 3);
	assert_int_equal(send(a, "two", 3, 0), 3);
	b = sock_accept(door[0], &peer);
	assert_true(b >= 0);
	assert_int_equal(sock_peer_uid(b, &uid, &pid), 0);
	assert_int_equal(pid, getpid());
	/* Packets keep their bounds. */
	assert_int_equal(recv(b, text, sizeof(text), 0), 3);
	assert_int_equal(recv(b, text, sizeof(text), 0), 3);
	close(b);
	assert_int_equal(recv(a, text, sizeof(text), 0), 0);
	close(a);
	/* Nobody accepts: those who come are patient, but not for ever. */
	for (i = 0; i < 4 &&
	    (waiting[i] = sock_connect_hidden(door[1], 1)) >= 0; i++)
		;
	assert_in_range(i, 2, 3);
	assert_int_equal(errno, EAGAIN);
	while (i-- > 0)
		close(waiting[i]);
	close(door[0]);
	assert_int_equal(sock_connect_hidden(door[1], 1), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(door[1]);
	assert_int_equal(sock_connect_hidden(door[1], 1), -1);
	/* What is there and is no socket of the past is left alone. */
	a = open(path, O_CREAT | O_WRONLY, 0600);
	close(a);
	assert_int_equal(sock_listen_hidden(path, geteuid(), 2, door, &why),
	    -1);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);
}

/* How many notes it takes that nobody reads. */
static unsigned
count_unread(int bytes)
{
	struct fault why;
	unsigned n = 0;
	int pair[2];

	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair, &why), 0);
	if (bytes > 0)
		sock_force_room(pair[0], bytes);
	while (n < 100000 && send(pair[0], "a note of 20 letters", 20,
	    MSG_DONTWAIT | MSG_NOSIGNAL) == 20)
		n++;
	close(pair[0]);
	close(pair[1]);
	return n;
}

/* Root has the room that it asks for, whatever net.core.wmem_max says; others
 * what that allows, and no less than before. */
static void
room_for_a_burst(void **state)
{
	unsigned usual = count_unread(0), most = count_unread(2 << 20);

	(void)state;
	assert_true(usual > 0 && most >= usual);
	if (geteuid() == 0)
		assert_in_range(most, 2000, 99999);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hidden_listener),
		cmocka_unit_test(tcp_v4),
		cmocka_unit_test(tcp_v6),
		cmocka_unit_test(v6_only),
		cmocka_unit_test(refused),
		cmocka_unit_test(connect_times_out),
		cmocka_unit_test(local_socket),
		cmocka_unit_test(a_file_is_no_stale_socket),
		cmocka_unit_test(tcp_has_no_peer_uid),
		cmocka_unit_test(descriptors_travel),
		cmocka_unit_test(no_descriptor_leaks),
		cmocka_unit_test(full_and_ended),
		cmocka_unit_test(room_for_a_burst),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
