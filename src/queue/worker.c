/* SPDX-License-Identifier: ISC */
/*
 * A worker's life: receive a job with its entry, prove the entry's checksum,
 * attempt the delivery, mark, log, report.
 *
 * What is final is on the disk before anyone is told (one write and one sync in
 * place), except where all that was left of an entry has just succeeded: then
 * the entry itself goes, and a mark in it would be work for nothing.  A mark
 * that could not be written is reported as a deferral: better twice than lost.
 *
 * A worker never opens anything in the spool.
 */

#include "queue/worker.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "deliver/deliver.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/sandbox.h"
#include "os/signal.h"
#include "os/sock.h"
#include "spool/slots.h"
#include "stock/mark.h"

struct worker {
	const struct conf	*conf;
	int			 sock;
	struct delivery		*delivery;
	struct job		 job;
	struct done		 done;
	struct message		 message;
	struct outcome		 outcome[JOB_RECIPIENTS_MAX];
};

static void
write_note(struct worker *w, uint32_t i)
{
	struct fault why;

	if (mark_note(&w->message, w->job.index[i], &w->outcome[i], &why) < 0)
		log_warning("%s: note: %s", w->message.super.name, why.text);
}

/* Enters every outcome; tells whether the marks must be synced and whether
 * all was well. */
static void
enter(struct worker *w, bool *must_sync, bool *all_sent)
{
	*must_sync = false;
	*all_sent = true;
	for (uint32_t i = 0; i < w->job.n; i++) {
		struct outcome *o = &w->outcome[i];
		uint32_t index = w->job.index[i];
		int64_t next = mark_enter(w->conf, &w->message, index, o);

		w->done.recipient[i].index = index;
		w->done.recipient[i].kind = o->kind;
		w->done.recipient[i].next = next;
		if (o->kind != OUTCOME_DEFERRED)
			*must_sync = true;
		if (o->kind == OUTCOME_DEFERRED || o->kind == OUTCOME_FAILED)
			*all_sent = false;
		if (slot_owes_report(&w->message.slots[index])) {
			*all_sent = false;
			w->done.owes = true;
		}
	}
	w->done.n = w->job.n;
}

/* What was delivered stays so, in the runner's memory and its journal; what
 * failed has to fail again, because its bounce is made from the mark. */
static void
unmark(struct worker *w, const struct fault *why)
{
	log_error("%s: cannot mark: %s", w->message.super.name, why->text);
	w->done.unsaved = true;
	w->done.owes = false;
	for (uint32_t i = 0; i < w->done.n; i++) {
		if (w->done.recipient[i].kind != OUTCOME_FAILED)
			continue;
		w->done.recipient[i].kind = OUTCOME_DEFERRED;
		w->done.recipient[i].next = clock_wall() +
		    (int64_t)w->conf->retry.first;
	}
}

static void
mark(struct worker *w)
{
	bool must_sync, all_sent;
	struct fault why;

	enter(w, &must_sync, &all_sent);
	if (w->job.sole && all_sent) {
		w->done.unmarked = true;
	} else {
		for (uint32_t i = 0; i < w->job.n; i++)
			write_note(w, i);
		if (slots_write(&w->message, w->job.index, w->job.n,
		    must_sync, &why) < 0)
			unmark(w, &why);
	}
	for (uint32_t i = 0; i < w->job.n; i++)
		mark_log(&w->message, w->job.index[i], &w->outcome[i]);
}

/* Its maker may still have had it open when the runner looked at it. */
static bool
is_sound(const struct worker *w)
{
	if (strcmp(w->message.super.name, w->job.name) != 0)
		return false;
	for (uint32_t i = 0; i < w->job.n; i++)
		if (w->job.index[i] >= w->message.super.recipients)
			return false;
	return true;
}

/* The entry cannot be read: damaged for good, or only for now. */
static void
report_unreadable(struct worker *w, enum message_result r,
    const struct fault *why)
{
	log_error("%s: %s", w->job.name, why->text);
	w->done.damaged = r == MESSAGE_DAMAGED;
	w->done.n = w->job.n;
	for (uint32_t i = 0; i < w->job.n; i++) {
		w->done.recipient[i].index = w->job.index[i];
		w->done.recipient[i].kind = OUTCOME_DEFERRED;
		w->done.recipient[i].next = clock_wall() +
		    (int64_t)w->conf->retry.first;
	}
}

static void
attempt(struct worker *w)
{
	struct str text;
	size_t n;

	delivery_try(w->delivery, &w->message, &w->job, w->outcome,
	    &w->done.dead);
	if (!w->done.dead)
		return;
	text = w->outcome[0].text;
	n = text.n < JOB_REASON_MAX ? text.n : JOB_REASON_MAX - 1;
	memcpy(w->done.reason, text.p, n);
}

