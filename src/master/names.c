/* SPDX-License-Identifier: ISC */
/*
 * The relay of names: datagrams from sessions to the resolver, and back.
 *
 *	session ──SEQPACKET── near │ far ──UDP, connected── resolver
 *
 * A connected UDP socket in a session would not do: whoever had stolen the
 * session could connect it to any host.  So the socket stays here, one for each
 * line, and what a line carries is never read: it is copied, with bounds on its
 * length and number.  Ends are made before they are wanted and lie on the tray,
 * so that a session has one with a single system call, and nobody pays who does
 * not ask.  A socket of its own for each session keeps their answers apart.
 *
 * A server that is silent while another is named gives way to it for a while;
 * a line moves over with the next question, which the session repeats anyway.
 * When all are silent, to a question of our own as well, lines are hung up, so
 * that a session learns at once what it would have waited for.  That question is
 * asked once a second, and its first answer ends this: a client whose names
 * lead nowhere can neither begin it nor keep it up.
 *
 * Nothing that comes over a line ends this process, and no lack of anything: a
 * line for which there is no socket loses its datagrams, as networks do.  It
 * runs as the user of the sessions, in a sandbox that lets it open no file.
 */
#include "master/names.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"

enum {
	EVENTS = 64,
	TRAY_ROOM = 32768,		/* some forty ends */
	QUESTION_MAX = 512,
	ANSWER_MAX = 4096,
	LINE_QUESTIONS = 10000,		/* one session, sent again and all */
	SILENCE_MS = 2000,
	PAUSE_MS = 4000,		/* after which nobody waits any more */
	RETURN_MS = 60 * 1000,		/* then the first server again */
	DOUBT_MS = 2500,		/* without an answer: we ask, too */
	KNOCK_MS = 1000,
	KNOCKS = 4,			/* in vain: they are dead */
	TRAY = -1,			/* what epoll calls it */
};

struct line {
	int		near, far;	/* -1: none */
	size_t		server;		/* of far */
	unsigned	questions;
	unsigned	next;		/* free line + 1 */
};

struct relay {
	const struct names_setup *setup;
	int		 poll;
	bool		 draining;
	size_t		 current;	/* server */
	int64_t		 silent_since;	/* 0: it owes no answer */
	int64_t		 asked_at;
	int64_t		 return_at;
	int64_t		 unheard_since;	/* 0: somebody has answered */
	int64_t		 knocked_at;
	unsigned	 knocks;	/* since then */
	bool		 dead;		/* all servers are */
	struct line	*line;		/* and one of our own behind them */
	unsigned	 used;		/* lines over which something went */
	unsigned	 free;		/* first free line + 1 */
};

