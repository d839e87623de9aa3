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

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "os/sock.h"
#include "os/stream.h"
#include "queue/show.h"

enum {
	PATIENCE = 10,		/* seconds for a request */
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
answer(const struct runner_setup *setup, struct stock *stock, int fd,
    uid_t uid)
{
	struct show show = {
		.conf = setup->conf,
		.spool = setup->spool,
		.notify = setup->notify_out,
		.may_change = uid == 0 || uid == geteuid(),
		.is_active = is_active,
		.ctx = stock,
	};
	struct stream s;
	struct str line;

	signal_reset();
	signal_ignore(SIGPIPE);
	log_role("show");
	proc_title("show");
	stream_init(&s, fd);
	stream_set_timeout(&s, PATIENCE);
	if (stream_line(&s, 256, true, &line) == STREAM_OK)
		show_answer(&show, line, fd);
	_exit(0);
}

static void
remember(struct inquiries *q, pid_t pid)
{
	for (int i = 0; i < INQUIRIES_MAX; i++)
		if (q->pid[i] == 0) {
			q->pid[i] = pid;
			q->n++;
			return;
		}
}

void
inquiry_ended(struct inquiries *q, pid_t pid)
{
	for (int i = 0; i < INQUIRIES_MAX; i++)
		if (q->pid[i] == pid) {
			q->pid[i] = 0;
			q->n--;
			return;
		}
}

void
inquiry_hear(struct inquiries *q, const struct runner_setup *setup,
    struct stock *stock)
{
	struct sock_addr peer;
	uid_t uid = (uid_t)-1;
	int fd = sock_accept(setup->queue_sock, &peer);
	pid_t pid;

	if (fd < 0)
		return;
	if (sock_peer_uid(fd, &uid, &pid) == 0) {
		pid = fork();
		if (pid == 0)
			answer(setup, stock, fd, uid);
		if (pid < 0)
			log_warning("fork: %s", strerror(errno));
		else
			remember(q, pid);
	}
	close(fd);
}
