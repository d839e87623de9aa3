/* SPDX-License-Identifier: ISC */
/*
 * The doorkeeper: who alone can tell whether a password is right.
 *
 * Sessions connect to its socket, once for each attempt to log in.  The first
 * packet is a knock and brings the socket of the session's client; whose that
 * is the kernel says, not the session, and by that it is decided how long the
 * attempt has to wait (auth/slow).  Then a child is forked, which reads the
 * rest, asks the backend, answers and ends (auth/desk).  So what parses, hashes
 * and calls PAM does it for one attempt only; this process reads a knock and no
 * more, holds the table of failures and counts.
 *
 * He also keeps the book of what each login has sent (auth/spending).  A session
 * asks for each message, in one packet that is answered at once, and shows the
 * pass that its login has got with the yes: for another login it has none.
 *
 * What a stolen session can do is what its client could: it hears only its own
 * answers, and waits as long.  It is not told more than yes and no.  One behind
 * a proxy could lie about its client, as the proxy itself could.
 *
 * So many children reckon at once and no more, since hashes are dear by intent.
 * One that waits for its client has done so already and does not count: who
 * begins an exchange and falls silent keeps nobody out.
 *
 *	knocking ──SPEND──▶ answered, gone
 *	knocking ──KNOCK──▶ waiting ──its time, a free child──▶ served ──▶ gone
 *	    └──too long, no knock                └──too long a wait: WAIT
 */

#include "master/doorkeeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/desk.h"
#include "auth/sasl.h"
#include "auth/slow.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "os/sock.h"
#include "policy/checks.h"
#include "priv/door.h"

enum {
	VISITORS = 512,			/* at once; others wait in the queue */
	CHILDREN = 32,			/* that reckon */
	KNOCK_MS = 5000,		/* to knock in */
	PATIENCE_MS = 8000,		/* longer waits are refused */
	TRUSTED_MS = 2000,		/* the longest for one of ours */
	ATTEMPT_SECONDS = 60,		/* of one attempt */
	ATTEMPT_CPU = 20,
};

enum state { STATE_FREE, STATE_KNOCKING, STATE_WAITING, STATE_SERVED };

struct visitor {
	enum state	state;
	int		fd;
	int		told;		/* where its child tells the result; -1:
					 * it has */
	bool		talking;	/* its child waits for the client */
	pid_t		pid;
	int64_t		until;		/* knock by then; begin then */
	struct ip	client, server;
	bool		reported;	/* client is not who has connected */
};

struct doorkeeper {
	const struct conf	*conf;
	struct backend		*backend;
	struct slow		*slow;
	struct spending		*spending;
	struct spending_key	 key;
	int			 listener;	/* -1: no more */
	unsigned		 children;	/* that reckon */
	struct visitor		 visitors[VISITORS];
};

static void
dismiss(struct visitor *v)
{
	close(v->fd);
	if (v->told >= 0)
		close(v->told);
	memset(v, 0, sizeof(*v));
}

static struct visitor *
find_free(struct doorkeeper *d)
{
	for (int i = 0; i < VISITORS; i++)
		if (d->visitors[i].state == STATE_FREE)
			return &d->visitors[i];
	return NULL;
}

static void
let_in(struct doorkeeper *d, int64_t now)
{
	struct sock_addr nobody;
	struct visitor *v = find_free(d);
	int fd = v == NULL ? -1 : sock_accept(d->listener, &nobody);

	if (fd < 0)
		return;
	*v = (struct visitor){ .state = STATE_KNOCKING, .fd = fd, .told = -1,
	    .until = now + KNOCK_MS };
}

/* May who connects from there say for whom? */
static bool
may_report(const struct conf *conf, const struct ip *ip)
{
	const struct conf_networks *n = &conf->session.xclient;

	for (size_t i = 0; i < n->nets.n; i++)
		if (ipnet_has(&n->nets.p[i], ip))
			return true;
	for (size_t i = 0; i < conf->listens.n; i++) {
		n = &conf->listens.p[i].proxies;
		for (size_t k = 0; k < n->nets.n; k++)
			if (ipnet_has(&n->nets.p[k], ip))
				return true;
	}
	return false;
}

/* Whom he speaks for, who may; one of whom nothing is known is counted as the
 * proxy. */
static bool
hear_report(const struct conf *conf, struct str told, struct visitor *v)
{
	struct ip ip;

	if (told.n == 0)
		return true;
	if (!may_report(conf, &v->client))
		return false;
	v->reported = true;
	if (ip_parse(told, &ip))
		v->client = ip;
	return true;
}

/*
 * Whose socket is it?  A local one has a user in the place of an address, and
 * is taken only where everything runs as one user: a session could make one
 * of its own.
 */