/* A disk that does not give the content now: an attempt like any other, so
 * that the sender hears of it one day. */
static void
defer_all(struct worker *w, const struct fault *why)
{
	log_error("%s: %s", w->job.name, why->text);
	for (uint32_t i = 0; i < w->job.n; i++)
		w->outcome[i] = outcome_of_fault(&w->message.arena, why,
		    STR_NONE, STR("none"));
}

/* Woken too early: an operator flushed the queue, or the clock was set. */
static void
keep_held(struct worker *w, int64_t until)
{
	w->done.n = w->job.n;
	for (uint32_t i = 0; i < w->job.n; i++) {
		w->done.recipient[i].index = w->job.index[i];
		w->done.recipient[i].kind = OUTCOME_DEFERRED;
		w->done.recipient[i].next = until;
	}
}

/* RFC 2852 4.1.3 */
static void
refuse_late(struct worker *w)
{
	struct fault why;

	fault_permanent(&why, 554, 4, 7,
	    "not delivered in the time that the sender gave");
	for (uint32_t i = 0; i < w->job.n; i++)
		w->outcome[i] = outcome_of_fault(&w->message.arena, &why,
		    STR_NONE, STR("none"));
}

static void
work(struct worker *w, int entry)
{
	enum message_result r;
	struct fault why = { .text = "withdrawn" };

	memset(&w->done, 0, offsetof(struct done, recipient));
	memcpy(w->done.name, w->job.name, sizeof(w->done.name));
	r = message_attach(&w->message, entry, &why);
	if (w->message.fd < 0) {
		report_unreadable(w, r, &why);
		return;
	}
	if (!is_sound(w)) {
		fault_permanent(&why, 554, 3, 0,
		    "damaged entry: not what the queue knows");
		report_unreadable(w, MESSAGE_DAMAGED, &why);
		message_close(&w->message);
		return;
	}
	if (r == MESSAGE_OK && mark_held_until(&w->message) != 0) {
		keep_held(w, mark_held_until(&w->message));
		return;
	}
	if (r == MESSAGE_OK && mark_is_too_late(&w->message))
		refuse_late(w);
	else if (r == MESSAGE_OK)
		attempt(w);
	else
		defer_all(w, &why);
	mark(w);
}

/* The runner has gone or has sent us away.  What it has not removed by now it
 * never will, and the next one must not deliver it again. */
static void
mark_after_all(struct worker *w)
{
	struct stat st;
	struct fault why;

	if (w->message.fd < 0 ||
	    (fstat(w->message.fd, &st) == 0 && st.st_nlink == 0))
		return;
	if (slots_write(&w->message, w->job.index, w->job.n, true, &why) < 0)
		log_error("%s: cannot mark: %s; it will be delivered again",
		    w->message.super.name, why.text);
}

/* An entry that is to be removed without a mark stays open until the next job
 * says that it has been.  Others are closed before they are reported, for we
 * share their lock, and whoever is told may want to have it. */
static void
serve(struct worker *w)
{
	int entry;

	while (job_receive(w->sock, &w->job, &entry) == 1) {
		message_close(&w->message);
		work(w, entry);
		if (!w->done.unmarked)
			message_close(&w->message);
		if (done_send(w->sock, &w->done) < 0)
			break;
	}
	mark_after_all(w);
	message_close(&w->message);
	delivery_free(w->delivery);
}

pid_t
worker_start(const struct worker_setup *setup, int *sock, struct fault *why)
{
	struct worker w = { .conf = setup->conf, .message.fd = -1 };
	int pair[2], keep[3];
	size_t n = 0;
	pid_t pid;

	if (sock_pair(SOCK_SEQPACKET, pair, why) < 0)
		return -1;
	pid = fork();
	if (pid < 0) {
		fault_system(why, errno, "fork");
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	if (pid > 0) {
		close(pair[1]);
		*sock = pair[0];
		return pid;
	}
	/* It has entries handed to it; the spool is not for it to see. */
	if (sandbox_narrow(setup->narrow, why) < 0)
		die("%s", why->text);
	keep[n++] = pair[1];
	keep[n++] = setup->channel;
	keep[n++] = log_fd();
	proc_close_all_but(keep, n);
	signal_reset();
	signal_ignore(SIGPIPE);
	/* A drain is the runner's affair: it closes our socket. */
	signal_ignore(SIGTERM);
	log_role(setup->next->kind == NEXT_LOCAL ? "local" : "smtp");
	proc_title("godwitd: worker %.*s", STR_ARG(setup->next->key));
	w.sock = pair[1];
	w.delivery = delivery_new(setup->conf, setup->next, setup->channel);
	serve(&w);
	_exit(0);
}
