/* SPDX-License-Identifier: ISC */
/*
 * Accept, count, fork.  The master has no privilege and stays small, because
 * every page that it has touched makes each fork dearer.  It reads nothing from
 * a connection; who came through a proxy its session tells, and whether a user
 * has logged in (priv/usher).
 *
 * Nothing that a peer does, and no lack of anything, ends it: a connection for
 * which there is no room, no process or no descriptor gets a 421 without a
 * fork, and a flood of them not even that.  For the last case one descriptor is
 * kept in reserve.  Memory is taken at the start; the one thing later that
 * needs some is opening the aliases, and the databases of the rules, for the
 * sessions to inherit, and that may fail.  Who may come in is decided by
 * master/budget, and who has to wait before he is greeted does so in
 * master/lobby, if there is one.
 *
 * What a session may use is limited before it is forked (warden/service), but
 * for its processor time: the master, which lives for months, has all it wants.
 */

#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "master/board.h"
#include "master/eviction.h"
#include "master/lobby.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "policy/checks.h"
#include "priv/usher.h"
#include "smtpd/serve.h"

enum {
	PAUSE_MS = 200,			/* after a lack of something */
	CHORES_MS = 1000,		/* between looks at the aliases */
	BATCH = 16,			/* connections between two waits */
	LOBBY_BATCH = 64,
	DRAIN_MS = 1000,		/* between looks at who is left */
	EVICTIONS = 8,			/* in a second, under stress */
	CPU_TIMES = 2,			/* what a session may, and is killed */
};

struct master {
	const struct master_setup	*setup;
	struct smtpd			 smtpd;
	struct children			 children;
	struct budget			*budget;
	struct lobby			*lobby;		/* or NULL */
	struct board			 board;
	bool				 asks;	/* the next: did it wait? */
	int				 reserve;	/* a spare descriptor */
	int				 desk;		/* of priv/usher, or -1 */
	bool				 retired;
	int64_t				 drained_at;	/* 0: not draining */
	int64_t				 chores_at, evicted_at;
};

