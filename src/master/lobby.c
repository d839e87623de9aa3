/* SPDX-License-Identifier: ISC */
/*
 * The wait before the greeting.  Programs that send in a hurry speak first; a
 * few seconds of silence find them out, and cost them a slot here and not a
 * process.
 *
 * All wait equally long, so the list of guests is in the order in which they
 * may go in; whoever leaves early gives his seat to the next who comes.  An epoll
 * set tells who has spoken, and tells it of the seat and of who sat there then.
 * Not a byte of what they say is read: the kernel tells how much there is, and
 * nothing means that they have gone.
 *
 * A child inherits the descriptors of all who wait, and has to close them
 * before it serves anybody: their numbers are kept as bits in memory that it
 * has, while the seats lie where it has not.  Registered or not is said to
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
	SEATS = LOBBY_MAX + 1,		/* seat 0 is nobody's */
	FDS = 4096,			/* numbers that may wait */
	EVENTS = 64,
};

struct seat {
	struct lobby_guest	guest;		/* fd -1: it is free */
	uint32_t		number;		/* of its guests so far */
	uint32_t		next, last;	/* seats; of seat 0 the first who
						 * waits, and who came last */
};

struct lobby {
	int			 poll;
	int64_t			 wait;
	size_t			 count;
	uint32_t		 free;		/* the first of these seats, which
						 * have a next alone; 0: none */
	int			 nevents, at;	/* not yet looked at */
	struct epoll_event	 event[EVENTS];
	struct seat		*seat;
	uint64_t		 here[FDS / 64];
};

static void
set_free(struct lobby *l, uint32_t i)
{
	l->seat[i].guest.fd = -1;
	l->seat[i].next = l->free;
	l->free = i;
}

struct lobby *
lobby_new(int64_t wait)
{
	struct lobby *l = mem_alloc(sizeof(*l));

	l->poll = epoll_create1(EPOLL_CLOEXEC);
	if (l->poll < 0)
		die("epoll");
	l->wait = wait;
	l->seat = mem_apart(SEATS * sizeof(*l->seat));
	for (uint32_t i = SEATS - 1; i > 0; i--)
		set_free(l, i);
	return l;
}

void
lobby_free(struct lobby *l)
{
	if (l == NULL)
		return;
	close(l->poll);
	mem_apart_free(l->seat, SEATS * sizeof(*l->seat));
	mem_free(l);
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

/* How the guest on a seat is called in an event. */
static uint64_t
name_of(const struct lobby *l, uint32_t i)
{
	return (uint64_t)l->seat[i].number << 32 | i;
}

/* As the last of those who wait. */
static void
sit_down(struct lobby *l, uint32_t i, const struct lobby_guest *g)
{
	struct seat *seat = &l->seat[i], *ends = &l->seat[0];

	seat->guest = *g;
	seat->next = 0;
	seat->last = ends->last;
	l->seat[seat->last].next = i;
	ends->last = i;
}

bool
lobby_add(struct lobby *l, const struct lobby_guest *g)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP };
	uint32_t i = l->free;

	if (i == 0 || g->fd >= FDS)
		return false;
	l->seat[i].number++;
	e.data.u64 = name_of(l, i);
	if (epoll_ctl(l->poll, EPOLL_CTL_ADD, g->fd, &e) < 0)
		return false;
	l->free = l->seat[i].next;
	sit_down(l, i, g);
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
	uint32_t i = l->seat[0].next;
	int64_t left;

	if (i == 0)
		return -1;
	left = l->seat[i].guest.since + l->wait - now;
	return left > 0 ? (int)left : 0;
}

static void
take(struct lobby *l, uint32_t i, struct lobby_guest *out)
{
	struct seat *seat = &l->seat[i];

	*out = seat->guest;
	(void)epoll_ctl(l->poll, EPOLL_CTL_DEL, out->fd, NULL);
	set_here(l, out->fd, false);
	l->seat[seat->last].next = seat->next;
	l->seat[seat->next].last = seat->last;
	set_free(l, i);
	l->count--;
}

/* The seat of the next event, or 0.  Who has gone since has none. */
static uint32_t
next_event(struct lobby *l)
{
	while (l->at < l->nevents) {
		uint64_t name = l->event[l->at++].data.u64;
		uint32_t i = (uint32_t)name;

		if (l->seat[i].guest.fd != -1 && name_of(l, i) == name)
			return i;
	}
	return 0;
}

static enum lobby_news
hear(struct lobby *l, uint32_t i, struct lobby_guest *out, int *said)
{
	*said = 0;
	take(l, i, out);
	if (ioctl(out->fd, FIONREAD, said) < 0)
		*said = 0;
	return *said > 0 ? LOBBY_SPOKE : LOBBY_LEFT;
}

enum lobby_news
lobby_next(struct lobby *l, int64_t now, struct lobby_guest *out, int *said)
{
	uint32_t i;

	if (l->count > 0 && l->at == l->nevents) {
		l->at = 0;
		l->nevents = epoll_wait(l->poll, l->event, EVENTS, 0);
		if (l->nevents < 0)
			l->nevents = 0;
	}
	if ((i = next_event(l)) != 0)
		return hear(l, i, out, said);
	i = l->seat[0].next;
	if (i == 0 || now - l->seat[i].guest.since < l->wait)
		return LOBBY_NONE;
	*said = 0;
	take(l, i, out);
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
