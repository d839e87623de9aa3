/* SPDX-License-Identifier: ISC */
/*
 * A two-way byte stream with buffers, lines and deadlines.  Every SMTP
 * dialogue, on either side, in clear or over TLS, goes through one of these.
 *
 * Reading blocks: a process serves one peer, so a wait is one read(2) and
 * the socket's own timeout ends it.  What is wanted and what is set on the
 * socket are two things.  Something shorter is on it, often from its listener,
 * and stays there; only a peer that lets this pass costs a call, which sets
 * the rest of what is wanted.  So timeouts and deadlines may change with every
 * step of a dialogue for nothing, and still end when they should.  Where others
 * may call for haste, what is left is waited for in slices; who calls for the end
 * does not take away what has come already.  A write has seldom to wait, so before
 * its timeout is set it is tried without waiting.
 *
 * Output is collected; it leaves in one system call when somebody flushes or
 * when stream_line() has no whole line at hand and must wait.  So the replies
 * to a pipelined group of commands travel together (RFC 2920 3.2) with nobody
 * having to think of it.
 *
 * A line is what lies before CRLF, nothing else.  A bare LF or CR never ends
 * one: where two hops disagree on that, one message can be made to look like
 * two.  What a line is called (good, too long, bare) depends on its bytes
 * alone, never on how they were split over packets: it ends at its first
 * CRLF; longer than the limit is TOO_LONG, else a bare byte makes it BARE.
 *
 *	in:  [ .... in_at ======== in_end ....... STREAM_IN_SIZE )
 *	             what has come and was not taken
 */
#include "os/stream.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "os/clock.h"

#define RECORD_SIZE	16384	/* what one TLS record holds */
#define ENDLESS		0	/* ms, as the socket has it */
#define OVER		(-1)
#define USUAL_WAIT	60000	/* ms; less than most timeouts are */

void
stream_init_pair(struct stream *s, int in, int out)
{
	memset(s, 0, sizeof(*s));
	s->fd = in;
	s->out_fd = out;
	buf_init(&s->out);
}

void
stream_init(struct stream *s, int fd)
{
	stream_init_pair(s, fd, fd);
}

void
stream_close(struct stream *s)
{
	if (s->ops != NULL && s->ops->close != NULL)
		s->ops->close(s->ctx);
	if (s->out_fd != s->fd && s->out_fd != -1)
		close(s->out_fd);
	if (s->fd != -1)
		close(s->fd);
	if (!s->lent)
		mem_free(s->in);
	buf_free(&s->out);
	stream_init(s, -1);
}

void
stream_lend(struct stream *s, char *in)
{
	must(s->in == NULL);
	s->in = in;
	s->lent = true;
}

void
stream_set_ops(struct stream *s, const struct stream_ops *ops, void *ctx)
{
	/* Bytes from before must not be taken for bytes from within. */
	must(stream_pending(s) == 0);
	must(s->out.n == 0);
	s->ops = ops;
	s->ctx = ctx;
}

void
stream_set_timeout(struct stream *s, int seconds)
{
	s->timeout = (int64_t)seconds * 1000;
}

void
stream_has_timeout(struct stream *s, int seconds)
{
	s->set_in = s->set_out = (int64_t)seconds * 1000;
}

static int64_t
in_seconds(int seconds)
{
	return seconds == 0 ? 0 : clock_mono_ms() + (int64_t)seconds * 1000;
}

void
stream_set_deadline(struct stream *s, int seconds)
{
	s->deadline = in_seconds(seconds);
}

void
stream_mind_haste(struct stream *s, const _Atomic bool *now, int slice)
{
	s->haste.now = now;
	s->haste.slice = slice;
}

void
stream_mind_end(struct stream *s, const _Atomic bool *over)
{
	s->haste.over = over;
	s->haste.tried = false;
}

void
stream_set_hasty_timeout(struct stream *s, int seconds)
{
	s->haste.timeout = (int64_t)seconds * 1000;
}

void
stream_set_hasty_deadline(struct stream *s, int seconds)
{
	s->haste.deadline = in_seconds(seconds);
}

/* When a call that began then has to end, by these two. */
static int64_t
end_of(int64_t begun, int64_t timeout, int64_t deadline)
{
	int64_t until = timeout != 0 ? begun + timeout : INT64_MAX;

	return deadline != 0 && deadline < until ? deadline : until;
}

static bool
is_over(const struct stream *s)
{
	return s->haste.over != NULL && atomic_load(s->haste.over);
}

