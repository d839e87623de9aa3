/* SPDX-License-Identifier: ISC */
/*
 * The doorkeeper: who alone can tell whether a password is right.
 *
 * Sessions connect to its socket, once for each attempt to log in.  The first
 * packet is a knock; whose session that is the kernel and the masters say
 * (doorkeeper/caller), and by that it is decided how long the attempt has to wait
 * (auth/slow).  Then a child is forked, which reads the rest, asks the backend,
 * answers and ends (auth/desk).  So what parses and hashes does it for one
 * attempt only; this process reads a knock and no more, holds the table of
 * failures and counts.  Where PAM is asked, another one does it (doorkeeper/prover).
 *
 * He also keeps the book of what each login has sent: a session asks for each
 * message and is answered at once (doorkeeper/cashier).
 *
 * A stolen session can do what its client could: it hears only its own answers,
 * waits as long, and is told yes or no.
 *
 * So many children reckon at once and no more, since hashes are dear by intent;
 * where they are all taken, who has waited for longest is the next.
 * One that waits for its client has done so and does not count; it keeps its
 * seat for as long as auth/desk has patience.  When all seats are taken, who has
 * been silent for longest gives his to the next.  Some places no attempt gets:
 * they are for those who have just come, one for a process, and again the one who
 * has said nothing for longest makes room.
 *
 *	knocking ──SPEND──▶ sought ──known──▶ answered, gone
 *	knocking ──KNOCK──▶ sought ──known──▶ waiting ──its time, a free
 *	    │                  │                 │      child──▶ served ──▶ gone
 *	    │                  │                 └──too long a wait: WAIT
 *	    └──too long        └──too long: LATER
 */

#include "doorkeeper/doorkeeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/desk.h"
#include "auth/slow.h"
#include "base/text.h"
#include "doorkeeper/caller.h"
#include "doorkeeper/cashier.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "policy/checks.h"
#include "priv/door.h"

enum {
	VISITORS = 512,			/* at once */
	ATTEMPTS = 448,			/* of them; the rest is for knocks and
					 * for who asks what he may send */
	CLIENT_ATTEMPTS = 112,		/* from one address */
	NETWORK_ATTEMPTS = 224,
	CHILDREN = 32,			/* that reckon */
	KNOCK_MS = 5000,		/* to knock in */
	SEEK_MS = 20,			/* between looks for who is unknown */
	PATIENCE_MS = 8000,		/* longer waits are refused */
	TRUSTED_MS = 2000,		/* the longest for one of ours */
	ATTEMPT_SECONDS = 60,		/* of one attempt */
	ATTEMPT_CPU = 20,
};

enum state { STATE_FREE, STATE_KNOCKING, STATE_SOUGHT, STATE_WAITING,
	    STATE_SERVED };

struct visitor {
	enum state	state;
	int		fd;
	int		told;		/* where its child tells the result; -1:
					 * it has */
	bool		talking;	/* its child waits for the client, */
	int64_t		since;		/* and has since */
	int64_t		sought;		/* when its master was last looked for */
	bool		ended;		/* has lost its seat */
	bool		unread;		/* sought before its word was read */
	pid_t		pid;
	int64_t		until;		/* knock by then, be known by then;
					 * begin then */
	struct caller	caller;
};

