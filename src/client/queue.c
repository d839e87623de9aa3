/* SPDX-License-Identifier: ISC */
/*
 * Asking the running daemon about its queue: one connection, one line, one
 * answer, which is passed on as it comes.  What a request means and who may
 * make it is the daemon's business (show/show); here nobody looks into it,
 * but for the end of its first line and its own end.
 *
 * The answer is as long as the queue, so it is never held whole.  It has names
 * and texts of strangers in it: on its way to a terminal control characters
 * are taken out, so that no message can move the cursor of the person who
 * looks at it.
 *
 * While the daemon is down, root gets the same answer from the files, and is
 * told how many messages sendmail left meanwhile, which no answer holds.
 *
 * Called by mailq and `godwit queue`.  Holds nothing beyond one call.
 */
#include "client/queue.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/dir.h"
#include "os/file.h"
#include "os/sock.h"
#include "os/stream.h"
#include "show/show.h"
#include "spool/drop.h"
#include "spool/path.h"

enum {
	FIRST_LINE_MAX = 2048,	/* "error " and a fault's text, with room */
	PATIENCE = 300,		/* seconds in which the daemon says something */
};

static int
connect_daemon(const char *path, struct fault *why)
{
	int fd = sock_connect_unix(path, why);

	if (fd != -1)
		return fd;
	/* It may well be up, and not for everybody to ask. */
	if (access(path, W_OK) == -1 && errno == EACCES)
		return fault_permanent(why, 550, 7, 1,
		    "you may not ask the mail system: %s: permission denied",
		    path);
	fault_prefix(why, "the mail system is down");
	return -1;
}

static int
break_off(struct fault *why, enum stream_result r)
{
	return fault_temporary(why, 451, 3, 0,
	    "the mail system broke off its answer: %s",
	    stream_result_text(r));
}

static int
send_request(struct stream *s, const char *request, struct fault *why)
{
	enum stream_result r;

	stream_printf(s, "%s\n", request);
	do
		r = stream_flush(s);
	while (r == STREAM_SIGNAL);
	return r == STREAM_OK ? 0 : break_off(why, r);
}

static int
read_verdict(struct stream *s, struct fault *why)
{
	enum stream_result r;
	struct str line;

	do
		r = stream_line(s, FIRST_LINE_MAX, true, &line);
	while (r == STREAM_SIGNAL);
	if (r != STREAM_OK)
		return break_off(why, r);
	if (str_eq(line, STR("ok")))
		return 0;
	if (str_starts(line, STR("error ")))
		line = str_from(line, sizeof("error ") - 1);
	return fault_permanent(why, 550, 3, 0, "%.*s", STR_ARG(line));
}

static void
clean(struct buf *out, struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\r')
			continue;
		if (str_is_control(s.p[i]) && s.p[i] != '\n' &&
		    s.p[i] != '\t')
			buf_putc(out, '?');
		else
			buf_putc(out, s.p[i]);
	}
}

struct copy {
	int		fd;
	bool		terminal;
	bool		held;		/* a NUL, which may be the last byte */
	struct buf	cleaned;
};

static int
write_out(struct copy *c, struct str piece, struct fault *why)
{
	if (c->terminal) {
		buf_reset(&c->cleaned);
		clean(&c->cleaned, piece);
		piece = buf_str(&c->cleaned);
	}
	return file_write(c->fd, piece.p, piece.n, why);
}

static int
copy_piece(struct copy *c, struct str piece, struct fault *why)
{
	if (piece.n == 0)
		return 0;
	if (c->held && write_out(c, str_span("", 1), why) == -1)
		return -1;
	c->held = piece.p[piece.n - 1] == '\0';
	return write_out(c, str_slice(piece, 0, piece.n - c->held), why);
}

/* To the end of the stream; and of the answer, if more than its first line is
 * expected: a daemon of a former version has changed what it was told to. */