static void
turn_away(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void
keep_reserve(struct master *m)
{
	if (m->reserve < 0)
		m->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* No descriptor is left: use the one in reserve to say so. */
static void
refuse_with_reserve(struct master *m, int listener)
{
	struct sock_addr peer;
	int fd;

	log_warning("accept: %s; refusing connections for a moment",
	    strerror(errno));
	if (m->reserve >= 0)
		close(m->reserve);
	m->reserve = -1;
	fd = sock_accept(listener, &peer);
	if (fd >= 0)
		turn_away(fd, "421 4.3.2 Too many connections; try again "
		    "later\r\n");
	keep_reserve(m);
	board_lack(&m->board);
	(void)poll(NULL, 0, PAUSE_MS);
}

static const char *
reply_of(enum budget_answer answer)
{
	switch (answer) {
	case BUDGET_WELCOME:
		break;
	case BUDGET_FULL:
		return "421 4.3.2 Too many connections; try again later\r\n";
	case BUDGET_CLIENT_FULL:
		return "421 4.7.0 Too many connections from your address\r\n";
	case BUDGET_NETWORK_FULL:
		return "421 4.7.0 Too many connections from your network\r\n";
	case BUDGET_CLIENT_FAST:
		return "421 4.7.0 Too many new connections from your address; "
		    "try again later\r\n";
	case BUDGET_NETWORK_FAST:
		return "421 4.7.0 Too many new connections from your network; "
		    "try again later\r\n";
	case BUDGET_FAST:
		return "421 4.3.2 Too many new connections; try again "
		    "later\r\n";
	case BUDGET_HANDSHAKES:
		return "421 4.7.0 Too many TLS handshakes with your address "
		    "or network; try again later\r\n";
	case BUDGET_COMMANDS:
		return "421 4.7.0 Too many commands in vain from your address "
		    "or network; try again later\r\n";
	}
	bug("no refusal");
}

static void
log_refusal(const struct smtpd_peer *peer, const char *reply)
{
	int n = (int)strcspn(reply, "\r");
	char ip[IP_TEXT_MAX];

	if (peer->local)
		log_info("NOQUEUE: reject: CONNECT from local[uid %u]: %.*s",
		    (unsigned)peer->uid, n, reply);
	else
		log_info("NOQUEUE: reject: CONNECT from unknown[%s]: %.*s",
		    ip_format(&peer->addr.ip, ip), n, reply);
}

static void
refuse(struct master *m, int fd, const struct smtpd_peer *peer,
    const char *reply, int64_t now)
{
	if (budget_may_log(m->budget, now))
		log_refusal(peer, reply);
	/* In clear, to who waits for TLS, it would be noise. */
	if (peer->service != SERVICE_SUBMISSIONS &&
	    budget_may_answer(m->budget, now))
		turn_away(fd, reply);
	else
		close(fd);
}

/* May it name other clients by XCLIENT?  As a proxy may by PROXY, to whom that
 * listener belongs. */
static bool
may_use_xclient(const struct conf *conf, const struct smtpd_peer *peer)
{
	return !peer->local && !peer->proxied && !peer->reported &&
	    conf_networks_have(&conf->session.xclient, &peer->addr.ip);
}

static struct budget_guest
guest_of(const struct conf *conf, const struct smtpd_peer *peer)
{
	const struct facts facts = { .service = peer->service,
	    .local = peer->local, .client_ip = peer->addr.ip,
	    .reported = peer->reported };
	struct budget_guest g = {
		.ip = peer->addr.ip,
		.trusted = !peer->proxied && checks_may_relay(conf, &facts),
		.is_root = peer->local && peer->uid == 0,
		.is_proxy = peer->proxied || may_use_xclient(conf, peer),
	};

	switch (peer->service) {
	case SERVICE_SMTP:
		break;
	case SERVICE_SUBMISSION:
	case SERVICE_SUBMISSIONS:
		g.submits = true;
		break;
	}
	/* Counted by user as others are by address. */
	if (peer->local)
		memcpy(g.ip.b, &peer->uid, sizeof(peer->uid));
	return g;
}

/* What a session says that finds no memory before it can speak for itself. */
static void
say_421(void *fd)
{
	static const char text[] =
	    "421 4.3.0 Out of resources; try again later\r\n";

	(void)send(*(const int *)fd, text, sizeof(text) - 1,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The first warning is to give way, the next one to end. */
static void
limit_time(const struct conf_budget *c)
{
	unsigned first = (unsigned)(c->cpu_nice > 0 && c->cpu_nice < c->cpu ?
	    c->cpu_nice : c->cpu);

	proc_limit_cpu(first, (unsigned)c->cpu * CPU_TIMES);
}

/* The child: nothing but its connection, and what every session shares.  The
 * reserve is /dev/null, which may stay. */
static void
be_session(struct master *m, int fd, const struct smtpd_peer *peer,
    uint32_t number)
{
	struct tally tally;

	m->smtpd.leave = &m->smtpd.notices->leave[number];
	die_set_last_act(say_421, &fd);
	listen_leave(m->setup->listeners);
	if (m->desk >= 0)
		close(m->desk);
	if (m->lobby != NULL)
		lobby_leave(m->lobby);
	limit_time(&m->setup->conf->budget);
	proc_forbid_fork();
	signal_unblock_caught();
	alias_book_doubt(m->setup->aliases);
	lists_doubt(m->setup->lists);
	log_role("smtpd");
	smtpd_serve(&m->smtpd, fd, peer, &tally);
	_exit(tally_pack(&tally));
}

static void
start_session(struct master *m, int fd, const struct smtpd_peer *peer,
    const struct budget_seat *seat)
{
	uint32_t number = children_next(&m->children);
	pid_t pid;

	board_send_away(&m->board, number, false);
	children_expect(&m->children);
	pid = proc_fork();
	if (pid == 0)
		be_session(m, fd, peer, number);
	if (pid < 0) {
		log_warning("fork: %s", strerror(errno));
		children_expect_no_more(&m->children);
		turn_away(fd, "421 4.3.2 Out of processes; try again "
		    "later\r\n");
		budget_leave(m->budget, seat);
		board_lack(&m->board);
		(void)poll(NULL, 0, PAUSE_MS);
		return;
	}
	children_add(&m->children, pid, &peer->addr.ip, seat,
	    clock_boot_ms());
	if (may_use_xclient(m->setup->conf, peer))
		children_find(&m->children, pid)->speaks = true;
	close(fd);
}

/* Who is there in place of its client: a proxy that has not named him, or one
 * who may name several. */
static bool
may_name(const struct master *m, const struct child *c)
{
	return c->seat.at[0] == 0 || c->speaks ||
	    conf_networks_have(&m->setup->conf->session.xclient, &c->ip);
}

/* A session has heard from somebody else who its client is. */
static void
receive_client(struct master *m, const struct usher_call *call)
{
	const struct smtpd_peer peer = { .addr.ip = call->ip,
	    .reported = true };
	pid_t session = call->from.pid;
	struct child *child = children_find(&m->children, session);
	struct budget_guest guest = guest_of(m->setup->conf, &peer);
	int64_t now = clock_boot_ms();
	enum budget_answer answer = BUDGET_FULL;
	bool speaks = false;

	/* What anybody else says of himself has been seen. */
	if (child != NULL && may_name(m, child)) {
		speaks = child->speaks || child->seat.at[0] != 0;
		answer = budget_introduce(m->budget, &guest, now,
		    &child->seat);
	}
	if (answer == BUDGET_WELCOME) {
		/* Who was asked to leave was the one before. */
		board_send_away(&m->board, child->number, false);
		child->asked = false;
		child->since = now;
		children_tell(&m->children, session, &call->ip, speaks);
		usher_answer(m->desk, call, "2");
		return;
	}
	if (budget_may_log(m->budget, now))
		log_refusal(&peer, reply_of(answer));
	usher_answer(m->desk, call, reply_of(answer));
}

static void
receive_login(struct master *m, const struct usher_call *call)
{
	struct child *child = children_find(&m->children, call->from.pid);

	if (child != NULL)
		budget_log_in(m->budget, clock_boot_ms(), &child->seat);
}

static void
attend_desk(struct master *m)
{
	struct usher_call call;
	int heard = 1;

	for (int i = 0; i < BATCH && heard != 0; i++)
		if ((heard = usher_hear(m->desk, &call)) != 1)
			continue;
		else if (call.login)
			receive_login(m, &call);
		else
			receive_client(m, &call);
}

/* Must it wait to be greeted?  A program of ours, or a mail client, may be in
 * a hurry, and a proxy has to speak first. */
static bool
has_to_wait(const struct master *m, const struct smtpd_peer *peer,
    const struct budget_guest *guest)
{
	if (m->lobby == NULL || guest->trusted || peer->proxied ||
	    m->drained_at != 0)
		return false;
	switch (peer->service) {
	case SERVICE_SMTP:
		return true;
	case SERVICE_SUBMISSION:
	case SERVICE_SUBMISSIONS:
		break;
	}
	return false;
}

static void
let_in(struct master *m, int fd, const struct smtpd_peer *peer)
{
	struct budget_guest guest = guest_of(m->setup->conf, peer);
	struct lobby_guest waiting = { .fd = fd, .peer = *peer,
	    .since = clock_boot_ms() };
	enum budget_answer answer;

	answer = budget_enter(m->budget, &guest, waiting.since,
	    &waiting.seat);
	waiting.peer.known = waiting.seat.rank == RANK_OURS;
	if (answer != BUDGET_WELCOME)
		refuse(m, fd, peer, reply_of(answer), waiting.since);
	else if (!has_to_wait(m, peer, &guest) ||
	    !lobby_add(m->lobby, &waiting))
		start_session(m, fd, &waiting.peer, &waiting.seat);
}

/* As postscreen(8) has it, for those who read its log. */
static void
send_away(struct master *m, const struct lobby_guest *g, int said,
    int64_t now)
{
	static const char reply[] = "554 5.5.1 Protocol error: you spoke "
	    "before you were greeted\r\n";
	char ip[IP_TEXT_MAX];

	if (budget_may_log(m->budget, now))
		log_info("%s %d after %.1f from [%s]:%u",
		    said > 0 ? "PREGREET" : "HANGUP", said,
		    (double)(now - g->since) / 1000,
		    ip_format(&g->peer.addr.ip, ip),
		    (unsigned)g->peer.addr.port);
	budget_leave(m->budget, &g->seat);
	/* What was said is dropped unread, or the reply would be. */
	if (said > 0 && budget_may_answer(m->budget, now)) {
		(void)recv(g->fd, NULL, (size_t)said,
		    MSG_TRUNC | MSG_DONTWAIT);
		turn_away(g->fd, reply);
	} else
		close(g->fd);
}

static void
attend_lobby(struct master *m, int64_t now)
{
	struct lobby_guest g;
	int said;

	for (int i = 0; i < LOBBY_BATCH; i++)
		switch (lobby_next(m->lobby, now, &g, &said)) {
		case LOBBY_NONE:
			return;
		case LOBBY_WAITED:
			start_session(m, g.fd, &g.peer, &g.seat);
			break;
		case LOBBY_SPOKE:
		case LOBBY_LEFT:
			send_away(m, &g, said, now);
			break;
		}
}

/* Nobody is greeted any more. */
static void
clear_lobby(struct master *m)
{
	struct lobby_guest g;
	int said;

	while (m->lobby != NULL && lobby_next(m->lobby, INT64_MAX, &g,
	    &said) != LOBBY_NONE) {
		budget_leave(m->budget, &g.seat);
		turn_away(g.fd, "421 4.3.2 Shutting down\r\n");
	}
}

static bool
is_lack(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS ||
	    err == ENOMEM;
}

/* False: it was sent away. */
static bool
is_welcome(struct master *m, const struct listener *l, int fd,
    struct smtpd_peer *peer)
{
	const struct conf_listen *c;

	if (l->local)
		return true;
	peer->listener = c = &m->setup->conf->listens.p[l->index];
	peer->proxied = c->proxies.nets.n > 0;
	/* What anybody else said of himself there would be believed. */
	if (!peer->proxied || conf_networks_have(&c->proxies,
	    &peer->addr.ip))
		return true;
	refuse(m, fd, peer, "554 5.7.1 Only for proxies that are known\r\n",
	    clock_boot_ms());
	return false;
}

/* Once a second one is asked for all. */
static void
ask(struct master *m, int fd)
{
	board_waited(&m->board, sock_waited(fd), clock_boot_ms());
	m->asks = false;
}

static void
accept_some(struct master *m, const struct listener *l)
{
	for (int i = 0; i < BATCH; i++) {
		struct smtpd_peer peer = { .service = l->service,
		    .local = l->local, .timeout = l->timeout };
		pid_t pid;
		int fd = sock_accept(l->fd, &peer.addr);

		if (fd < 0) {
			if (is_lack(errno))
				refuse_with_reserve(m, l->fd);
			return;
		}
		/* A session that calls here is not one of ours any more. */
		if (l->local && (sock_peer_uid(fd, &peer.uid, &pid) < 0 ||
		    peer.uid == m->setup->own)) {
			close(fd);
			continue;
		}
		if (m->asks && !l->local)
			ask(m, fd);
		if (is_welcome(m, l, fd, &peer))
			let_in(m, fd, &peer);
	}
}

/* A session's last word; it is believed as far as visit/tally says. */
static void
hear_tally(struct master *m, const struct budget_seat *seat, int status)
{
	int64_t now = clock_boot_ms();
	struct tally tally;

	if (!WIFEXITED(status) || !tally_unpack(WEXITSTATUS(status), &tally))
		return;
	budget_charge(m->budget, seat, &tally, now);
	board_hear(&m->board, &tally, now);
}

static void
reap(struct master *m)
{
	struct budget_seat seat;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (!children_remove(&m->children, pid, &seat))
			continue;
		hear_tally(m, &seat, status);
		budget_leave(m->budget, &seat);
		if (WIFSIGNALED(status))
			log_error("session %d was killed by signal %d",
			    (int)pid, WTERMSIG(status));
	}
}

static void
retire(struct master *m)
{
	if (m->retired)
		return;
	m->retired = true;
	listen_close(m->setup->listeners);
}

static void
obey_signals(struct master *m)
{
	if (signal_take(SIGCHLD))
		reap(m);
	if (signal_take(SIGUSR1))
		retire(m);
	if (signal_take(SIGTERM)) {
		retire(m);
		m->drained_at = clock_boot_ms();
		clear_lobby(m);
	}
}

/* Once a second while there is little left. */
static void
make_room(struct master *m, int64_t now)
{
	int number;

	if (!board_is_stressed(&m->board) || now - m->evicted_at < CHORES_MS)
		return;
	m->evicted_at = now;
	for (int i = 0; i < EVICTIONS && (number = eviction_next(&m->children,
	    m->budget, now)) >= 0; i++)
		board_send_away(&m->board, (uint32_t)number, true);
}

/* At most once a second, and only when somebody has come. */
static void
do_chores(struct master *m, int64_t now)
{
	uint64_t n = budget_unlogged(m->budget);

	if (n > 0)
		log_info("%llu more connections were refused",
		    (unsigned long long)n);
	alias_book_warm(m->setup->aliases);
	if (m->setup->tls != NULL)
		tls_server_turn(m->setup->tls, now);
	lists_warm(m->setup->lists);
	keep_reserve(m);
	board_look(&m->board, budget_open(m->budget), now);
	m->asks = board_wonders(&m->board, budget_open(m->budget));
	m->chores_at = now;
}

/* How long to wait; NULL: until something happens. */
static const struct timespec *
patience(const struct master *m, struct timespec *t)
{
	int ms = m->lobby == NULL ? -1 :
	    lobby_due(m->lobby, clock_boot_ms());

	if (m->drained_at != 0)
		ms = DRAIN_MS;
	if (board_is_stressed(&m->board) && (ms < 0 || ms > CHORES_MS))
		ms = CHORES_MS;
	if (ms < 0)
		return NULL;
	*t = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	return t;
}

static void
wait_and_accept(struct master *m)
{
	const struct listeners *l = m->setup->listeners;
	struct pollfd p[LISTEN_MAX + 2];
	struct timespec t;
	unsigned all = l->n;
	int64_t now;
	int n;

	for (unsigned i = 0; i < l->n; i++)
		p[i] = (struct pollfd){ .fd = l->tcp[i].fd, .events = POLLIN };
	if (m->desk >= 0)
		p[all++] = (struct pollfd){ .fd = m->desk,
		    .events = POLLIN };
	if (m->lobby != NULL)
		p[all++] = (struct pollfd){ .fd = lobby_fd(m->lobby),
		    .events = POLLIN };
	n = ppoll(p, all, patience(m, &t), signal_wait_mask());
	signal_waited(n);
	if (n < 0 && errno != EINTR)
		(void)poll(NULL, 0, PAUSE_MS);
	now = clock_boot_ms();
	if (lobby_count(m->lobby) > 0) {
		log_stamp();
		attend_lobby(m, now);
	}
	/* That stress is over is seen when nobody comes, too. */
	if (n == 0 && board_is_stressed(&m->board))
		board_look(&m->board, budget_open(m->budget), now);
	make_room(m, now);
	if (n <= 0)
		return;
	if (now - m->chores_at >= CHORES_MS)
		do_chores(m, now);
	log_stamp();
	for (unsigned i = 0; i < l->n; i++)
		if (p[i].revents != 0)
			accept_some(m, &l->tcp[i]);
	if (m->desk >= 0 && p[l->n].revents != 0)
		attend_desk(m);
}

static bool
is_over(const struct master *m)
{
	if (!m->retired)
		return false;
	if (m->children.n == 0 && lobby_count(m->lobby) == 0)
		return true;
	return m->drained_at != 0 &&
	    clock_boot_ms() - m->drained_at >= MASTER_DRAIN * 1000;
}

void
master_run(const struct master_setup *setup)
{
	struct master m = {
		.setup = setup,
		.smtpd = {
			.conf = setup->conf,
			.spool = setup->spool,
			.aliases = setup->aliases,
			.lists = setup->lists,
			.notify = setup->notify,
			.usher = setup->desk[1],
			.tray = setup->tray,
			.grey = setup->grey,
			.dns_lists = setup->conf->guest.zones.n > 0 ?
			    dnsbl_memory_new() : NULL,
			.notices = setup->board.outside,
			.tls = setup->tls,
		},
		.reserve = -1,
		.desk = setup->desk[0],
	};
	struct fault why;

	board_init(&m.board, &setup->conf->budget, setup->board.inside);
	children_init(&m.children, (size_t)setup->conf->budget.most,
	    setup->roster, setup->serial);
	m.budget = budget_new(&setup->conf->budget, setup->regulars);
	if (setup->conf->guest.wait > 0)
		m.lobby = lobby_new((int64_t)setup->conf->guest.wait * 1000);
	keep_reserve(&m);
	alias_book_warm(setup->aliases);
	if (setup->tls != NULL && tls_server_warm(setup->tls, &why) < 0)
		log_error("%s", why.text);
	lists_warm(setup->lists);
	smtpd_prepare(&m.smtpd);
	proc_fill_heap();
	proc_settle();
	for (;;) {
		obey_signals(&m);
		if (is_over(&m))
			break;
		wait_and_accept(&m);
	}
}