/* How long a call that began then may still wait: ms, ENDLESS or OVER. */
static int64_t
time_left(const struct stream *s, int64_t begun, int64_t now)
{
	int64_t until = end_of(begun, s->timeout, s->deadline), hasty;

	if (is_over(s))
		return OVER;
	if (s->haste.now != NULL && atomic_load(s->haste.now)) {
		hasty = end_of(begun, s->haste.timeout, s->haste.deadline);
		if (hasty < until)
			until = hasty;
	}
	if (until == INT64_MAX)
		return ENDLESS;
	return until > now ? until - now : OVER;
}

/* The next piece of such a wait. */
static int64_t
slice_of(const struct stream *s, int64_t left)
{
	int64_t slice = s->haste.slice;

	if (s->haste.now == NULL || (left != ENDLESS && left < slice))
		return left;
	return slice;
}

/* Would what is on the socket end a wait in time?  Too early does no harm. */
static bool
is_short_enough(int64_t set, int64_t left)
{
	return left == ENDLESS ||
	    (left != OVER && set != ENDLESS && set <= left);
}

static void
set_wait(int fd, int option, int64_t *set, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
	    .tv_usec = ms % 1000 * 1000 };

	/* A pipe has none; it is not asked again. */
	(void)setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv));
	*set = ms;
}

/* What was set on the socket has passed: sets what is left, unless the time
 * is over.  Where nothing is wanted, what ended the wait was not ours. */
static bool
may_wait_on(const struct stream *s, int fd, int option, int64_t *set,
    int64_t begun)
{
	int64_t left = time_left(s, begun, clock_mono_ms());

	if (left == OVER || (left == ENDLESS && *set == ENDLESS)) {
		errno = EAGAIN;
		return false;
	}
	left = slice_of(s, left);
	if (*set != left)
		set_wait(fd, option, set, left);
	return true;
}

/* All was tried that needed no waiting; the rest is too late. */
static enum stream_result
check_deadline(const struct stream *s)
{
	if (s->deadline != 0 && clock_mono_ms() >= s->deadline)
		return STREAM_TIMEOUT;
	return STREAM_OK;
}

static enum stream_result
failed(void)
{
	if (errno == EAGAIN)
		return STREAM_TIMEOUT;
	if (errno == EINTR)
		return STREAM_SIGNAL;
	return STREAM_BROKEN;
}

size_t
stream_pending(const struct stream *s)
{
	return s->in_end - s->in_at;
}

/* Puts what is pending to the front, so that a read finds all the room. */
static void
make_room(struct stream *s)
{
	size_t n = stream_pending(s);

	/* Not zeroed: a page that is not touched costs nothing. */
	if (s->in == NULL)
		s->in = mem_resize(NULL, STREAM_IN_SIZE);
	if (s->in_at > 0 && n > 0)
		memmove(s->in, s->in + s->in_at, n);
	s->in_at = 0;
	s->in_end = n;
}

static ssize_t
read_once(struct stream *s, size_t most)
{
	char *p = s->in + s->in_end;
	size_t room = STREAM_IN_SIZE - s->in_end;

	if (room > most)
		room = most;
	must(room > 0);
	if (s->ops != NULL)
		return s->ops->read(s->ctx, p, room);
	return read(s->fd, p, room);
}

/* A call gave nothing: may it be made again?  errno tells why it may not. */
static bool
may_go_on(struct stream *s, int64_t begun)
{
	int64_t left;

	if (errno == EAGAIN)
		return may_wait_on(s, s->fd, SO_RCVTIMEO, &s->set_in, begun);
	if (errno != EINPROGRESS)
		return false;
	left = slice_of(s, time_left(s, begun, clock_mono_ms()));
	if (left == OVER) {
		errno = EAGAIN;
		return false;
	}
	/* A second more is not worth a call for each piece that comes. */
	if (!is_short_enough(s->set_in, left == ENDLESS ? left : left + 1000))
		set_wait(s->fd, SO_RCVTIMEO, &s->set_in, left);
	return true;
}

/* Who is told to end has one look at what has come; its own time is over when it
 * is over. */
static bool
may_look(const struct stream *s, int64_t now)
{
	return is_over(s) && !s->haste.tried &&
	    (s->deadline == 0 || now < s->deadline);
}

static ssize_t
look(struct stream *s, size_t most)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	ssize_t n = -1;

	s->haste.tried = true;
	/* What lies within TLS the socket does not know. */
	if (s->ops != NULL)
		set_wait(s->fd, SO_RCVTIMEO, &s->set_in, 1);
	if (s->ops != NULL || poll(&p, 1, 0) == 1)
		n = read_once(s, most);
	else
		errno = EAGAIN;
	if (n == -1 && errno == EINPROGRESS)
		errno = EAGAIN;
	return n;
}

