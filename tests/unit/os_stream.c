/* SPDX-License-Identifier: ISC */
/*
 * os/stream: what a line is called depends on its bytes alone, in all splits;
 * replies leave in one write and not before somebody has to wait; timeouts,
 * signals and broken connections lose nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/signal.h"
#include "os/stream.h"

struct pair {
	struct stream	s;
	int		peer;
};

static void
open_pair(struct pair *p, int type)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fd), 0);
	stream_init(&p->s, fd[0]);
	p->peer = fd[1];
}

static void
close_pair(struct pair *p)
{
	if (p->peer != -1)
		close(p->peer);
	stream_close(&p->s);
}

/* A read that finds nothing returns at once, as after a timeout. */
static void
never_wait(struct stream *s)
{
	assert_int_equal(fcntl(s->fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
}

static void
send_peer(struct pair *p, const void *bytes, size_t n)
{
	assert_int_equal(write(p->peer, bytes, n), (ssize_t)n);
}

/* Takes lines until there is no more, and writes down what they were. */
static void
take_all(struct pair *p, size_t max, bool lax, struct buf *events)
{
	struct str line;

	for (;;) {
		switch (stream_line(&p->s, max, lax, &line)) {
		case STREAM_OK:
			buf_putc(events, '[');
			buf_puts(events, line);
			buf_putc(events, ']');
			continue;
		case STREAM_TOO_LONG:
			buf_putc(events, 'L');
			continue;
		case STREAM_BARE:
			buf_putc(events, 'B');
			continue;
		case STREAM_END:
			buf_putc(events, 'E');
			return;
		case STREAM_TIMEOUT:
			return;
		case STREAM_BROKEN:
		case STREAM_SIGNAL:
			buf_putc(events, '!');
			return;
		}
	}
}

#define IN(s)	s, sizeof(s) - 1

static const struct {
	const char	*name;
	const char	*in;
	size_t		 n;
	size_t		 max;
	bool		 lax;
	const char	*want;
} lines[] = {
	{ "two lines", IN("a\r\nbb\r\n"), 16, false, "[a][bb]E" },
	{ "empty line", IN("\r\n\r\n"), 16, false, "[][]E" },
	{ "no end", IN("a\r\nbb"), 16, false, "[a]E" },
	{ "half an end", IN("a\r"), 16, false, "E" },
	{ "bare LF", IN("a\nb\r\nc\r\n"), 16, false, "B[c]E" },
	{ "bare LF first", IN("\na\r\nc\r\n"), 16, false, "B[c]E" },
	{ "bare LF last", IN("a\n\r\nc\r\n"), 16, false, "B[c]E" },
	{ "bare CR", IN("a\rb\r\nc\r\n"), 16, false, "B[c]E" },
	{ "CR CR LF", IN("a\r\r\nc\r\n"), 16, false, "B[c]E" },
	{ "LF CR", IN("a\n\rb\r\nc\r\n"), 16, false, "B[c]E" },
	{ "NUL", IN("a\0b\r\nc\r\n"), 16, false, "B[c]E" },
	{ "smuggled end", IN("\n.\r\nMAIL\r\n"), 16, false, "B[MAIL]E" },
	{ "eight bits", IN("\xff\x80\r\n"), 16, false, "[\xff\x80]E" },
	{ "as long as may be", IN("123456\r\nok\r\n"), 8, false,
	    "[123456][ok]E" },
	{ "one too long", IN("1234567\r\nok\r\n"), 8, false, "L[ok]E" },
	{ "much too long", IN("1234567890abcdefghij\r\nok\r\n"), 8, false,
	    "L[ok]E" },
	{ "long and bare", IN("12345\n6789\r\nok\r\n"), 8, false, "L[ok]E" },
	{ "long by CR", IN("123456\r\r\nok\r\n"), 8, false, "L[ok]E" },
	{ "long, CRs", IN("1234567\r\r\r\r\nok\r\n"), 8, false, "L[ok]E" },
	{ "long, no end", IN("1234567890\r"), 8, false, "E" },
	{ "long twice", IN("123456789\r\n123456789\r\n"), 8, false, "LLE" },
	{ "lax LF", IN("a\nb\r\nc\n"), 16, true, "[a][b][c]E" },
	{ "lax bare CR", IN("a\rb\nc\n"), 16, true, "B[c]E" },
	{ "lax NUL", IN("a\0b\nc\n"), 16, true, "B[c]E" },
	{ "lax too long", IN("123456789\nok\n"), 8, true, "L[ok]E" },
	{ "lax longest", IN("1234567\nok\n"), 8, true, "[1234567][ok]E" },
};

static void
expect_events(const char *name, const char *how, struct buf *got,
    const char *want)
{
	if (strcmp(buf_cstr(got), want) != 0)
		fail_msg("%s (%s): got %s, want %s", name, how,
		    buf_cstr(got), want);
	buf_free(got);
}

static void
feed_split(size_t row, size_t at)
{
	struct buf got = { 0 };
	struct pair p;
	char how[32];

	open_pair(&p, SOCK_STREAM);
	never_wait(&p.s);
	send_peer(&p, lines[row].in, at);
	take_all(&p, lines[row].max, lines[row].lax, &got);
	send_peer(&p, lines[row].in + at, lines[row].n - at);
	take_all(&p, lines[row].max, lines[row].lax, &got);
	close(p.peer);
	p.peer = -1;
	take_all(&p, lines[row].max, lines[row].lax, &got);
	snprintf(how, sizeof(how), "split at %zu", at);
	expect_events(lines[row].name, how, &got, lines[row].want);
	close_pair(&p);
}

static void
feed_bytes(size_t row)
{
	struct buf got = { 0 };
	struct pair p;
	size_t i;

	open_pair(&p, SOCK_STREAM);
	never_wait(&p.s);
	for (i = 0; i < lines[row].n; i++) {
		send_peer(&p, lines[row].in + i, 1);
		take_all(&p, lines[row].max, lines[row].lax, &got);
	}
	close(p.peer);
	p.peer = -1;
	take_all(&p, lines[row].max, lines[row].lax, &got);
	expect_events(lines[row].name, "by bytes", &got, lines[row].want);
	close_pair(&p);
}

static void
lines_in_all_splits(void **state)
{
	size_t row, at;

	(void)state;
	for (row = 0; row < sizeof(lines) / sizeof(lines[0]); row++) {
		for (at = 1; at < lines[row].n; at++)
			feed_split(row, at);
		feed_bytes(row);
	}
}

/* The largest limit is the buffer itself. */
static void
line_fills_the_buffer(void **state)
{
	static char big[STREAM_IN_SIZE + 1];
	struct pair p;
	struct str line;
	size_t extra;

	(void)state;
	for (extra = 0; extra < 2; extra++) {
		open_pair(&p, SOCK_STREAM);
		send_peer(&p, "x\r\n", 3);
		memset(big, 'a', sizeof(big));
		memcpy(big + STREAM_IN_SIZE - 2 + extra, "\r\n", 2);
		send_peer(&p, big, STREAM_IN_SIZE + extra);
		assert_int_equal(stream_line(&p.s, STREAM_IN_SIZE, false,
		    &line), STREAM_OK);
		assert_int_equal(stream_line(&p.s, STREAM_IN_SIZE, false,
		    &line), extra == 0 ? STREAM_OK : STREAM_TOO_LONG);
		assert_int_equal(line.n,
		    extra == 0 ? STREAM_IN_SIZE - 2 : STREAM_HEAD_MAX);
		assert_memory_equal(line.p, big, STREAM_HEAD_MAX);
		close_pair(&p);
	}
}

static void
expect_packet(int fd, const char *want)
{
	char got[256];
	ssize_t n;

	n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	if (want == NULL) {
		assert_int_equal(n, -1);
		assert_int_equal(errno, EAGAIN);
		return;
	}
	assert_int_equal(n, strlen(want));
	assert_memory_equal(got, want, strlen(want));
}

/* Over a socket that keeps the borders of writes. */
static void
replies_travel_together(void **state)
{
	struct pair p;
	struct str line;

	(void)state;
	open_pair(&p, SOCK_SEQPACKET);
	never_wait(&p.s);
	send_peer(&p, "a\r\nb\r\nc", 7);
	assert_int_equal(stream_line(&p.s, 64, false, &line), STREAM_OK);
	stream_put(&p.s, STR("250 a\r\n"));
	expect_packet(p.peer, NULL);
	assert_int_equal(stream_line(&p.s, 64, false, &line), STREAM_OK);
	expect_packet(p.peer, NULL);
	stream_printf(&p.s, "250 %c\r\n", 'b');
	assert_int_equal(stream_line(&p.s, 64, false, &line),
	    STREAM_TIMEOUT);
	expect_packet(p.peer, "250 a\r\n250 b\r\n");
	assert_int_equal(stream_line(&p.s, 64, false, &line),
	    STREAM_TIMEOUT);
	expect_packet(p.peer, NULL);
	assert_true(p.s.bytes_in == 7 && p.s.bytes_out == 14);
	close_pair(&p);
}

static void
send_is_one_write(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, SOCK_SEQPACKET);
	stream_put(&p.s, STR("head "));
	assert_int_equal(stream_send(&p.s, STR("body")), STREAM_OK);
	expect_packet(p.peer, "head body");
	assert_int_equal(stream_send(&p.s, STR("alone")), STREAM_OK);
	expect_packet(p.peer, "alone");
	assert_int_equal(stream_send(&p.s, STR_NONE), STREAM_OK);
	assert_int_equal(stream_flush(&p.s), STREAM_OK);
	expect_packet(p.peer, NULL);
	close_pair(&p);
}

#define MUCH	(4u << 20)

static int
check_much(int fd)
{
	static unsigned char got[50000];
	size_t i, at = 0;
	ssize_t n;

	while ((n = read(fd, got, sizeof(got))) > 0) {
		for (i = 0; i < (size_t)n; i++, at++)
			if (got[i] != (unsigned char)(at % 251))
				return 1;
	}
	return at == MUCH + 251 ? 0 : 2;
}

static void
partial_writes_go_on(void **state)
{
	unsigned char *much = mem_alloc(MUCH);
	struct pair p;
	int size = 4096, status;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < MUCH; i++)
		much[i] = (unsigned char)(i % 251);
	open_pair(&p, SOCK_STREAM);
	setsockopt(p.s.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if ((pid = fork()) == 0) {
		close(p.s.fd);
		_exit(check_much(p.peer));
	}
	stream_put(&p.s, str_span(much, 251));
	assert_int_equal(stream_send(&p.s, str_span(much, MUCH)), STREAM_OK);
	assert_true(p.s.bytes_out == MUCH + 251);
	close_pair(&p);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	mem_free(much);
}

static void
a_full_peer_times_out(void **state)
{
	char *much = mem_alloc(MUCH);
	struct timeval tv = { 0, 30000 };
	struct pair p;
	uint64_t sent;

	(void)state;
	open_pair(&p, SOCK_STREAM);
	setsockopt(p.s.fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	stream_put(&p.s, str_span(much, MUCH));
	assert_int_equal(stream_flush(&p.s), STREAM_TIMEOUT);
	sent = p.s.bytes_out;
	assert_true(sent > 0 && sent < MUCH);
	assert_int_equal(p.s.out.n, MUCH - sent);
	close_pair(&p);
	mem_free(much);
}

static void
timeouts(void **state)
{
	struct timeval tv = { 0, 20000 };
	struct str line;
	struct pair p;

	(void)state;
	open_pair(&p, SOCK_STREAM);
	setsockopt(p.s.fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	send_peer(&p, "half", 4);
	assert_int_equal(stream_line(&p.s, 64, false, &line),
	    STREAM_TIMEOUT);
	assert_int_equal(stream_pending(&p.s), 4);
	send_peer(&p, "\r\n", 2);
	assert_int_equal(stream_line(&p.s, 64, false, &line), STREAM_OK);
	assert_int_equal(line.n, 4);
	close_pair(&p);
}

static void
expect_on_socket(const struct stream *s, int option, int seconds)
{
	struct timeval tv;
	socklen_t n = sizeof(tv);

	getsockopt(s->fd, SOL_SOCKET, option, &tv, &n);
	assert_int_equal(tv.tv_sec, seconds);
	assert_int_equal(tv.tv_usec, 0);
}

static void
exchange(struct pair *p)
{
	char got[2];

	send_peer(p, "x", 1);
	assert_int_equal(stream_fill(&p->s), STREAM_OK);
	stream_put(&p->s, STR("y"));
	assert_int_equal(stream_flush(&p->s), STREAM_OK);
	assert_int_equal(read(p->peer, got, sizeof(got)), 1);
}

/* What is said to be on the socket is not, so it is seen when it is set. */
static void
timeouts_cost_nothing(void **state)
{
	static const int wanted[] = { 7, 9, 300, 0, 7, 86400 };
	struct pair p;

	(void)state;
	open_pair(&p, SOCK_STREAM);
	stream_has_timeout(&p.s, 7);
	stream_set_deadline(&p.s, 100);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		stream_set_timeout(&p.s, wanted[i]);
		exchange(&p);
		expect_on_socket(&p.s, SO_RCVTIMEO, 0);
		expect_on_socket(&p.s, SO_SNDTIMEO, 0);
	}
	/* Less is wanted: that must be set, once, and only to wait. */
	stream_set_timeout(&p.s, 5);
	exchange(&p);
	expect_on_socket(&p.s, SO_RCVTIMEO, 5);
	expect_on_socket(&p.s, SO_SNDTIMEO, 0);
	stream_set_timeout(&p.s, 8);
	exchange(&p);
	expect_on_socket(&p.s, SO_RCVTIMEO, 5);
	close_pair(&p);
}

/* Nothing is on a socket: one call, and it does for most of what follows. */
static void
timeouts_on_a_bare_socket(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, SOCK_STREAM);
	exchange(&p);
	expect_on_socket(&p.s, SO_RCVTIMEO, 0);
	stream_set_timeout(&p.s, 300);
	exchange(&p);
	expect_on_socket(&p.s, SO_RCVTIMEO, 60);
	expect_on_socket(&p.s, SO_SNDTIMEO, 0);
	p.s.set_in = 59000;
	stream_set_timeout(&p.s, 120);
	exchange(&p);
	assert_true(p.s.set_in == 59000);
	close_pair(&p);
}

/* Much longer than any machine is late. */
enum { LONG = 60000 };

/* All in ms; deadline 0: none. */
static const struct {
	const char	*name;
	int		 on_socket, timeout, deadline;
	int		 want;
} waits[] = {
	{ "as it is", 100, 100, 0, 100 },
	{ "longer", 30, 150, 0, 150 },
	{ "shorter", LONG, 100, 0, 100 },
	{ "nothing set", 0, 100, 0, 100 },
	{ "deadline alone", 0, 0, 100, 100 },
	{ "deadline before timeout", LONG, LONG, 100, 100 },
	{ "deadline behind timeout", LONG, 100, LONG, 100 },
	{ "deadline beyond what is set", 20, LONG, 150, 150 },
};

static void
open_waiting(struct pair *p, size_t row)
{
	struct timeval tv = { .tv_usec = waits[row].on_socket * 1000 % 1000000,
	    .tv_sec = waits[row].on_socket / 1000 };

	open_pair(p, SOCK_STREAM);
	setsockopt(p->s.fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(p->s.fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	p->s.set_in = p->s.set_out = waits[row].on_socket;
	p->s.timeout = waits[row].timeout;
	if (waits[row].deadline != 0)
		p->s.deadline = clock_mono_ms() + waits[row].deadline;
}

static void
expect_wait(const char *how, size_t row, enum stream_result r, int64_t begun)
{
	int64_t took = clock_mono_ms() - begun;

	if (r != STREAM_TIMEOUT || took < waits[row].want - 2 ||
	    took > LONG / 2)
		fail_msg("%s, %s: %s after %d ms, not %d", how,
		    waits[row].name, stream_result_text(r), (int)took,
		    waits[row].want);
}

static void
waits_end_in_time(void **state)
{
	char *much = mem_alloc(MUCH);
	struct pair p;
	int64_t begun;

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		begun = clock_mono_ms();
		open_waiting(&p, i);
		expect_wait("read", i, stream_fill(&p.s), begun);
		close_pair(&p);

		open_waiting(&p, i);
		while (send(p.s.fd, much, MUCH, MSG_DONTWAIT) > 0)
			;
		stream_put(&p.s, STR("x"));
		begun = clock_mono_ms();
		if (waits[i].deadline != 0)
			p.s.deadline = begun + waits[i].deadline;
		expect_wait("write", i, stream_flush(&p.s), begun);
		assert_int_equal(p.s.out.n, 1);
		close_pair(&p);
	}
	mem_free(much);
}

static void
write_later(struct pair *p, int ms, pid_t *pid)
{
	if ((*pid = fork()) == 0) {
		usleep((useconds_t)ms * 1000);
		_exit(write(p->peer, "x", 1) == 1 ? 0 : 1);
	}
}

/* What comes after the socket's time and within ours is not lost; and where
 * nothing is wanted what is on the socket ends nothing. */
static void
late_is_in_time(void **state)
{
	static const int wanted[] = { LONG, 0 };
	struct timeval tv = { 0, 20000 };
	struct pair p;
	int status;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		open_pair(&p, SOCK_STREAM);
		setsockopt(p.s.fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		p.s.set_in = 20;
		p.s.timeout = wanted[i];
		write_later(&p, 100, &pid);
		assert_int_equal(stream_fill(&p.s), STREAM_OK);
		/* It did not go on in steps of 20 ms. */
		assert_true(p.s.set_in == 0 || p.s.set_in > 2000);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		close_pair(&p);
	}
}

static void
deadline_ends_a_trickle(void **state)
{
	char *much = mem_alloc(MUCH);
	struct str line;
	struct pair p;

	(void)state;
	open_pair(&p, SOCK_STREAM);
	stream_set_deadline(&p.s, 100);
	send_peer(&p, "a\r\n", 3);
	assert_int_equal(stream_line(&p.s, 64, false, &line), STREAM_OK);
	p.s.deadline = clock_mono_ms() - 1;
	send_peer(&p, "b", 1);
	assert_int_equal(stream_line(&p.s, 64, false, &line),
	    STREAM_TIMEOUT);
	/* Last words that need no waiting are still said. */
	stream_put(&p.s, STR("x"));
	assert_int_equal(stream_flush(&p.s), STREAM_OK);
	expect_packet(p.peer, "x");
	assert_int_equal(stream_send(&p.s, str_span(much, MUCH)),
	    STREAM_TIMEOUT);
	stream_set_deadline(&p.s, 0);
	send_peer(&p, "\r\n", 2);
	assert_int_equal(stream_line(&p.s, 64, false, &line), STREAM_OK);
	assert_int_equal(line.n, 1);
	close_pair(&p);
	mem_free(much);
}

static void
signal_loses_nothing(void **state)
{
	struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
	struct str line;
	struct pair p;

	(void)state;
	open_pair(&p, SOCK_STREAM);
	signal_catch(SIGALRM);
	send_peer(&p, "ha", 2);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(stream_line(&p.s, 64, false, &line), STREAM_SIGNAL);
	assert_true(signal_take(SIGALRM));
	send_peer(&p, "lf\r\n", 4);
	assert_int_equal(stream_line(&p.s, 64, false, &line), STREAM_OK);
	assert_memory_equal(line.p, "half", 4);
	/* While a line is being skipped. */
	send_peer(&p, "123456789", 9);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(stream_line(&p.s, 8, false, &line), STREAM_SIGNAL);
	send_peer(&p, "0\r\nok\r\n", 7);
	assert_int_equal(stream_line(&p.s, 8, false, &line),
	    STREAM_TOO_LONG);
	assert_int_equal(line.n, STREAM_HEAD_MAX);
	assert_memory_equal(line.p, "12345678", STREAM_HEAD_MAX);
	assert_int_equal(stream_line(&p.s, 8, false, &line), STREAM_OK);
	assert_int_equal(line.n, 2);
	/* What is kept of a bad one. */
	send_peer(&p, "b\nd\r\n", 5);
	assert_int_equal(stream_line(&p.s, 8, false, &line), STREAM_BARE);
	assert_int_equal(line.n, 3);
	assert_memory_equal(line.p, "b\nd", 3);
	signal_reset();
	close_pair(&p);
}

static void
broken_is_no_signal(void **state)
{
	struct str line;
	struct pair p;

	(void)state;
	open_pair(&p, SOCK_STREAM);
	close(p.peer);
	p.peer = -1;
	assert_int_equal(stream_line(&p.s, 64, false, &line), STREAM_END);
	stream_put(&p.s, STR("x"));
	assert_int_equal(stream_flush(&p.s), STREAM_BROKEN);
	assert_int_equal(stream_send(&p.s, STR("y")), STREAM_BROKEN);
	close_pair(&p);
}

static void
raw_bytes(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, SOCK_STREAM);
	assert_int_equal(stream_peek(&p.s).n, 0);
	send_peer(&p, "abcdef", 6);
	assert_int_equal(stream_fill(&p.s), STREAM_OK);
	assert_int_equal(stream_pending(&p.s), 6);
	stream_skip(&p.s, 2);
	assert_memory_equal(stream_peek(&p.s).p, "cdef", 4);
	send_peer(&p, "gh", 2);
	assert_int_equal(stream_fill(&p.s), STREAM_OK);
	assert_int_equal(stream_pending(&p.s), 6);
	assert_memory_equal(stream_peek(&p.s).p, "cdefgh", 6);
	close_pair(&p);
}

static void
pipes(void **state)
{
	int in[2], out[2];
	struct stream s;
	struct str line;
	char got[16];

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	stream_init_pair(&s, in[0], out[1]);
	stream_set_timeout(&s, 5);
	assert_int_equal(write(in[1], "QUIT\r\n", 6), 6);
	stream_put(&s, STR("220 hi\r\n"));
	assert_int_equal(stream_flush(&s), STREAM_OK);
	assert_int_equal(stream_line(&s, 64, false, &line), STREAM_OK);
	assert_int_equal(line.n, 4);
	stream_put(&s, STR("221 "));
	assert_int_equal(stream_send(&s, STR("bye\r\n")), STREAM_OK);
	stream_close(&s);
	assert_int_equal(read(out[0], got, sizeof(got)), 16);
	assert_memory_equal(got, "220 hi\r\n221 bye\r", 16);
	close(in[1]);
	close(out[0]);
}

/* A layer below that notes the sizes of its writes and closes. */
struct layer {
	struct buf	out;
	size_t		first;
	const char	*in;
	bool		closed;
};

static ssize_t
layer_read(void *ctx, void *p, size_t n)
{
	struct layer *l = ctx;

	(void)n;
	if (*l->in == '\0')
		return 0;
	memcpy(p, l->in++, 1);
	return 1;
}

static ssize_t
layer_write(void *ctx, const void *p, size_t n)
{
	struct layer *l = ctx;

	if (l->first == 0)
		l->first = n;
	buf_put(&l->out, p, n);
	return (ssize_t)n;
}

static void
layer_close(void *ctx)
{
	((struct layer *)ctx)->closed = true;
}

static void
layered(void **state)
{
	static const struct stream_ops ops = {
		NULL, layer_read, layer_write, layer_close
	};
	static char body[40000];
	struct layer l = { .in = "EHLO\r\n" };
	struct pair p;
	struct str line;

	(void)state;
	memset(body, 'b', sizeof(body));
	open_pair(&p, SOCK_STREAM);
	stream_set_ops(&p.s, &ops, &l);
	assert_int_equal(stream_line(&p.s, 64, false, &line), STREAM_OK);
	assert_memory_equal(line.p, "EHLO", 4);
	stream_put(&p.s, STR("head"));
	assert_int_equal(stream_send(&p.s, str_span(body, sizeof(body))),
	    STREAM_OK);
	assert_int_equal(l.first, 16384);
	assert_int_equal(l.out.n, 4 + sizeof(body));
	assert_memory_equal(l.out.p, "headb", 5);
	stream_put(&p.s, STR("x"));
	assert_int_equal(stream_send(&p.s, STR("y")), STREAM_OK);
	assert_memory_equal(l.out.p + 4 + sizeof(body), "xy", 2);
	assert_int_equal(stream_line(&p.s, 64, false, &line), STREAM_END);
	expect_packet(p.peer, NULL);
	close_pair(&p);
	assert_true(l.closed);
	buf_free(&l.out);
}

/* Somebody calls for haste, or sends something, a while after we have begun to
 * wait; in memory that both have. */
static pid_t
start_caller(struct pair *p, _Atomic bool *now)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)poll(NULL, 0, 100);
		if (now != NULL)
			atomic_store(now, true);
		else
			send_peer(p, "x", 1);
		_exit(0);
	}
	return pid;
}