struct doorkeeper {
	const struct conf	*conf;
	struct backend		*backend;
	struct slow		*slow;
	struct spending		*spending;
	const struct rosters	*rosters;
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

/* It has no seat, and holds only its place before the door. */
static bool
is_outside(const struct visitor *v)
{
	switch (v->state) {
	case STATE_KNOCKING:
	case STATE_SOUGHT:
		return true;
	case STATE_FREE:
	case STATE_WAITING:
	case STATE_SERVED:
		break;
	}
	return false;
}

static bool
is_seated(const struct visitor *v)
{
	return v->state != STATE_FREE && !is_outside(v) && !v->ended;
}

static struct visitor *
find_free(struct doorkeeper *d)
{
	for (int i = 0; i < VISITORS; i++)
		if (d->visitors[i].state == STATE_FREE)
			return &d->visitors[i];
	return NULL;
}

/* Who has connected and not yet said why, for longest: he makes room. */
static struct visitor *
find_silent(struct doorkeeper *d)
{
	struct visitor *found = NULL;

	for (int i = 0; i < VISITORS; i++) {
		struct visitor *v = &d->visitors[i];

		if (is_outside(v) && (found == NULL ||
		    v->until < found->until))
			found = v;
	}
	return found;
}

/* A process has one question at a time, and one that could not be heard yet. */
static void
drop_former(struct doorkeeper *d, pid_t session, bool unread)
{
	for (int i = 0; i < VISITORS; i++)
		if (is_outside(&d->visitors[i]) &&
		    d->visitors[i].unread == unread &&
		    d->visitors[i].caller.session == session)
			dismiss(&d->visitors[i]);
}

static void
let_in(struct doorkeeper *d, int64_t now)
{
	struct sock_addr nobody;
	struct visitor *v, new = { .state = STATE_KNOCKING, .told = -1,
	    .until = now + KNOCK_MS };

	if ((new.fd = sock_accept(d->listener, &nobody)) < 0)
		return;
	if (!caller_meet(&new.caller, new.fd)) {
		close(new.fd);
		return;
	}
	drop_former(d, new.caller.session, false);
	if ((v = find_free(d)) == NULL && (v = find_silent(d)) != NULL)
		dismiss(v);
	if (v == NULL)
		close(new.fd);
	else
		*v = new;
}

static bool
is_trusted(const struct doorkeeper *d, const struct visitor *v)
{
	const struct ip *ip = &v->caller.client;
	const struct facts facts = { .client_ip = *ip,
	    .local = ip->family == 0, .reported = v->caller.reported };

	return checks_may_relay(d->conf, &facts);
}

static void
put_off(struct visitor *v, const char *why)
{
	struct door_packet p = { .kind = DOOR_LATER, .field = { str_of(why) } };

	(void)door_send(v->fd, &p);
}

static void
send_away(struct visitor *v, int64_t wait)
{
	char seconds[24];
	size_t n = text_print(seconds, sizeof(seconds), "%lld",
	    (long long)((wait + 999) / 1000));
	struct door_packet p = { .kind = DOOR_WAIT,
	    .field = { str_span(seconds, n) } };

	(void)door_send(v->fd, &p);
	dismiss(v);
}

static void
settle(struct doorkeeper *d, struct visitor *v, bool failed, int64_t now)
{
	slow_end(d->slow, &v->caller.client, failed, now);
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
		if (byte == DESK_TALKING) {
			stop_counting(d, v);
			v->since = now;
		} else
			settle(d, v, byte == DESK_NO, now);
	}
}

/* Ends an exchange whose seat is wanted; that is not the client's failure. */
static void
interrupt(struct doorkeeper *d, struct visitor *v, int64_t now)
{
	put_off(v, "too many at once");
	(void)shutdown(v->fd, SHUT_RDWR);
	if (v->told >= 0)
		settle(d, v, false, now);
	v->ended = true;
}

static bool
may_yield(const struct visitor *v, enum state state)
{
	return is_seated(v) && v->state == state &&
	    (v->state != STATE_SERVED || v->talking);
}

/* Whose client has been silent for longest; or, of those who wait, who has to
 * for longest.  NULL: there is none. */
static struct visitor *
find_yielding(struct doorkeeper *d, enum state state)
{
	struct visitor *found = NULL;

	for (int i = 0; i < VISITORS; i++) {
		struct visitor *v = &d->visitors[i];

		if (may_yield(v, state) && (found == NULL ||
		    (state == STATE_SERVED ? v->since < found->since :
		    v->until > found->until)))
			found = v;
	}
	return found;
}

/* A seat for one who may begin at that time; false: there is none for him. */
static bool
make_seat(struct doorkeeper *d, int64_t begin, int64_t now)
{
	struct visitor *v;
	int seated = 0;

	for (int i = 0; i < VISITORS; i++)
		seated += is_seated(&d->visitors[i]);
	if (seated < ATTEMPTS)
		return true;
	v = begin > now ? NULL : find_yielding(d, STATE_SERVED);
	if (v != NULL) {
		interrupt(d, v, now);
		return true;
	}
	v = find_yielding(d, STATE_WAITING);
	if (v == NULL || v->until <= begin)
		return false;
	slow_end(d->slow, &v->caller.client, false, now);
	send_away(v, v->until - now);
	return true;
}