/* -1 and EAGAIN when its time is over. */
static ssize_t
read_in_time(struct stream *s, size_t most)
{
	int64_t begun = clock_mono_ms();
	int64_t left = slice_of(s, time_left(s, begun, begun));
	ssize_t n;

	if (left == OVER && may_look(s, begun))
		return look(s, most);
	if (left == OVER) {
		errno = EAGAIN;
		return -1;
	}
	/* What is set now will do for the next reads too, unless they want
	 * less. */
	if (!is_short_enough(s->set_in, left))
		set_wait(s->fd, SO_RCVTIMEO, &s->set_in,
		    left < USUAL_WAIT ? left : USUAL_WAIT);
	do
		n = read_once(s, most);
	while (n == -1 && may_go_on(s, begun));
	return n;
}

enum stream_result
stream_begin(struct stream *s)
{
	int64_t begun = clock_mono_ms();
	int64_t left = slice_of(s, time_left(s, begun, begun));
	int r;

	if (left == OVER)
		return STREAM_TIMEOUT;
	if (!is_short_enough(s->set_in, left))
		set_wait(s->fd, SO_RCVTIMEO, &s->set_in, left);
	if (!is_short_enough(s->set_out, left))
		set_wait(s->out_fd, SO_SNDTIMEO, &s->set_out, left);
	do
		r = s->ops->begin(s->ctx);
	while (r == -1 && may_go_on(s, begun));
	return r == 0 ? STREAM_OK : failed();
}

enum stream_result
stream_fill(struct stream *s)
{
	return stream_fill_most(s, STREAM_IN_SIZE);
}

enum stream_result
stream_fill_most(struct stream *s, size_t most)
{
	ssize_t n;

	make_room(s);
	n = read_in_time(s, most);
	if (n == 0)
		return STREAM_END;
	if (n < 0)
		return failed();
	s->in_end += (size_t)n;
	s->bytes_in += (uint64_t)n;
	return STREAM_OK;
}

void
stream_wipe(struct stream *s)
{
	if (s->in != NULL)
		explicit_bzero(s->in, s->in_at);
}

struct str
stream_peek(const struct stream *s)
{
	if (s->in == NULL)
		return STR_NONE;
	return str_span(s->in + s->in_at, stream_pending(s));
}

void
stream_skip(struct stream *s, size_t n)
{
	must(n <= stream_pending(s));
	s->in_at += n;
}

/* The length of the line at the front with its end, or 0 when that has not
 * come.  The first *seen bytes were searched before; it moves on. */
static size_t
measure(const struct stream *s, bool lax, size_t *seen)
{
	struct str in = stream_peek(s);
	const char *lf;
	size_t at;

	while (*seen < in.n) {
		lf = memchr(in.p + *seen, '\n', in.n - *seen);
		if (lf == NULL)
			break;
		at = (size_t)(lf - in.p);
		*seen = at + 1;
		if (lax || (at > 0 && in.p[at - 1] == '\r'))
			return at + 1;
	}
	*seen = in.n;
	return 0;
}

/* Drops what cannot be the end of the line that is being skipped. */
static void
drop_skipped(struct stream *s)
{
	struct str in = stream_peek(s);

	stream_skip(s, in.n > 0 && in.p[in.n - 1] == '\r' ? in.n - 1 : in.n);
}

static struct str
keep_head(struct stream *s, struct str line)
{
	line = str_slice(line, 0, sizeof(s->head));
	memset(s->head, 0, sizeof(s->head));
	memcpy(s->head, line.p, line.n);
	return str_span(s->head, line.n);
}

/* A whole line of n bytes is at the front. */
static enum stream_result
take_line(struct stream *s, size_t n, struct str *line)
{
	struct str in = stream_peek(s);
	size_t len = n - 1;

	stream_skip(s, n);
	if (len > 0 && in.p[len - 1] == '\r')
		len--;
	if (len > 0 && (memchr(in.p, '\r', len) != NULL ||
	    memchr(in.p, '\n', len) != NULL ||
	    memchr(in.p, '\0', len) != NULL)) {
		*line = keep_head(s, str_span(in.p, len));
		return STREAM_BARE;
	}
	*line = str_span(in.p, len);
	return STREAM_OK;
}

static enum stream_result
wait_more(struct stream *s)
{
	enum stream_result r;

	if (s->out.n > 0 && (r = stream_flush(s)) != STREAM_OK)
		return r;
	return stream_fill(s);
}

/* Goes on until the end of a line that is too long. */
static enum stream_result
skip_line(struct stream *s, bool lax, struct str *line)
{
	enum stream_result r;
	size_t n, seen = 0;

	while ((n = measure(s, lax, &seen)) == 0) {
		drop_skipped(s);
		seen = 0;
		if ((r = wait_more(s)) != STREAM_OK)
			return r;
	}
	stream_skip(s, n);
	s->skipping = false;
	*line = str_span(s->head, sizeof(s->head));
	return STREAM_TOO_LONG;
}