static int
copy_rest(struct stream *s, bool expected, int out_fd, struct fault *why)
{
	struct copy c = { .fd = out_fd, .terminal = isatty(out_fd) == 1 };
	enum stream_result r = STREAM_OK;
	struct str piece;
	int result = 0;

	while (result == 0 && (r == STREAM_OK || r == STREAM_SIGNAL)) {
		piece = stream_peek(s);
		result = copy_piece(&c, piece, why);
		stream_skip(s, piece.n);
		if (result == 0)
			r = stream_fill(s);
	}
	buf_free(&c.cleaned);
	if (result == 0 && r != STREAM_END)
		return break_off(why, r);
	if (result == 0 && expected && !c.held)
		return fault_temporary(why, 451, 3, 0,
		    "the answer is not whole: who gave it has died, or is of "
		    "another version");
	return result;
}

/* The answering side of the daemon, in a child, on the files themselves. */
static void
answer_directly(const struct spool *spool, int fd)
{
	struct show show = { .view = { .spool = spool }, .notify = -1,
	    .uid = geteuid(), .may_change = true };
	struct stream s;
	struct str line;

	stream_init(&s, fd);
	if (stream_line(&s, FIRST_LINE_MAX, true, &line) == STREAM_OK)
		show_answer(&show, line, fd);
	_exit(0);
}

/* An entry of the queue has an envelope that we may read; a dropped file is a
 * stranger's until the daemon has looked at it. */
static void
count_dropped(const struct spool *spool)
{
	struct dir_walk walk;
	struct fault ignored;
	const char *name;
	unsigned n = 0;

	if (dir_walk_open(&walk, spool->root, DROP_DIR, &ignored) == -1)
		return;
	while ((name = dir_walk_next(&walk)) != NULL)
		n += spool_name_is_valid(str_of(name));
	dir_walk_close(&walk);
	if (n > 0)
		fprintf(stderr, "%u dropped message%s not listed: the mail "
		    "system takes them in when it starts\n", n,
		    n == 1 ? "" : "s");
}

/*
 * While the daemon is down whoever may read its spool reads it himself: root,
 * or the user who runs it, and is told what is down.  -1: it cannot be.
 */
static int
ask_the_files(const struct conf *conf, const char *down)
{
	struct spool spool;
	struct fault ignored;
	int pair[2];
	pid_t pid;

	if (spool_open(&spool, conf->spool.p, false, false, &ignored) == -1)
		return -1;
	if (sock_pair(SOCK_STREAM, pair, &ignored) == -1) {
		spool_close(&spool);
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		answer_directly(&spool, pair[1]);
	}
	close(pair[1]);
	if (pid > 0) {
		fprintf(stderr, "%s; reading the queue itself\n", down);
		count_dropped(&spool);
	} else {
		close(pair[0]);
		pair[0] = -1;
	}
	spool_close(&spool);
	return pair[0];
}

static int
connect_anyhow(const struct conf *conf, const char *request,
    struct fault *why)
{
	struct arena arena = { 0 };
	int fd = connect_daemon(conf_run_path(conf, &arena, "queue.sock").p,
	    why);

	arena_free(&arena);
	/* Only the daemon can try again. */
	if (fd != -1 || !fault_is_temporary(why) ||
	    str_starts(str_of(request), STR("flush")))
		return fd;
	return ask_the_files(conf, why->text);
}

static bool
is_question(const char *request)
{
	return str_starts(str_of(request), STR("mailq")) ||
	    str_starts(str_of(request), STR("show"));
}

int
client_queue(const struct conf *conf, const char *request, int out_fd,
    struct fault *why)
{
	struct stream s;
	int fd = connect_anyhow(conf, request, why), result = -1;

	if (fd == -1)
		return -1;
	stream_init(&s, fd);
	stream_set_timeout(&s, PATIENCE);
	if (send_request(&s, request, why) == 0 &&
	    read_verdict(&s, why) == 0)
		result = copy_rest(&s, is_question(request), out_fd, why);
	stream_close(&s);
	return result;
}