/* How long has this client to wait?  A wait that is too long is told. */
static void
seat(struct doorkeeper *d, struct visitor *v, int64_t now)
{
	const struct ip *ip = &v->caller.client;
	int64_t wait;

	for (int i = 0; i < VISITORS; i++)
		hear_child(d, &d->visitors[i], now);
	wait = slow_wait(d->slow, ip, now);
	if (wait > TRUSTED_MS && is_trusted(d, v))
		wait = TRUSTED_MS;
	if (wait > PATIENCE_MS) {
		send_away(v, wait);
		return;
	}
	if (!slow_has_room(d->slow, ip, CLIENT_ATTEMPTS, NETWORK_ATTEMPTS) ||
	    !make_seat(d, now + wait, now)) {
		put_off(v, "too many at once");
		dismiss(v);
		return;
	}
	v->state = STATE_WAITING;
	v->until = now + wait;
	slow_begin(d->slow, ip, v->until);
}

/* Whom does it come for?  Its master may not have come to write that down. */
static void
recognise(struct doorkeeper *d, struct visitor *v, int64_t now)
{
	switch (caller_find(&v->caller, v->fd, d->conf, d->rosters)) {
	case CALLER_KNOWN:
		seat(d, v, now);
		break;
	case CALLER_UNKNOWN:
		v->state = STATE_SOUGHT;
		v->sought = now;
		if (now < v->until)
			break;
		log_warning("nobody knows whose connection session %d has",
		    (int)v->caller.session);
		put_off(v, "nobody knows whose session that is");
		dismiss(v);
		break;
	case CALLER_FALSE:
		dismiss(v);
		break;
	}
}

/* By a pass, which is looked at, or as one who is believed without. */
static bool
may_spend(const struct doorkeeper *d, const struct visitor *v, int sock,
    struct str pass)
{
	return pass.n > 0 || caller_may_prove(&v->caller, sock, d->conf,
	    d->rosters);
}

/* Who tells of a login without a pass cannot be heard while a master may be about
 * to write down whose he is. */
static bool
has_to_wait(const struct doorkeeper *d, const struct visitor *v, int64_t now)
{
	char room[DOOR_PACKET_MAX];
	struct door_packet p;

	return now < v->until && !caller_is_settled(&v->caller, d->rosters) &&
	    door_look(v->fd, room, &p) == 0 &&
	    (p.kind == DOOR_SPEND || p.kind == DOOR_REPORTED) &&
	    p.field[1].n == 0;
}

/* What it says lies where it is until then. */
static void
let_wait(struct doorkeeper *d, struct visitor *v, int64_t now)
{
	if (!v->unread)
		drop_former(d, v->caller.session, true);
	v->unread = true;
	v->state = STATE_SOUGHT;
	v->sought = now;
}

static void
hear_knock(struct doorkeeper *d, struct visitor *v, int64_t now)
{
	char room[DOOR_PACKET_MAX];
	struct door_packet p;
	bool heard;

	if (has_to_wait(d, v, now)) {
		let_wait(d, v, now);
		return;
	}
	v->unread = false;
	heard = door_receive(v->fd, room, &p) == 0;
	if (heard && p.kind == DOOR_KNOCK) {
		caller_hear(&v->caller, &p);
		recognise(d, v, now);
		return;
	}
	if (heard && p.kind == DOOR_SPEND)
		cashier_answer(d->spending, &d->conf->login.allowance, v->fd,
		    &p, may_spend(d, v, v->fd, p.field[1]), now);
	else if (heard && p.kind == DOOR_REPORTED)
		cashier_hear(d->spending, &p, may_spend(d, v, -1, p.field[1]),
		    now);
	dismiss(v);
}

/* The child: one attempt, and nobody else's socket. */
static void
serve(struct doorkeeper *d, const struct visitor *v, int tell)
{
	int keep[] = { v->fd, tell, log_fd(), d->backend->prover };

	signal_reset();
	signal_ignore(SIGPIPE);
	proc_close_all_but(keep, d->backend->prover < 0 ? 3 : 4);
	proc_limit_cpu(ATTEMPT_CPU, ATTEMPT_CPU);
	(void)alarm(ATTEMPT_SECONDS);
	_exit((int)desk_serve(d->backend, v->fd, tell, &v->caller.client,
	    &v->caller.server, &d->key));
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
		slow_end(d->slow, &v->caller.client, false, clock_boot_ms());
		dismiss(v);
		return;
	}
	v->state = STATE_SERVED;
	v->pid = pid;
	d->children++;
}