static void
haste_is_heard_while_waiting(void **state)
{
	static const struct {
		int			usual, timeout, deadline;	/* ms */
		bool			calls, ends;
		enum stream_result	result;
	} rows[] = {
		{ 600000, 0, 0, false, false, STREAM_OK },
		{ 600000, 30, 0, true, false, STREAM_TIMEOUT },
		{ 600000, 0, 30, true, false, STREAM_TIMEOUT },
		{ 600000, 150, 600000, true, false, STREAM_TIMEOUT },
		{ 0, 30, 0, true, false, STREAM_TIMEOUT },
		{ 300, 600000, 600000, true, false, STREAM_TIMEOUT },
		{ 600000, 600000, 600000, true, true, STREAM_TIMEOUT },
		{ 0, 0, 0, true, true, STREAM_TIMEOUT },
		/* What nobody calls for does not hold. */
		{ 600000, 30, 30, false, false, STREAM_OK },
		{ 600000, 600000, 0, false, true, STREAM_OK },
	};
	_Atomic bool *now = mmap(NULL, sizeof(*now), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(now != MAP_FAILED);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p;
		pid_t pid;

		atomic_store(now, false);
		open_pair(&p, SOCK_STREAM);
		stream_mind_haste(&p.s, now, 20);
		if (rows[i].ends)
			stream_mind_end(&p.s, now);
		p.s.timeout = rows[i].usual;
		p.s.haste.timeout = rows[i].timeout;
		p.s.haste.deadline = rows[i].deadline == 0 ? 0 :
		    clock_mono_ms() + rows[i].deadline;
		pid = start_caller(&p, rows[i].calls ? now : NULL);
		if (stream_fill(&p.s) != rows[i].result)
			fail_msg("row %zu", i);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		close_pair(&p);
	}
	(void)munmap((void *)now, sizeof(*now));
}