/* Both sides of a line, and the tray, as one number. */
static bool
watch(const struct relay *r, int fd, int number, uint32_t events)
{
	struct epoll_event e = { .events = events };

	e.data.u64 = (uint64_t)(int64_t)number;
	return epoll_ctl(r->poll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static void
drop_far(struct line *l)
{
	if (l->far != -1)
		close(l->far);
	l->far = -1;
}

static void
drop_line(struct relay *r, struct line *l)
{
	if (l->near == -1)
		return;
	drop_far(l);
	close(l->near);
	l->near = -1;
	r->used -= l->questions > 0;
	l->next = r->free;
	r->free = (unsigned)(l - r->line) + 1;
}

/* Puts one more end on the tray; false: it is full, or we are out of
 * something. */
static bool
lay_out(struct relay *r)
{
	struct line *l;
	struct fault why;
	int pair[2];
	bool laid;

	if (r->free == 0 || sock_pair(SOCK_SEQPACKET, pair, &why) < 0)
		return false;
	l = &r->line[r->free - 1];
	laid = watch(r, pair[0], (int)(2 * (l - r->line)), EPOLLIN) &&
	    sock_send(r->setup->tray, STR("n"), &pair[1], 1,
	    MSG_DONTWAIT) == 0;
	close(pair[1]);
	if (!laid) {
		close(pair[0]);
		return false;
	}
	r->free = l->next;
	*l = (struct line){ .near = pair[0], .far = -1 };
	return true;
}

static void
fill_tray(struct relay *r)
{
	while (!r->draining && lay_out(r))
		;
}

static void
log_server(const char *what, const struct sock_addr *server)
{
	char ip[IP_TEXT_MAX];

	log_warning("%s [%s]", what, ip_format(&server->ip, ip));
}

/* Which server is to be asked now. */
static void
choose_server(struct relay *r, int64_t now)
{
	if (r->current != 0 && now >= r->return_at) {
		r->current = 0;
		r->silent_since = 0;
	}
	if (now - r->asked_at > PAUSE_MS)
		r->silent_since = 0;
	if (r->silent_since != 0 && now - r->silent_since > SILENCE_MS) {
		if (!r->dead)
			log_server("no answer from name server",
			    &r->setup->server[r->current]);
		r->current = (r->current + 1) % r->setup->n;
		r->return_at = now + RETURN_MS;
		r->silent_since = 0;
	}
	if (r->silent_since == 0)
		r->silent_since = now;
}

static bool
has_far(struct relay *r, struct line *l)
{
	if (l->far != -1 && l->server != r->current)
		drop_far(l);
	if (l->far != -1)
		return true;
	l->far = sock_connect_udp(&r->setup->server[r->current]);
	l->server = r->current;
	if (l->far != -1 && !watch(r, l->far, (int)(2 * (l - r->line)) + 1,
	    EPOLLIN))
		drop_far(l);
	return l->far != -1;
}

/* Asks for the servers of the root, which every resolver knows. */
static void
knock(struct relay *r, int64_t now)
{
	static const uint8_t question[] = { 'g', 'w', 1, 0, 0, 1, 0, 0, 0, 0,
	    0, 0, 0, 0, 2, 0, 1 };
	struct line *own = &r->line[r->setup->lines];

	if (now - r->knocked_at < KNOCK_MS)
		return;
	r->knocked_at = now;
	if (r->setup->n > 1)
		choose_server(r, now);
	r->asked_at = now;
	if (has_far(r, own))
		(void)send(own->far, question, sizeof(question),
		    MSG_NOSIGNAL);
	if (++r->knocks <= KNOCKS || r->dead)
		return;
	log_warning("no name server answers: clients are unknown, and no list "
	    "is asked");
	r->dead = true;
}

/* Before a question goes out.  One that is not repeated was perhaps no more
 * than lost. */
static void
look_at_clock(struct relay *r, int64_t now)
{
	if (!r->dead && now - r->asked_at > PAUSE_MS) {
		r->unheard_since = 0;
		r->knocks = 0;
	}
	if (r->unheard_since == 0)
		r->unheard_since = now;
	if (now - r->unheard_since > DOUBT_MS)
		knock(r, now);
	if (r->setup->n > 1)
		choose_server(r, now);
	r->asked_at = now;
}

static void
note_answer(struct relay *r, const struct line *l)
{
	if (l->server == r->current)
		r->silent_since = 0;
	r->unheard_since = 0;
	r->knocks = 0;
	if (r->dead)
		log_info("name servers answer again");
	r->dead = false;
}

static void
hear_session(struct relay *r, struct line *l)
{
	uint8_t packet[QUESTION_MAX + 1];
	ssize_t n = recv(l->near, packet, sizeof(packet), MSG_DONTWAIT);
	int64_t now = clock_boot_ms();

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || l->questions == LINE_QUESTIONS) {
		drop_line(r, l);
		return;
	}
	r->used += l->questions++ == 0;
	look_at_clock(r, now);
	if (r->dead)
		drop_line(r, l);
	else if (n <= QUESTION_MAX && has_far(r, l))
		(void)send(l->far, packet, (size_t)n, MSG_NOSIGNAL);
}

/* That nobody listens there is heard as an error: the silence of a server. */
static void
hear_server(struct relay *r, struct line *l)
{
	uint8_t packet[ANSWER_MAX];
	ssize_t n;

	if (l->far == -1)
		return;
	n = recv(l->far, packet, sizeof(packet), MSG_DONTWAIT);
	if (n < 0)
		return;
	note_answer(r, l);
	if (n > 0 && l->near != -1)
		(void)send(l->near, packet, (size_t)n,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
hear(struct relay *r, int number)
{
	struct line *l;

	if (number == TRAY)
		return;
	l = &r->line[number / 2];
	if (number % 2 != 0)
		hear_server(r, l);
	else if (l->near != -1)
		hear_session(r, l);
}

static void
init(struct relay *r, const struct names_setup *setup)
{
	*r = (struct relay){ .setup = setup };
	r->poll = epoll_create1(EPOLL_CLOEXEC);
	r->line = mem_array(setup->lines + 1, sizeof(*r->line));
	r->line[setup->lines].near = r->line[setup->lines].far = -1;
	for (unsigned i = (unsigned)setup->lines; i-- > 0;) {
		r->line[i].near = r->line[i].far = -1;
		r->line[i].next = r->free;
		r->free = i + 1;
	}
	sock_set_room(setup->tray, TRAY_ROOM);
	if (r->poll == -1 || !watch(r, setup->tray, TRAY, EPOLLOUT | EPOLLET))
		die("epoll: %s", strerror(errno));
}

/* Ends whose lines have died with the relay that made them. */
static void
clear_tray(int taken)
{
	int fds[SOCK_FDS_MAX];
	size_t n;
	char byte;

	while (sock_receive(taken, &byte, 1, fds, &n, MSG_DONTWAIT) > 0)
		while (n > 0)
			close(fds[--n]);
	close(taken);
}

void
names_run(const struct names_setup *setup)
{
	struct epoll_event event[EVENTS];
	struct relay r;
	int n;

	clear_tray(setup->taken);
	init(&r, setup);
	proc_settle();
	for (;;) {
		r.draining |= signal_take(SIGTERM);
		if (r.draining && r.used == 0)
			break;
		fill_tray(&r);
		if (r.dead)
			knock(&r, clock_boot_ms());
		n = epoll_pwait(r.poll, event, EVENTS,
		    r.dead ? KNOCK_MS : -1, signal_wait_mask());
		signal_waited(n);
		for (int i = 0; i < n; i++)
			hear(&r, (int)(int64_t)event[i].data.u64);
	}
	mem_free(r.line);
	close(r.poll);
}
