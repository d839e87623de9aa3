/* SPDX-License-Identifier: ISC */
/*
 * deliver/hand: what is handed over and answered comes out as it went in;
 * a packet that was cut, stretched or altered is refused whole.
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

#include "deliver/hand.h"
#include "os/sock.h"

struct ends {
	int		a, b;		/* the two ends */
	struct arena	arena;
};

static void
open_ends(struct ends *e)
{
	struct fault why;
	int fd[2];

	assert_int_equal(sock_pair(SOCK_SEQPACKET, fd, &why), 0);
	*e = (struct ends){ .a = fd[0], .b = fd[1] };
}

static void
close_ends(struct ends *e)
{
	close(e->a);
	close(e->b);
	arena_free(&e->arena);
}

static const struct hand sample = {
	.name = "01ARZ3NDEKTSV4RRFF-b2",
	.index = 70000,
	.again = true,
	.sender = { "ann@example.com", 15 },
	.recipient = { "joe+list@example.org", 20 },
	.original = { "list@example.org", 16 },
	.user = { "joe", 3 },
	.extension = { "list", 4 },
};

static void
assert_same(struct str a, struct str b)
{
	assert_true(str_eq(a, b));
}

static void
hand_comes_through(void **state)
{
	struct ends e;
	struct hand h;
	struct fault why;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), entry;

	(void)state;
	open_ends(&e);
	assert_int_equal(hand_send(e.a, &sample, null, &why), 0);
	assert_int_equal(hand_receive(e.b, &e.arena, &h, &entry), 1);
	assert_string_equal(h.name, sample.name);
	assert_int_equal(h.index, 70000);
	assert_true(h.again);
	assert_same(h.sender, sample.sender);
	assert_same(h.recipient, sample.recipient);
	assert_same(h.original, sample.original);
	assert_same(h.user, sample.user);
	assert_same(h.extension, sample.extension);
	assert_int_not_equal(entry, null);
	assert_int_equal(fcntl(entry, F_GETFD), FD_CLOEXEC);
	close(entry);
	h = (struct hand){ .name = "01ARZ3NDEKTSV4RRFF" };
	assert_int_equal(hand_send(e.a, &h, null, &why), 0);
	assert_int_equal(hand_receive(e.b, &e.arena, &h, &entry), 1);
	assert_false(h.again);
	assert_int_equal(h.sender.n, 0);
	close(entry);
	close(null);
	close_ends(&e);
}

