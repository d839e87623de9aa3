/* SPDX-License-Identifier: ISC */
/*
 * The wait before the greeting.  Programs that send in a hurry speak first; a
 * few seconds of silence find them out, and cost them a slot here and not a
 * process.
 *
 * All wait equally long, so the ring of guests is in the order in which they
 * may go in, and one who leaves early leaves a hole.  An epoll set tells who
 * has spoken.  Not a byte of what they say is read: the kernel tells how much
 * there is, and nothing means that they have gone.
 *
 * A child inherits the descriptors of all who wait, and has to close them
 * before it serves anybody: their numbers are kept as bits in memory that it
 * has, while the ring lies where it has not.  Registered or not is said to
 * epoll for each, because it would otherwise go by the copies that children
 * hold for a moment.
 *
 * Called by master/master, which decides what becomes of whom.  Time comes in
 * as a number.
 */
#include "master/lobby.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "os/proc.h"

enum {
	RING = 2048,
	FDS = 4096,			/* numbers that may wait */
	EVENTS = 64,
};

struct lobby {
	int			 poll;
	int64_t			 wait;
	size_t			 head, tail;	/* ever growing */
	size_t			 count;
	int			 nevents, at;	/* not yet looked at */
	struct epoll_event	 event[EVENTS];
	struct lobby_guest	*ring;		/* fd -1: a hole */
	uint64_t		 here[FDS / 64];
};

struct lobby *
lobby_new(int64_t wait)
{
	struct lobby *l = mem_alloc(sizeof(*l));

	l->poll = epoll_create1(EPOLL_CLOEXEC);
	if (l->poll < 0)
		die("epoll");
	l->wait = wait;
	l->ring = mem_apart(RING * sizeof(*l->ring));
	return l;
}

void
lobby_free(struct lobby *l)
{
	if (l == NULL)
		return;
	close(l->poll);
	mem_apart_free(l->ring, RING * sizeof(*l->ring));
	mem_free(l);
}

static struct lobby_guest *
at(const struct lobby *l, size_t i)
{
	return &l->ring[i % RING];
}

static void
set_here(struct lobby *l, int fd, bool is)
{
	uint64_t bit = UINT64_C(1) << (fd % 64);

	if (is)
		l->here[fd / 64] |= bit;
	else
		l->here[fd / 64] &= ~bit;
}

static bool
is_here(const struct lobby *l, unsigned fd)
{
	return (l->here[fd / 64] >> (fd % 64) & 1) != 0;
}

/* The first who waits: holes before it are passed for good. */
static struct lobby_guest *
first(struct lobby *l)
{
	while (l->head < l->tail && at(l, l->head)->fd == -1)
		l->head++;
	return l->head < l->tail ? at(l, l->head) : NULL;
}

bool
lobby_add(struct lobby *l, const struct lobby_guest *g)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP };

	(void)first(l);
	if (l->count == LOBBY_MAX || l->tail - l->head == RING ||
	    g->fd >= FDS)
		return false;
	e.data.u64 = l->tail;
	if (epoll_ctl(l->poll, EPOLL_CTL_ADD, g->fd, &e) < 0)
		return false;
	*at(l, l->tail++) = *g;
	l->count++;
	set_here(l, g->fd, true);
	return true;
}

size_t
lobby_count(const struct lobby *l)
{
	return l == NULL ? 0 : l->count;
}

int
lobby_fd(const struct lobby *l)
{
	return l->poll;
}

int
lobby_due(const struct lobby *l, int64_t now)
{
	size_t i = l->head;
	int64_t left;

	while (i < l->tail && at(l, i)->fd == -1)
		i++;
	if (i == l->tail)
		return -1;
	left = at(l, i)->since + l->wait - now;
	return left > 0 ? (int)left : 0;
}

static void
take(struct lobby *l, struct lobby_guest *g, struct lobby_guest *out)
{
	(void)epoll_ctl(l->poll, EPOLL_CTL_DEL, g->fd, NULL);
	set_here(l, g->fd, false);
	*out = *g;
	g->fd = -1;
	l->count--;
}

/* The guest of the next event, or NULL. */
static struct lobby_guest *
next_event(struct lobby *l)
{
	while (l->at < l->nevents) {
		size_t i = (size_t)l->event[l->at++].data.u64;

		if (i >= l->head && i < l->tail && at(l, i)->fd != -1)
			return at(l, i);
	}
	return NULL;
}

static enum lobby_news
hear(struct lobby *l, struct lobby_guest *g, struct lobby_guest *out,
    int *said)
{
	*said = 0;
	take(l, g, out);
	if (ioctl(out->fd, FIONREAD, said) < 0)
		*said = 0;
	return *said > 0 ? LOBBY_SPOKE : LOBBY_LEFT;
}

enum lobby_news
lobby_next(struct lobby *l, int64_t now, struct lobby_guest *out, int *said)
{
	struct lobby_guest *g;

	if (l->count > 0 && l->at == l->nevents) {
		l->at = 0;
		l->nevents = epoll_wait(l->poll, l->event, EVENTS, 0);
		if (l->nevents < 0)
			l->nevents = 0;
	}
	if ((g = next_event(l)) != NULL)
		return hear(l, g, out, said);
	g = first(l);
	if (g == NULL || now - g->since < l->wait)
		return LOBBY_NONE;
	*said = 0;
	take(l, g, out);
	return LOBBY_WAITED;
}

void
lobby_leave(struct lobby *l)
{
	unsigned from, fd = 0;

	close(l->poll);
	for (; fd < FDS; fd++) {
		if (l->here[fd / 64] == 0)
			fd |= 63;
		if (!is_here(l, fd))
			continue;
		from = fd;
		while (fd + 1 < FDS && is_here(l, fd + 1))
			fd++;
		proc_close_span(from, fd);
	}
}
