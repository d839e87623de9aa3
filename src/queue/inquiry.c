/* SPDX-License-Identifier: ISC */
/*
 * Questions about the queue, as mailq and `godwit queue` ask them through the
 * queue socket.  Each is answered by a child of the runner: a long listing to a
 * slow reader keeps nobody waiting, and what the child knows of active entries
 * is what the runner knew when it forked.  Who asks is told by the kernel; only
 * root, and the user who runs the queue, may change anything.  So many are
 * answered at once; the others wait in the socket's backlog.
 */

#include "queue/inquiry.h"

#include <sys/socket.h>
#include <unistd.h>

#include "os/sock.h"
#include "os/stream.h"
#include "show/show.h"

enum {
	PATIENCE = 10,		/* seconds for a request, */
	LONGEST = 300,		/* and for it and its answer */
};

static bool
is_active(void *ctx, struct str name)
{
	const struct entry *e = table_find(&((struct stock *)ctx)->by_name,
	    name);

	return e != NULL && e->active > 0;
}

/* In a child: what it knows is what the runner knew just now. */
static void
answer(const struct asides *others, struct stock *stock, int notify, int fd,
    uid_t uid)
{
	struct show show = {
		.view = {
			.spool = stock->spool,
			.is_active = is_active,
			.ctx = stock,
			/* Many hands for one at a time. */
			.about = others->n > 0 ? 0 :
			    stock->by_name.n + stock->dormant.n,
		},
		.notify = notify,
		.uid = uid,
		.may_change = uid == 0 || uid == geteuid(),
	};
	struct stream s;
	struct str line;

	(void)alarm(LONGEST);
	stream_init(&s, fd);
	stream_set_timeout(&s, PATIENCE);
	stream_set_deadline(&s, PATIENCE);
	if (stream_line(&s, 256, true, &line) == STREAM_OK)
		show_answer(&show, line, fd);
	_exit(0);
}

void
inquiry_hear(struct asides *a, struct stock *stock, int queue_sock,
    int notify, uid_t sessions)
{
	static const char busy[] = "error too many questions at once; try "
	    "again\n";
	struct sock_addr peer;
	uid_t uid = (uid_t)-1;
	int fd = sock_accept(queue_sock, &peer), keep[2];
	pid_t pid;

	if (fd < 0)
		return;
	keep[0] = fd;
	keep[1] = notify;
	if (sock_peer_uid(fd, &uid, &pid) < 0 || uid == sessions) {
		close(fd);
		return;
	}
	if (aside_is_full_for(a, uid))
		(void)send(fd, busy, sizeof(busy) - 1,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (aside_start(a, uid, stock->spool, "show", keep, 2) == 0)
		answer(a, stock, notify, fd, uid);
	close(fd);
}