static ssize_t
tunnel_read(void *ctx, void *p, size_t n)
{
	return read(*(const int *)ctx, p, n);
}

static ssize_t
tunnel_write(void *ctx, const void *p, size_t n)
{
	return write(*(const int *)ctx, p, n);
}

/* Who is told to end while he does something else takes what has come, once. */
static void
what_has_come_is_read(void **state)
{
	static const struct stream_ops ops = {
		NULL, tunnel_read, tunnel_write, NULL
	};
	_Atomic bool over = false;
	struct str line;
	struct pair p;

	(void)state;
	for (int layer = 0; layer < 2; layer++) {
		atomic_store(&over, false);
		open_pair(&p, SOCK_STREAM);
		if (layer > 0)
			stream_set_ops(&p.s, &ops, &p.s.fd);
		stream_set_timeout(&p.s, 600);
		stream_set_deadline(&p.s, 600);
		stream_mind_end(&p.s, &over);
		send_peer(&p, "a\r\nb\r\n", 6);
		atomic_store(&over, true);
		assert_int_equal(stream_line(&p.s, 64, false, &line),
		    STREAM_OK);
		assert_int_equal(stream_line(&p.s, 64, false, &line),
		    STREAM_OK);
		assert_memory_equal(line.p, "b", 1);
		/* Nobody stays by talking on. */
		send_peer(&p, "c\r\n", 3);
		assert_int_equal(stream_line(&p.s, 64, false, &line),
		    STREAM_TIMEOUT);
		/* It is a new one that is asked for. */
		stream_mind_end(&p.s, &over);
		assert_int_equal(stream_line(&p.s, 64, false, &line),
		    STREAM_OK);
		stream_mind_end(&p.s, &over);
		assert_int_equal(stream_line(&p.s, 64, false, &line),
		    STREAM_TIMEOUT);
		/* And its own time is over as it always was. */
		stream_mind_end(&p.s, &over);
		p.s.deadline = clock_mono_ms() - 1;
		send_peer(&p, "d\r\n", 3);
		assert_int_equal(stream_line(&p.s, 64, false, &line),
		    STREAM_TIMEOUT);
		close_pair(&p);
	}
}

static void
result_texts(void **state)
{
	(void)state;
	assert_string_equal(stream_result_text(STREAM_END),
	    "connection closed");
	assert_string_equal(stream_result_text(STREAM_TIMEOUT), "timed out");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_in_all_splits),
		cmocka_unit_test(line_fills_the_buffer),
		cmocka_unit_test(replies_travel_together),
		cmocka_unit_test(send_is_one_write),
		cmocka_unit_test(partial_writes_go_on),
		cmocka_unit_test(a_full_peer_times_out),
		cmocka_unit_test(timeouts),
		cmocka_unit_test(timeouts_cost_nothing),
		cmocka_unit_test(timeouts_on_a_bare_socket),
		cmocka_unit_test(waits_end_in_time),
		cmocka_unit_test(late_is_in_time),
		cmocka_unit_test(deadline_ends_a_trickle),
		cmocka_unit_test(signal_loses_nothing),
		cmocka_unit_test(broken_is_no_signal),
		cmocka_unit_test(raw_bytes),
		cmocka_unit_test(pipes),
		cmocka_unit_test(layered),
		cmocka_unit_test(haste_is_heard_while_waiting),
		cmocka_unit_test(what_has_come_is_read),
		cmocka_unit_test(result_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
