/* SPDX-License-Identifier: ISC */
/*
 * The two packets between the queue runner and its workers: a job with its
 * entry's descriptor on the way out, what became of each recipient on the way
 * back.  Both ends are the same program on the same machine, so the structs
 * travel as they lie; yet a worker has talked to strangers, so that what comes
 * back is checked before it is used as a number of anything.
 */

#include "deliver/job.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/die.h"
#include "os/sock.h"

static size_t
job_length(uint32_t n)
{
	return offsetof(struct job, index) + n * sizeof(uint32_t);
}

static size_t
done_length(uint32_t n)
{
	struct done *d = NULL;

	return offsetof(struct done, recipient) + n * sizeof(d->recipient[0]);
}

int
job_send(int sock, const struct job *j, int entry)
{
	must(j->n > 0 && j->n <= JOB_RECIPIENTS_MAX);
	return sock_send(sock, str_span(j, job_length(j->n)), &entry, 1,
	    MSG_NOSIGNAL);
}

int
job_receive(int sock, struct job *j, int *entry)
{
	int fds[SOCK_FDS_MAX];
	size_t nfds = 0;
	ssize_t n;

	do
		n = sock_receive(sock, j, sizeof(*j), fds, &nfds, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	must(nfds == 1 && (size_t)n >= offsetof(struct job, index) &&
	    j->n <= JOB_RECIPIENTS_MAX && (size_t)n == job_length(j->n));
	*entry = fds[0];
	return 1;
}

int
done_send(int sock, const struct done *d)
{
	must(d->n <= JOB_RECIPIENTS_MAX);
	return sock_send(sock, str_span(d, done_length(d->n)), NULL, 0,
	    MSG_NOSIGNAL);
}

static bool
is_outcome(enum outcome_kind kind)
{
	switch (kind) {
	case OUTCOME_DEFERRED:
	case OUTCOME_DELIVERED:
	case OUTCOME_RELAYED:
	case OUTCOME_FAILED:
		return true;
	}
	return false;
}

int
done_receive(int sock, struct done *d)
{
	int fds[SOCK_FDS_MAX];
	size_t nfds = 0;
	ssize_t n;

	n = sock_receive(sock, d, sizeof(*d), fds, &nfds, MSG_DONTWAIT);
	while (nfds > 0)
		close(fds[--nfds]);
	if (n < (ssize_t)offsetof(struct done, recipient) ||
	    d->n > JOB_RECIPIENTS_MAX || (size_t)n != done_length(d->n))
		return 0;
	for (uint32_t i = 0; i < d->n; i++)
		if (!is_outcome(d->recipient[i].kind))
			return 0;
	d->name[SPOOL_NAME_MAX - 1] = '\0';
	d->reason[JOB_REASON_MAX - 1] = '\0';
	return 1;
}
