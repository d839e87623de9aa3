/* SPDX-License-Identifier: ISC */
/*
 * Many hands for a long listing.  Most of its time goes into opening files, and
 * each processor can do that for itself: of n hands, which are processes, each
 * takes every n-th directory of the queue and writes what it would print into a
 * pipe.  Who asked for them copies from one pipe after the other, a directory
 * at a time, so that the order is that of one who does it alone.
 *
 * A hand that is ahead waits when its pipe is full; so the pipes are made
 * large, where the kernel allows it, and nothing is held here but one piece.
 * When the reader goes away, the pipes are closed, and the hands end by that.
 */
#include "show/hands.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/log.h"
#include "os/proc.h"

enum {
	HANDS_MAX = 4,
	WORTH_IT = 1000,	/* entries: for fewer the forks take longer */
	PIPE_SIZE = 1 << 20,	/* the text of some 5000 entries */
};

/* In front of so many bytes of text. */
struct piece {
	uint32_t	n;
	uint16_t	last;		/* of its directory */
	uint16_t	partial;	/* and not all of that */
	uint64_t	bytes, count;	/* of messages since the one before */
};

struct hands {
	unsigned	n;
	int		fd[HANDS_MAX];
	pid_t		pid[HANDS_MAX];
	int		ended;		/* the first status that is not 0 */
};

static void
send_piece(struct listing *l, bool last)
{
	struct piece p = { (uint32_t)l->out.n, last, l->partial, l->bytes,
	    l->count };
	struct fault ignored;

	if (file_write(l->fd, &p, sizeof(p), &ignored) < 0)
		l->broken = true;
	list_write(l);
	l->bytes = l->count = 0;
}

static void
send_text(struct listing *l)
{
	send_piece(l, false);
}

static void __attribute__((noreturn))
work(const struct listing *whole, int fd, unsigned from, unsigned step)
{
	struct listing l = {
		.view = whole->view,
		.pass = send_text,
		.fd = fd,
		.json = whole->json,
		.headed = true,
	};

	proc_die_with_parent();
	close(whole->fd);
	for (; from < SPOOL_SHARDS && !l.broken; from += step) {
		list_shard(&l, from);
		send_piece(&l, true);
	}
	_exit(0);
}

static void
let_go(struct hands *h)
{
	int status;

	for (unsigned i = 0; i < h->n; i++)
		close(h->fd[i]);
	for (unsigned i = 0; i < h->n; i++) {
		while (waitpid(h->pid[i], &status, 0) == -1)
			if (errno != EINTR) {
				status = 0;
				break;
			}
		if (h->ended == 0)
			h->ended = status;
	}
	h->n = 0;
}

static int
add_hand(struct hands *h, const struct listing *l, unsigned step)
{
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	(void)fcntl(fd[1], F_SETPIPE_SZ, PIPE_SIZE);
	pid = proc_fork();
	if (pid == 0) {
		close(fd[0]);
		for (unsigned i = 0; i < h->n; i++)
			close(h->fd[i]);
		work(l, fd[1], h->n, step);
	}
	close(fd[1]);
	if (pid == -1) {
		close(fd[0]);
		return -1;
	}
	h->fd[h->n] = fd[0];
	h->pid[h->n++] = pid;
	return 0;
}

static bool
take_on(struct hands *h, const struct listing *l)
{
	unsigned n = l->view->about < WORTH_IT ? 1 : proc_processors();

	if (n > HANDS_MAX)
		n = HANDS_MAX;
	if (n < 2)
		return false;
	while (h->n < n)
		if (add_hand(h, l, n) == -1) {
			let_go(h);
			return false;
		}
	return true;
}

static bool
read_all(int fd, void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = read(fd, at, n);

		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

/* One directory of a hand's; false when the hand is no more. */
static bool
pass_on(struct listing *l, int fd)
{
	struct piece p = { 0 };

	while (!p.last && !l->broken) {
		if (!read_all(fd, &p, sizeof(p)))
			return false;
		if (p.n > 0)
			list_head(l);
		if (!read_all(fd, buf_room(&l->out, p.n), p.n))
			return false;
		buf_grew(&l->out, p.n);
		l->bytes += p.bytes;
		l->count += p.count;
		l->partial |= p.partial != 0;
		list_flush(l);
	}
	return true;
}

static void
complain(int status)
{
	if (WIFSIGNALED(status))
		log_error("mailq is not whole: who helped with it was killed "
		    "by signal %d", WTERMSIG(status));
	else
		log_error("mailq is not whole: who helped with it ended with "
		    "status %d", WEXITSTATUS(status));
}

bool
hands_list_queue(struct listing *l)
{
	struct hands h = { 0 };
	bool many = take_on(&h, l), whole = true;

	for (unsigned i = 0; i < SPOOL_SHARDS && whole && !l->broken; i++) {
		if (many)
			whole = pass_on(l, h.fd[i % h.n]);
		else
			list_shard(l, i);
	}
	let_go(&h);
	if (!whole)
		complain(h.ended);
	return whole;
}
