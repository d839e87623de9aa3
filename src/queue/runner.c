/* SPDX-License-Identifier: ISC */
/*
 * The runner's loop: what is due becomes ready, what is ready goes to workers,
 * and then one wait for everything that can happen: a word from a session, a
 * worker that is done, a question about the queue, a file in drop, a signal,
 * or time.
 *
 * At start and then again and again it walks over the whole spool, in steps
 * between which fresh mail is served (stock/survey).  It holds no state that the
 * next runner could not find on the disk.
 *
 * With no workers configured it keeps all mail and looks at none of it.
 */

#include "queue/runner.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "os/sock.h"
#include "queue/crew.h"
#include "queue/inquiry.h"
#include "queue/notes.h"
#include "queue/pickup.h"
#include "stock/survey.h"

enum {
	OTHERS = 4,			/* descriptors beside the workers' */
	POLL_MAX = CREW_FDS_MAX + OTHERS,
	AGAIN_MS = 1000,		/* after a fork that failed */
};

struct runner {
	const struct runner_setup	*setup;
	struct stock			 stock;
	struct crew			 crew;
	struct asides			 asides;
	pid_t				 pickup;	/* or 0 */
	bool				 pickup_again;
	int				 own[2];	/* notes of our children:
							 * they write [0] */
	struct survey			 survey;
	bool				 draining;
	int				 watch;		/* of drop/, or -1 */
};

/* In a child, one at a time. */
static void
pick_up(struct runner *r)
{
	struct pickup p = { r->setup->conf, r->setup->spool, r->stock.book,
	    r->own[0] };
	pid_t pid;

	if (r->pickup != 0 || aside_is_full(&r->asides)) {
		r->pickup_again = true;
		return;
	}
	r->pickup_again = false;
	pid = aside_start(&r->asides, 0, r->setup->spool, "pickup", r->own,
	    1);
	if (pid == 0) {
		pickup_run(&p);
		_exit(0);
	}
	r->pickup = pid > 0 ? pid : 0;
	r->pickup_again = pid < 0;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* How long to wait; NULL: until something happens. */
static struct timespec *
patience(const struct runner *r, struct timespec *t)
{
	int64_t ms = stock_patience(&r->stock, r->draining);

	ms = earlier(ms, crew_patience(&r->crew));
	/* Nobody looks around while it drains. */
	if (!r->draining)
		ms = earlier(ms, survey_patience(&r->survey));
	if (r->pickup_again && !r->draining)
		ms = earlier(ms, AGAIN_MS);
	if (r->crew.unfinished && !r->draining)
		ms = 0;
	if (ms < 0)
		return NULL;
	*t = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	return t;
}

static void
wait_and_hear(struct runner *r)
{
	const struct notes notes = { r->setup, &r->stock, &r->asides,
	    r->own[0] };
	struct pollfd p[POLL_MAX];
	void *who[POLL_MAX];
	struct timespec t;
	size_t n;
	int ready;

	p[0] = (struct pollfd){ .fd = r->draining ? -1 : r->setup->notify,
	    .events = POLLIN };
	p[1] = (struct pollfd){ .fd = r->draining ||
	    aside_is_full(&r->asides) ? -1 : r->setup->queue_sock,
	    .events = POLLIN };
	p[2] = (struct pollfd){ .fd = r->draining ? -1 : r->watch,
	    .events = POLLIN };
	p[3] = (struct pollfd){ .fd = r->draining ? -1 : r->own[1],
	    .events = POLLIN };
	n = OTHERS + crew_poll_set(&r->crew, p + OTHERS, who + OTHERS,
	    POLL_MAX - OTHERS);
	ready = ppoll(p, n, patience(r, &t), signal_wait_mask());
	signal_waited(ready);
	if (ready <= 0)
		return;
	for (size_t i = OTHERS; i < n; i++)
		if (p[i].revents != 0)
			crew_hear(&r->crew, who[i]);
	if (p[0].revents != 0)
		notes_hear(&notes, r->setup->notify, false);
	if (p[1].revents != 0)
		inquiry_hear(&r->asides, &r->stock, r->setup->queue_sock,
		    r->own[0], r->setup->sessions);
	if (p[2].revents != 0) {
		pickup_heard(r->watch);
		pick_up(r);
	}
	if (p[3].revents != 0)
		notes_hear(&notes, r->own[1], true);
}

/* For what nobody has told us, or what was told and not heard. */
static void
look_around(struct runner *r)
{
	if (survey_start_due(&r->survey))
		pick_up(r);
	survey_step(&r->survey);
}

static void
obey_signals(struct runner *r)
{
	pid_t pid;

	if (signal_take(SIGCHLD))
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
			(void)aside_ended(&r->asides, pid);
			if (pid == r->pickup)
				r->pickup = 0;
		}
	if (signal_take(SIGTERM) && !r->draining) {
		r->draining = true;
		crew_drain(&r->crew);
		r->stock.draining = true;
		stock_let_go(&r->stock);
		survey_end(&r->survey);
	}
}

static void
turn(struct runner *r)
{
	obey_signals(r);
	if (!r->draining) {
		look_around(r);
		if (r->pickup_again && r->pickup == 0)
			pick_up(r);
		stock_wake(&r->stock);
		crew_dispatch(&r->crew);
	}
	crew_dismiss_idle(&r->crew);
	stock_sync_removals(&r->stock);
}

void
runner_run(const struct runner_setup *setup)
{
	struct runner r = { .setup = setup };
	struct alias_book *book = alias_book_new(setup->conf);
	struct fault why;

	stock_init(&r.stock, setup->conf, setup->spool, book);
	crew_init(&r.crew, setup->conf, &r.stock, setup->channel,
	    setup->narrow);
	survey_init(&r.survey, &r.stock);
	if (sock_pair(SOCK_DGRAM, r.own, &why) < 0)
		die("%s", why.text);
	r.watch = pickup_watch(setup->conf->spool.p);
	proc_settle();
	for (;;) {
		turn(&r);
		if (r.draining && crew_is_empty(&r.crew))
			break;
		wait_and_hear(&r);
	}
	r.stock.removed_at -= r.stock.removed_at != 0 ? 1000 : 0;
	stock_sync_removals(&r.stock);
	alias_book_free(book);
}
