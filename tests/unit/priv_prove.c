/* SPDX-License-Identifier: ISC */
/* priv/prove: what root reads of a login, whole and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/wait.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/sock.h"
#include "priv/prove.h"

/* As it travels. */
struct packet {
	uint8_t	family, b[16];
	char	name[PROVE_NAME_MAX], secret[PROVE_SECRET_MAX], more;
};
#define LENGTH	(sizeof(struct packet) - 1)

static int pair[2];

static int
open_pair(void **state)
{
	struct fault why;

	(void)state;
	return sock_pair(SOCK_SEQPACKET, pair, &why);
}

static int
close_pair(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static struct packet
good(void)
{
	struct packet p = { .family = 4, .b = { 192, 0, 2, 1 } };

	memcpy(p.name, "bob", 3);
	memcpy(p.secret, "pencil", 6);
	return p;
}

static int
receive(const struct packet *p, size_t n, struct prove_question *q)
{
	assert_int_equal(send(pair[0], p, n, 0), (ssize_t)n);
	return prove_receive(pair[1], q);
}

static void
test_good(void **state)
{
	struct packet p = good();
	struct prove_question q;
	char ip[IP_TEXT_MAX];

	(void)state;
	assert_int_equal(receive(&p, LENGTH, &q), 0);
	assert_string_equal(q.name, "bob");
	assert_string_equal(q.secret, "pencil");
	assert_string_equal(ip_format(&q.client, ip), "192.0.2.1");
	/* The longest there are. */
	memset(p.name, 'n', sizeof(p.name) - 1);
	memset(p.secret, '\001', sizeof(p.secret) - 1);
	p.family = 0;
	assert_int_equal(receive(&p, LENGTH, &q), 0);
	assert_int_equal(strlen(q.name), PROVE_NAME_MAX - 1);
	assert_int_equal(strlen(q.secret), PROVE_SECRET_MAX - 1);
	assert_int_equal(q.client.family, 0);
}

static void
test_malformed(void **state)
{
	struct prove_question q;
	struct packet p;

	(void)state;
	for (int row = 0; row < 13; row++) {
		size_t n = LENGTH;

		p = good();
		switch (row) {
		case 0: n = LENGTH - 1; break;
		case 1: n = LENGTH + 1; break;
		case 2: n = 1; break;
		case 3: p.family = 5; break;
		case 4: p.family = 255; break;
		/* ::ffff:192.0.2.1 is an address of family 4. */
		case 5:
			p.family = 6;
			memset(p.b, 0, sizeof(p.b));
			memcpy(p.b + 10, "\xff\xff\xc0\x00\x02\x01", 6);
			break;
		case 6: p.name[0] = '\0'; break;
		case 7: p.name[1] = '\n'; break;
		case 8: p.name[PROVE_NAME_MAX - 1] = 'x'; break;
		case 9: memset(p.name, 'x', sizeof(p.name)); break;
		case 10: p.secret[0] = '\0'; break;
		case 11: p.secret[PROVE_SECRET_MAX - 2] = 'x'; break;
		case 12: memset(p.secret, 'x', sizeof(p.secret)); break;
		}
		if (receive(&p, n, &q) == 0)
			fail_msg("row %d was taken", row);
	}
	shutdown(pair[0], SHUT_WR);
	assert_int_equal(prove_receive(pair[1], &q), -1);
}

/* A prover that answers so once; what the asker makes of it. */
static int
ask(const void *answer, size_t n, struct str name, struct str secret,
    struct prove_answer *out)
{
	static const struct ip nobody;
	char path[64];
	struct fault why;
	struct prove_question q;
	struct sock_addr peer;
	int door[2], r;
	pid_t pid;

	snprintf(path, sizeof(path), "/tmp/godwit-prove-%d", (int)getpid());
	assert_int_equal(sock_listen_hidden(path, getuid(), 4, door, &why), 0);
	if ((pid = fork()) == 0) {
		struct pollfd p = { .fd = door[0], .events = POLLIN };
		int sock = poll(&p, 1, 30000) == 1 ?
		    sock_accept(door[0], &peer) : -1;

		if (prove_receive(sock, &q) == 0 && n > 0)
			(void)!send(sock, answer, n, 0);
		_exit(0);
	}
	close(door[0]);
	r = prove_ask(door[1], &nobody, name, secret, 30, out, &why);
	close(door[1]);
	kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return r;
}

static void
test_asked(void **state)
{
	struct { uint8_t result; char text[PROVE_NAME_MAX], more; } a = { 1,
	    "bob", 0 };
	size_t n = sizeof(a) - 1;
	struct prove_answer out;
	char big[PROVE_SECRET_MAX + 1];

	(void)state;
	assert_int_equal(ask(&a, n, STR("bob"), STR("x"), &out), 0);
	assert_int_equal(out.result, PROVE_YES);
	assert_string_equal(out.text, "bob");
	/* Answers that are none. */
	assert_int_equal(ask(&a, n - 1, STR("bob"), STR("x"), &out), -1);
	assert_int_equal(ask(&a, n + 1, STR("bob"), STR("x"), &out), -1);
	assert_int_equal(ask(&a, 0, STR("bob"), STR("x"), &out), -1);
	a.result = 0;
	assert_int_equal(ask(&a, n, STR("bob"), STR("x"), &out), -1);
	a.result = 4;
	assert_int_equal(ask(&a, n, STR("bob"), STR("x"), &out), -1);
	a.result = 2;
	memset(a.text, 'x', sizeof(a.text));
	assert_int_equal(ask(&a, n, STR("bob"), STR("x"), &out), -1);
	/* Questions that are none. */
	memset(big, 'x', sizeof(big));
	assert_int_equal(ask(&a, n, STR(""), STR("x"), &out), -1);
	assert_int_equal(ask(&a, n, STR("b\0b"), STR("x"), &out), -1);
	assert_int_equal(ask(&a, n, str_span(big, PROVE_NAME_MAX), STR("x"),
	    &out), -1);
	assert_int_equal(ask(&a, n, STR("bob"), str_span(big,
	    PROVE_SECRET_MAX), &out), -1);
}

static void
test_sent(void **state)
{
	struct { uint8_t result; char text[PROVE_NAME_MAX]; } a;
	char big[2 * PROVE_NAME_MAX];

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	prove_send(pair[0], PROVE_NO, big);
	assert_int_equal(recv(pair[1], &a, sizeof(a), 0), sizeof(a));
	assert_int_equal(a.result, PROVE_NO);
	assert_int_equal(strnlen(a.text, sizeof(a.text)), PROVE_NAME_MAX - 1);
	prove_send(pair[0], PROVE_LATER, "");
	assert_int_equal(recv(pair[1], &a, sizeof(a), 0), sizeof(a));
	assert_string_equal(a.text, "-");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, open_pair,
		    close_pair),
		cmocka_unit_test_setup_teardown(test_malformed, open_pair,
		    close_pair),
		cmocka_unit_test(test_asked),
		cmocka_unit_test_setup_teardown(test_sent, open_pair,
		    close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