static bool
look_at(int sock, struct visitor *v)
{
	struct sock_addr peer, own;
	uid_t uid, session;

	if (sock_peer(sock, &peer) < 0 || sock_local(sock, &own) < 0)
		return false;
	v->client = peer.ip;
	v->server = own.ip;
	if (peer.ip.family != 0)
		return true;
	if (sock_peer_uid(v->fd, &session, NULL) < 0 || session != getuid() ||
	    sock_peer_uid(sock, &uid, NULL) < 0)
		return false;
	memcpy(v->client.b, &uid, sizeof(uid));
	return true;
}

static bool
is_trusted(const struct doorkeeper *d, const struct visitor *v)
{
	const struct facts facts = { .client_ip = v->client,
	    .local = v->client.family == 0, .reported = v->reported };

	return checks_may_relay(d->conf, &facts);
}

static void
send_away(struct visitor *v, int64_t wait)
{
	char seconds[24];
	int n = snprintf(seconds, sizeof(seconds), "%lld",
	    (long long)((wait + 999) / 1000));
	struct door_packet p = { .kind = DOOR_WAIT,
	    .field = { str_span(seconds, (size_t)n) } };

	(void)door_send(v->fd, &p, -1);
	dismiss(v);
}

static void
settle(struct doorkeeper *d, struct visitor *v, bool failed, int64_t now)
{
	slow_end(d->slow, &v->client, failed, now);
	close(v->told);
	v->told = -1;
}

static void
stop_counting(struct doorkeeper *d, struct visitor *v)
{
	if (!v->talking)
		d->children--;
	v->talking = true;
}

/* What a child has told.  It tells before it answers: whoever knocks again has
 * been counted. */
static void
hear_child(struct doorkeeper *d, struct visitor *v, int64_t now)
{
	char byte;

	while (v->state == STATE_SERVED && v->told >= 0 &&
	    read(v->told, &byte, 1) == 1) {
		if (byte == DESK_TALKING)
			stop_counting(d, v);
		else
			settle(d, v, byte == DESK_NO, now);
	}
}

/* A message that somebody wants to send who has logged in. */
static void
weigh(struct doorkeeper *d, const struct visitor *v,
    const struct door_packet *asked, int64_t now)
{
	struct spending_wish w = { asked->field[0], asked->field[1],
	    asked->field[3], asked->field[2].n != 4 ? 0 :
	    bytes_get_le32((const uint8_t *)asked->field[2].p) };
	struct buf why = { 0 };
	struct door_packet p = { .kind = DOOR_WITHIN };
	bool tell;

	if (!sasl_is_name(w.login))
		return;
	switch (spending_take(d->spending, &d->conf->login.allowance, &w, now,
	    &why, &tell)) {
	case SPENDING_WITHIN:
		break;
	case SPENDING_OVER:
		p.kind = DOOR_OVER;
		p.flags = tell ? DOOR_FIRST : 0;
		break;
	case SPENDING_FAR_OVER:
		p.kind = DOOR_LATER;
		break;
	case SPENDING_FALSE:
		log_warning("a session wanted to spend what is not its own");
		return;
	}
	if (p.kind != DOOR_WITHIN && tell)
		log_warning("login %.*s is over its budget: %s; what it sends "
		    "now is held", STR_ARG(w.login), buf_cstr(&why));
	p.field[0] = buf_str(&why);
	(void)door_send(v->fd, &p, -1);
	buf_free(&why);
}

/* How long has this client to wait?  A wait that is too long is told. */
static void
seat(struct doorkeeper *d, struct visitor *v, int64_t now)
{
	int64_t wait;

	for (int i = 0; i < VISITORS; i++)
		hear_child(d, &d->visitors[i], now);
	wait = slow_wait(d->slow, &v->client, now);
	if (wait > TRUSTED_MS && is_trusted(d, v))
		wait = TRUSTED_MS;
	if (wait > PATIENCE_MS) {
		send_away(v, wait);
		return;
	}
	v->state = STATE_WAITING;
	v->until = now + wait;
	slow_begin(d->slow, &v->client, v->until);
}

static void
hear_knock(struct doorkeeper *d, struct visitor *v, int64_t now)
{
	char room[DOOR_PACKET_MAX];
	struct door_packet p;
	int sock = -1;
	bool heard, good;

	heard = door_receive(v->fd, room, &p, &sock) == 0;
	good = heard && p.kind == DOOR_KNOCK && look_at(sock, v) &&
	    hear_report(d->conf, p.field[0], v);
	if (sock >= 0)
		sock_forget(sock);
	if (good) {
		seat(d, v, now);
		return;
	}
	if (heard && p.kind == DOOR_SPEND)
		weigh(d, v, &p, now);
	dismiss(v);
}