enum stream_result
stream_line(struct stream *s, size_t max, bool lax, struct str *line)
{
	enum stream_result r;
	size_t n, seen = 0;

	must(max <= STREAM_IN_SIZE);
	*line = STR_NONE;
	while (!s->skipping) {
		n = measure(s, lax, &seen);
		if (n != 0 && n <= max)
			return take_line(s, n, line);
		if (n == 0 && seen < max) {
			if ((r = wait_more(s)) != STREAM_OK)
				return r;
			continue;
		}
		s->skipping = true;
		(void)keep_head(s, stream_peek(s));
	}
	return skip_line(s, lax, line);
}

void
stream_put(struct stream *s, struct str p)
{
	buf_puts(&s->out, p);
}

void
stream_printf(struct stream *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&s->out, fmt, ap);
	va_end(ap);
}

/* One write of both parts; flags as of sendmsg(2), for a plain socket. */
static ssize_t
write_once(struct stream *s, struct str a, struct str b, int flags)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)a.p, a.n },
		{ (void *)(uintptr_t)b.p, b.n },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct str one = a.n == 0 ? b : a;
	ssize_t n;

	if (s->ops != NULL)
		return s->ops->write(s->ctx, one.p, one.n);
	if (!s->is_pipe) {
		/* A session has no sendmsg(2), and one part only. */
		n = a.n > 0 && b.n > 0 ? sendmsg(s->out_fd, &msg,
		    flags | MSG_NOSIGNAL) : send(s->out_fd, one.p, one.n,
		    flags | MSG_NOSIGNAL);
		if (n != -1 || errno != ENOTSOCK)
			return n;
		s->is_pipe = true;
	}
	return writev(s->out_fd, iov, 2);
}

/* As write_once().  What needs no waiting is written however late it is. */
static ssize_t
write_in_time(struct stream *s, struct str a, struct str b)
{
	int64_t begun = clock_mono_ms();
	int64_t left = slice_of(s, time_left(s, begun, begun));
	int flags = 0;
	ssize_t n;

	if (!is_short_enough(s->set_out, left)) {
		flags = MSG_DONTWAIT;
		if (s->ops != NULL)
			set_wait(s->out_fd, SO_SNDTIMEO, &s->set_out,
			    left == OVER ? 1 : left);
	}
	while ((n = write_once(s, a, b, flags)) == -1 && errno == EAGAIN &&
	    may_wait_on(s, s->out_fd, SO_SNDTIMEO, &s->set_out, begun))
		flags = 0;
	return n;
}

enum stream_result
stream_flush(struct stream *s)
{
	enum stream_result r = STREAM_OK;
	struct str left = buf_str(&s->out);
	ssize_t n;

	while (left.n > 0 && r == STREAM_OK) {
		n = write_in_time(s, left, STR_NONE);
		if (n < 0) {
			r = failed();
		} else {
			s->bytes_out += (uint64_t)n;
			left = str_from(left, (size_t)n);
			r = left.n > 0 ? check_deadline(s) : STREAM_OK;
		}
	}
	if (left.n == 0)
		buf_reset(&s->out);
	else
		buf_drop(&s->out, s->out.n - left.n);
	return r;
}

enum stream_result
stream_send(struct stream *s, struct str p)
{
	enum stream_result r = STREAM_OK;
	struct str head;
	size_t n;
	ssize_t done;

	/* Through TLS the first record is filled up instead. */
	if (s->ops != NULL && s->out.n > 0 && s->out.n < RECORD_SIZE) {
		n = RECORD_SIZE - s->out.n;
		buf_puts(&s->out, str_slice(p, 0, n));
		p = str_from(p, n);
	}
	head = buf_str(&s->out);
	while (head.n + p.n > 0 && (r == STREAM_OK || r == STREAM_SIGNAL)) {
		done = write_in_time(s, head, p);
		if (done < 0) {
			r = failed();
			continue;
		}
		s->bytes_out += (uint64_t)done;
		n = (size_t)done < head.n ? (size_t)done : head.n;
		head = str_from(head, n);
		p = str_from(p, (size_t)done - n);
		r = head.n + p.n > 0 ? check_deadline(s) : STREAM_OK;
	}
	buf_reset(&s->out);
	return r;
}

const char *
stream_result_text(enum stream_result r)
{
	switch (r) {
	case STREAM_OK:
		return "ok";
	case STREAM_END:
		return "connection closed";
	case STREAM_TIMEOUT:
		return "timed out";
	case STREAM_BROKEN:
		return "connection lost";
	case STREAM_SIGNAL:
		return "interrupted by a signal";
	case STREAM_TOO_LONG:
		return "line too long";
	case STREAM_BARE:
		return "bare CR, LF or NUL in line";
	}
	return "unknown";
}