static void
end_is_told(void **state)
{
	struct ends e;
	struct hand h;
	struct outcome o;
	struct fault why;
	int entry;

	(void)state;
	open_ends(&e);
	shutdown(e.a, SHUT_WR);
	assert_int_equal(hand_receive(e.b, &e.arena, &h, &entry), 0);
	shutdown(e.b, SHUT_WR);
	assert_int_equal(hand_wait(e.a, &e.arena, &o, 5, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_non_null(strstr(why.text, "ended"));
	assert_int_equal(hand_send(e.a, &sample, 0, &why), -1);
	assert_true(fault_is_temporary(&why));
	close_ends(&e);
}

static void
too_long_is_refused(void **state)
{
	static char big[70000];
	struct hand h = sample;
	struct fault why;
	struct ends e;

	(void)state;
	memset(big, 'a', sizeof(big));
	open_ends(&e);
	h.sender = str_span(big, sizeof(big));
	assert_int_equal(hand_send(e.a, &h, 0, &why), -1);
	h.sender = str_span(big, 16 * 1024);
	assert_int_equal(hand_send(e.a, &h, 0, &why), -1);
	assert_true(fault_is_temporary(&why));
	h.sender = str_span(big, 15 * 1024);
	assert_int_equal(hand_send(e.a, &h, 0, &why), 0);
	close_ends(&e);
}

/* The bytes of the sample, as they travel. */
static size_t
capture(struct ends *e, char *out, size_t size)
{
	struct fault why;
	ssize_t n;

	assert_int_equal(hand_send(e->a, &sample, 0, &why), 0);
	n = sock_receive(e->b, out, size, NULL, NULL, 0);
	assert_true(n > 0);
	return (size_t)n;
}

static int
receive(struct ends *e, const char *p, size_t n, size_t nfds)
{
	int fds[2] = { 0, 1 }, entry, r;
	struct hand h;

	assert_int_equal(sock_send(e->a, str_span(p, n), fds, nfds, 0), 0);
	r = hand_receive(e->b, &e->arena, &h, &entry);
	if (r == 1)
		close(entry);
	return r;
}

static size_t
count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
malformed_hands(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		char byte;
	} rows[] = {
		{ "other letter", 0, 'A' },
		{ "again is neither", 1, 2 },
		{ "name is no name", 8, '/' },
		{ "name too long", 6, 22 },
		{ "name too short", 6, 20 },
		{ "a length beyond the end", 7, 1 },
		{ "line end in the sender", 8 + 21 + 2 + 3, '\n' },
		{ "NUL in the sender", 8 + 21 + 2 + 3, '\0' },
		{ "DEL in the sender", 8 + 21 + 2 + 3, 0x7f },
	};
	char packet[1024], copy[1024];
	struct ends e;
	size_t n, i, before;

	(void)state;
	open_ends(&e);
	n = capture(&e, packet, sizeof(packet) - 1);
	before = count_fds();
	assert_int_equal(receive(&e, packet, n, 1), 1);
	assert_int_equal(receive(&e, packet, n, 0), -1);
	assert_int_equal(receive(&e, packet, n, 2), -1);
	for (i = 1; i < n; i++)
		assert_int_equal(receive(&e, packet, i, 1), -1);
	packet[n] = 'x';
	assert_int_equal(receive(&e, packet, n + 1, 1), -1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(copy, packet, n);
		copy[rows[i].at] = rows[i].byte;
		if (receive(&e, copy, n, 1) != -1)
			fail_msg("%s", rows[i].name);
	}
	assert_int_equal(count_fds(), before);
	close_ends(&e);
}

static void
answer_comes_through(void **state)
{
	static char big[10000];
	struct outcome o = {
		.kind = OUTCOME_FAILED,
		.reply = 550,
		.status = { 5, 1, 1 },
		.where = STR("command"),
		.text = STR("no such user"),
	}, got;
	struct ends e;
	struct fault why;

	(void)state;
	memset(big, 'b', sizeof(big));
	open_ends(&e);
	assert_int_equal(hand_answer(e.b, &o), 0);
	assert_int_equal(hand_wait(e.a, &e.arena, &got, 5, &why), 0);
	assert_int_equal(got.kind, OUTCOME_FAILED);
	assert_int_equal(got.reply, 550);
	assert_int_equal(got.status.class, 5);
	assert_int_equal(got.status.subject, 1);
	assert_int_equal(got.status.detail, 1);
	assert_same(got.where, o.where);
	assert_same(got.text, o.text);
	assert_int_equal(got.host.n, 0);
	o.text = str_span(big, sizeof(big));
	assert_int_equal(hand_answer(e.b, &o), 0);
	assert_int_equal(hand_wait(e.a, &e.arena, &got, 5, &why), 0);
	assert_int_equal(got.text.n, 4096);
	close_ends(&e);
}

static void
malformed_answers(void **state)
{
	/* letter, kind, reply, status, where, text */
	static const struct {
		const char *name;
		struct str packet;
		int result;
	} rows[] = {
		{ "good", STR("A\1\0\0\2\0\0\0\0\0\0\0\1\0x"), 0 },
		{ "other letter", STR("H\1\0\0\2\0\0\0\0\0\0\0\1\0x"), -1 },
		{ "relayed", STR("A\2\0\0\2\0\0\0\0\0\0\0\1\0x"), -1 },
		{ "unknown kind", STR("A\11\0\0\2\0\0\0\0\0\0\0\1\0x"), -1 },
		{ "delivered, 5.0.0",
		    STR("A\1\0\0\5\0\0\0\0\0\0\0\1\0x"), -1 },
		{ "failed, 2.0.0", STR("A\3\0\0\2\0\0\0\0\0\0\0\1\0x"), -1 },
		{ "deferred, 5.0.0",
		    STR("A\0\0\0\5\0\0\0\0\0\0\0\1\0x"), -1 },
		{ "reply", STR("A\1\0\3\2\0\0\0\0\0\0\0\1\0x"), -1 },
		{ "cut", STR("A\1\0\0\2\0\0\0\0\0\0\0\1\0"), -1 },
		{ "no text", STR("A\1\0\0\2\0\0\0\0\0\0\0"), -1 },
		{ "more", STR("A\1\0\0\2\0\0\0\0\0\0\0\1\0xy"), -1 },
		{ "escape", STR("A\1\0\0\2\0\0\0\0\0\0\0\1\0\33"), -1 },
		{ "letter alone", STR("A"), -1 },
	};
	struct ends e;
	struct outcome o;
	struct fault why;
	int r;

	(void)state;
	open_ends(&e);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(sock_send(e.b, rows[i].packet, NULL, 0, 0),
		    0);
		r = hand_wait(e.a, &e.arena, &o, 5, &why);
		if (r != rows[i].result)
			fail_msg("%s", rows[i].name);
		if (r < 0)
			assert_true(fault_is_temporary(&why));
	}
	close_ends(&e);
}

static void
no_answer_is_temporary(void **state)
{
	struct ends e;
	struct outcome o;
	struct fault why;

	(void)state;
	open_ends(&e);
	assert_int_equal(hand_wait(e.a, &e.arena, &o, 1, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_non_null(strstr(why.text, "no answer"));
	close_ends(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hand_comes_through),
		cmocka_unit_test(end_is_told),
		cmocka_unit_test(too_long_is_refused),
		cmocka_unit_test(malformed_hands),
		cmocka_unit_test(answer_comes_through),
		cmocka_unit_test(malformed_answers),
		cmocka_unit_test(no_answer_is_temporary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