/* The child: one attempt, and nobody else's socket. */
static void
serve(struct doorkeeper *d, const struct visitor *v, int tell)
{
	int keep[] = { v->fd, tell, log_fd() };

	signal_reset();
	signal_ignore(SIGPIPE);
	proc_close_all_but(keep, 3);
	proc_limit_cpu(ATTEMPT_CPU, ATTEMPT_CPU);
	(void)alarm(ATTEMPT_SECONDS);
	_exit((int)desk_serve(d->backend, v->fd, tell, &v->client,
	    &v->server, &d->key));
}

static void
start(struct doorkeeper *d, struct visitor *v)
{
	int tell[2] = { -1, -1 };
	pid_t pid = pipe2(tell, O_CLOEXEC | O_NONBLOCK) < 0 ? -1 : fork();

	if (pid == 0)
		serve(d, v, tell[1]);
	v->told = tell[0];
	if (tell[1] >= 0)
		close(tell[1]);
	if (pid < 0) {
		log_warning("fork: %s", strerror(errno));
		slow_end(d->slow, &v->client, false, clock_boot_ms());
		dismiss(v);
		return;
	}
	v->state = STATE_SERVED;
	v->pid = pid;
	d->children++;
}

/* A child that was killed, by its session or by its own fault, may have been
 * made to die before it could say no; one whose client fell silent was. */
static void
bury(struct doorkeeper *d, struct visitor *v, int status, int64_t now)
{
	hear_child(d, v, now);
	if (v->told >= 0)
		settle(d, v, !WIFEXITED(status), now);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM)
		log_warning("an attempt to log in was ended by signal %d",
		    WTERMSIG(status));
	stop_counting(d, v);
	dismiss(v);
}

static void
reap(struct doorkeeper *d)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < VISITORS; i++) {
			struct visitor *v = &d->visitors[i];

			if (v->state != STATE_SERVED || v->pid != pid)
				continue;
			bury(d, v, status, clock_boot_ms());
		}
	}
}

/* Those whose time has come; returns milliseconds until the next one's. */
static int64_t
look_round(struct doorkeeper *d, int64_t now)
{
	int64_t next = -1;

	for (int i = 0; i < VISITORS; i++) {
		struct visitor *v = &d->visitors[i];
		int64_t left = v->until - now;

		if (v->state != STATE_KNOCKING && v->state != STATE_WAITING)
			continue;
		if (left > 0) {
			if (next < 0 || left < next)
				next = left;
		} else if (v->state == STATE_KNOCKING) {
			dismiss(v);
		} else if (d->children < CHILDREN) {
			start(d, v);
		}
	}
	return next;
}

/* From whom a word may come; -1: from nobody. */
static int
word_of(const struct visitor *v)
{
	switch (v->state) {
	case STATE_KNOCKING:
		return v->fd;
	case STATE_SERVED:
		return v->talking ? -1 : v->told;
	case STATE_FREE:
	case STATE_WAITING:
		break;
	}
	return -1;
}

static void
wait_and_hear(struct doorkeeper *d, int64_t next)
{
	struct pollfd p[VISITORS + 1];
	struct visitor *of[VISITORS + 1];
	struct timespec t = { next / 1000, next % 1000 * 1000000 };
	nfds_t n = 0;
	int64_t now;

	for (int i = 0; i < VISITORS; i++) {
		if (word_of(&d->visitors[i]) < 0)
			continue;
		of[n] = &d->visitors[i];
		p[n] = (struct pollfd){ .fd = word_of(of[n]),
		    .events = POLLIN };
		n++;
	}
	if (d->listener >= 0 && find_free(d) != NULL) {
		of[n] = NULL;
		p[n++] = (struct pollfd){ .fd = d->listener,
		    .events = POLLIN };
	}
	if (ppoll(p, n, next < 0 ? NULL : &t, signal_wait_mask()) <= 0)
		return;
	now = clock_boot_ms();
	for (nfds_t i = 0; i < n; i++) {
		if (p[i].revents == 0)
			continue;
		if (of[i] == NULL)
			let_in(d, now);
		else if (of[i]->state == STATE_KNOCKING)
			hear_knock(d, of[i], now);
		else
			hear_child(d, of[i], now);
	}
}

static bool
is_over(const struct doorkeeper *d)
{
	if (d->listener >= 0)
		return false;
	for (int i = 0; i < VISITORS; i++)
		if (d->visitors[i].state != STATE_FREE)
			return false;
	return true;
}

void
doorkeeper_run(const struct conf *conf, struct backend *backend,
    struct spending *spending, int listener)
{
	struct doorkeeper d = { .conf = conf, .backend = backend,
	    .slow = slow_new(), .spending = spending,
	    .key = spending_key(spending), .listener = listener };

	for (;;) {
		if (signal_take(SIGCHLD))
			reap(&d);
		if (signal_take(SIGTERM) && d.listener >= 0) {
			close(d.listener);
			d.listener = -1;
		}
		if (is_over(&d))
			break;
		wait_and_hear(&d, look_round(&d, clock_boot_ms()));
	}
	slow_free(d.slow);
}
