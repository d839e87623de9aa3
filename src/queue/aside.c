/* SPDX-License-Identifier: ISC */
/*
 * Work that must not keep the runner waiting is done by a child of its own: a
 * slow reader of a long queue, a great file in drop.  A child gets none of the
 * runner's locks, sockets of workers, or ways to the warden: what it holds
 * open would live on in it.  So many may be alive at once; whoever comes then
 * waits in the backlog of the socket, or in drop.
 */

#include "queue/aside.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"

enum {
	KEEP_MAX = SPOOL_SHARDS + 8,
};

bool
aside_is_full(const struct asides *a)
{
	return a->n == ASIDES_MAX;
}

bool
aside_is_full_for(const struct asides *a, uid_t uid)
{
	unsigned n = 0;

	if (uid == 0)
		return aside_is_full(a);
	for (int i = 0; i < ASIDES_MAX; i++)
		if (a->pid[i] != 0 && a->uid[i] == uid)
			n++;
	return n >= ASIDES_OF_USER || a->n >= ASIDES_MAX - 1;
}

static void
strip(const struct spool *spool, const char *role, const int *keep, size_t n)
{
	int fds[KEEP_MAX];
	size_t nfds = 0;

	must(n <= 4);
	for (size_t i = 0; i < n; i++)
		fds[nfds++] = keep[i];
	fds[nfds++] = log_fd();
	fds[nfds++] = spool->root;
	fds[nfds++] = spool->q;
	for (unsigned i = 0; spool->shards != NULL && i < SPOOL_SHARDS; i++)
		fds[nfds++] = spool->shards[i];
	proc_close_all_but(fds, nfds);
	signal_reset();
	signal_ignore(SIGPIPE);
	log_role(role);
	proc_title("godwitd: %s", role);
}

pid_t
aside_start(struct asides *a, uid_t uid, const struct spool *spool,
    const char *role, const int *keep, size_t n)
{
	pid_t pid;

	must(!aside_is_full(a));
	pid = fork();
	if (pid < 0)
		log_warning("fork: %s", strerror(errno));
	if (pid == 0)
		strip(spool, role, keep, n);
	if (pid <= 0)
		return pid;
	for (int i = 0; i < ASIDES_MAX; i++)
		if (a->pid[i] == 0) {
			a->pid[i] = pid;
			a->uid[i] = uid;
			a->n++;
			break;
		}
	return pid;
}

bool
aside_ended(struct asides *a, pid_t pid)
{
	for (int i = 0; i < ASIDES_MAX; i++)
		if (a->pid[i] == pid) {
			a->pid[i] = 0;
			a->n--;
			return true;
		}
	return false;
}
