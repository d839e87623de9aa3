/* SPDX-License-Identifier: ISC */
/*
 * The middle man of sendmail -bs.  Mail readers of the old kind start it and
 * speak SMTP with it through a pair of pipes; the server that they speak with
 * is the daemon, and it knows them by the user who owns this process.
 *
 * Nothing is understood here: bytes go to and fro until one end closes.  The
 * one thing that is mended are line ends, since programs write a bare LF,
 * which the daemon refuses (RFC 5321 2.3.8); a program that counts the bytes
 * of its content (BDAT) has to write CRLF itself.
 *
 * One loop, one buffer a way: a way is read only when its buffer is empty, so
 * neither end can make us keep more than that.  After the end of the input
 * the socket is closed for writing only, and the last answers still come.
 */
#include "client/relay.h"

#include <sys/socket.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/file.h"
#include "os/sock.h"

#define SOCKET	"submit.sock"
#define CHUNK	16384

struct way {
	int		from, to;
	struct buf	held;
	bool		mend;		/* LF to CRLF */
	bool		cr;		/* the last byte was a CR */
	bool		ended;		/* no more will come */
	bool		broken;		/* nobody takes it */
};

static void
hold(struct way *w, struct str s)
{
	size_t lf;

	while (w->mend && (lf = str_find(s, '\n')) < s.n) {
		if (lf > 0)
			w->cr = s.p[lf - 1] == '\r';
		buf_puts(&w->held, str_slice(s, 0, lf));
		buf_putz(&w->held, w->cr ? "\n" : "\r\n");
		w->cr = false;
		s = str_from(s, lf + 1);
	}
	if (s.n > 0)
		w->cr = s.p[s.n - 1] == '\r';
	buf_puts(&w->held, s);
}

static void
take_in(struct way *w)
{
	char chunk[CHUNK];
	ssize_t n = read(w->from, chunk, sizeof(chunk));

	if (n > 0)
		hold(w, str_span(chunk, (size_t)n));
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		w->ended = true;
}

static void
give_out(struct way *w)
{
	ssize_t n = write(w->to, w->held.p, w->held.n);

	if (n > 0)
		buf_drop(&w->held, (size_t)n);
	else if (n == -1 && errno != EINTR && errno != EAGAIN)
		w->broken = true;
}

/* What to wait for on this way; a negative descriptor is passed over. */
static struct pollfd
interest(const struct way *w)
{
	if (w->broken)
		return (struct pollfd){ .fd = -1 };
	if (w->held.n > 0)
		return (struct pollfd){ .fd = w->to, .events = POLLOUT };
	return (struct pollfd){ .fd = w->ended ? -1 : w->from,
	    .events = POLLIN };
}

static void
move(struct way *w, const struct pollfd *p)
{
	if (p->fd == -1 || p->revents == 0)
		return;
	if (w->held.n > 0)
		give_out(w);
	else
		take_in(w);
}

static int
shuttle(struct way *up, struct way *down, struct fault *why)
{
	struct pollfd p[2];
	bool shut = false;

	while (!down->broken && !(down->ended && down->held.n == 0)) {
		if (up->ended && up->held.n == 0 && !shut) {
			shutdown(up->to, SHUT_WR);
			shut = true;
		}
		p[0] = interest(up);
		p[1] = interest(down);
		if (poll(p, 2, -1) == -1 && errno != EINTR)
			return fault_system(why, errno, "poll");
		move(up, &p[0]);
		move(down, &p[1]);
	}
	return 0;
}

static int
refuse(const struct conf *conf, int out)
{
	struct buf b;
	struct fault ignored;

	buf_init(&b);
	buf_printf(&b, "421 4.3.2 %.*s the mail system is down\r\n",
	    STR_ARG(conf->hostname));
	(void)file_write(out, b.p, b.n, &ignored);
	buf_free(&b);
	return -1;
}

int
relay_run(const struct conf *conf, int in, int out, struct fault *why)
{
	struct way up = { .from = in, .mend = true };
	struct way down = { .to = out };
	struct arena a = { 0 };
	int fd, result;

	fd = sock_connect_unix(conf_run_path(conf, &a, SOCKET).p, why);
	arena_free(&a);
	if (fd == -1)
		return refuse(conf, out);
	up.to = down.from = fd;
	buf_init(&up.held);
	buf_init(&down.held);
	result = shuttle(&up, &down, why);
	buf_free(&up.held);
	buf_free(&down.held);
	close(fd);
	return result;
}