/* A child that was killed, by its session or by its own fault, may have been
 * made to die before it could say no.  One whose time was over waits for its
 * client if it is talking; else it waited for the backend. */
static bool
has_failed(const struct visitor *v, int status)
{
	return WIFSIGNALED(status) &&
	    (WTERMSIG(status) != SIGALRM || v->talking);
}

static void
bury(struct doorkeeper *d, struct visitor *v, int status, int64_t now)
{
	hear_child(d, v, now);
	if (v->told >= 0)
		settle(d, v, has_failed(v, status), now);
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
		if (pid == d->backend->prover_pid) {
			log_error("who asks PAM has died");
			_exit(1);
		}
		for (int i = 0; i < VISITORS; i++) {
			struct visitor *v = &d->visitors[i];

			if (v->state != STATE_SERVED || v->pid != pid)
				continue;
			bury(d, v, status, clock_boot_ms());
		}
	}
}

/* Its time has come. */
static void
call_up(struct doorkeeper *d, struct visitor *v, int64_t now)
{
	switch (v->state) {
	case STATE_KNOCKING:
		dismiss(v);
		break;
	case STATE_SOUGHT:
		if (v->unread)
			hear_knock(d, v, now);
		else
			recognise(d, v, now);
		break;
	case STATE_WAITING:
	case STATE_FREE:
	case STATE_SERVED:
		break;
	}
}

/* Of those who may begin, who has been able to for longest; or NULL. */
static struct visitor *
find_due(struct doorkeeper *d, int64_t now)
{
	struct visitor *found = NULL;

	for (int i = 0; i < VISITORS; i++) {
		struct visitor *v = &d->visitors[i];

		if (v->state == STATE_WAITING && v->until <= now &&
		    (found == NULL || v->until < found->until))
			found = v;
	}
	return found;
}

/* Milliseconds until something is to be done for him; -1: never. */
static int64_t
time_left(const struct visitor *v, int64_t now)
{
	switch (v->state) {
	case STATE_KNOCKING:
	case STATE_WAITING:
		return v->until > now ? v->until - now : 0;
	case STATE_SOUGHT:
		return v->sought + SEEK_MS > now ? v->sought + SEEK_MS - now :
		    0;
	case STATE_FREE:
	case STATE_SERVED:
		break;
	}
	return -1;
}

/* Those whose time has come; returns milliseconds until the next one's. */
static int64_t
look_round(struct doorkeeper *d, int64_t now)
{
	struct visitor *due;
	int64_t left, next = -1;

	for (int i = 0; i < VISITORS; i++)
		if (time_left(&d->visitors[i], now) == 0)
			call_up(d, &d->visitors[i], now);
	while (d->children < CHILDREN && (due = find_due(d, now)) != NULL)
		start(d, due);
	for (int i = 0; i < VISITORS; i++) {
		left = time_left(&d->visitors[i], now);
		/* Who waits for a free child is called by its end. */
		if (left > 0 && (next < 0 || left < next))
			next = left;
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
		return v->told;
	case STATE_FREE:
	case STATE_SOUGHT:
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
	if (d->listener >= 0 && (find_free(d) != NULL ||
	    find_silent(d) != NULL)) {
		of[n] = NULL;
		p[n++] = (struct pollfd){ .fd = d->listener,
		    .events = POLLIN };
	}
	if (ppoll(p, n, next < 0 ? NULL : &t, signal_wait_mask()) <= 0)
		return;
	/* The end of a child that has told nothing is readable until it is
	 * buried. */
	signal_let_in();
	now = clock_boot_ms();
	for (nfds_t i = 0; i < n; i++) {
		if (p[i].revents == 0)
			continue;
		if (of[i] == NULL)
			let_in(d, now);
		else if (word_of(of[i]) != p[i].fd)
			continue;	/* has gone since */
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
    struct spending *spending, const struct rosters *rosters,
    void *failures, int listener)
{
	struct doorkeeper d = { .conf = conf, .backend = backend,
	    .slow = slow_new(failures), .spending = spending, .rosters = rosters,
	    .key = spending_key(spending), .listener = listener };

	proc_settle();
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
