/* SPDX-License-Identifier: ISC */
#ifndef FAKE_WAIT_H
#define FAKE_WAIT_H

/*
 * Waits in which something is always ready at once, as the kernel's are in a
 * flood: no signal comes in.  They stand in place of the library's.  A loop that
 * does not end by itself ends the test.  To be included once, behind <cmocka.h>.
 */
#include <sys/epoll.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { FAKE_WAITS_MAX = 10000 };

static unsigned fake_waits;

/* The first brings a SIGTERM with it. */
static inline void
fake_wait(void)
{
	static const char text[] = "no signal is heard in a flood\n";

	if (fake_waits++ == 0)
		raise(SIGTERM);
	if (fake_waits < FAKE_WAITS_MAX)
		return;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

int	__ppoll_chk(struct pollfd *, nfds_t, const struct timespec *,
	    const sigset_t *, size_t);

/* The first that is waited for is ready. */
int
ppoll(struct pollfd *p, nfds_t n, const struct timespec *t,
    const sigset_t *mask)
{
	(void)t;
	(void)mask;
	fake_wait();
	for (nfds_t i = 0; i < n; i++)
		p[i].revents = 0;
	for (nfds_t i = 0; i < n; i++)
		if (p[i].fd >= 0) {
			p[i].revents = POLLIN;
			break;
		}
	return 1;
}

/* As ppoll() is called where it is fortified. */
int
__ppoll_chk(struct pollfd *p, nfds_t n, const struct timespec *t,
    const sigset_t *mask, size_t size)
{
	(void)size;
	return ppoll(p, n, t, mask);
}

/* Some event that means nothing to whoever has -1 for one. */
int
epoll_pwait(int fd, struct epoll_event *e, int n, int ms,
    const sigset_t *mask)
{
	(void)fd;
	(void)n;
	(void)ms;
	(void)mask;
	fake_wait();
	e[0] = (struct epoll_event){ .events = EPOLLOUT,
	    .data.u64 = (uint64_t)(int64_t)-1 };
	return 1;
}

#endif
