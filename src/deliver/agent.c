/* SPDX-License-Identifier: ISC */
/*
 * The process that delivers as a recipient.  The warden forked it and made it
 * the user; a worker, who runs as somebody else, hands it one entry after the
 * other, each with its open descriptor, and gets an outcome for each.
 *
 * An agent can do what its user can, no more, and sees no part of the queue
 * but the entry that it was handed.  The content is proved by its checksum
 * here again.  Whatever is wrong with the entry itself is only a temporary
 * fault: to set it aside is up to those who own the queue.
 *
 * The entry is closed before the answer is sent, so that the lock on it,
 * which the descriptor shares, is not held by us when the worker goes on.
 *
 * It ends when the socket ends, or when it is handed something malformed.  It
 * writes no log; what there is to be told is in the outcome.
 */
#include "deliver/agent.h"

#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "deliver/hand.h"
#include "deliver/place.h"
#include "mail/header.h"
#include "os/proc.h"
#include "os/signal.h"
#include "spool/message.h"

#define PATIENCE_MS	(30 * 1000)	/* with the locks of a mailbox */

struct agent {
	const struct conf	*conf;
	const struct user	*user;
	struct arena		 arena;		/* of one delivery */
	struct place_kept	 kept;
};

static void
prepare(const struct user *user)
{
	struct arena a = { 0 };
	const char *home = arena_str(&a, user->home).p;

	signal_ignore(SIGPIPE);
	signal_ignore(SIGXFSZ);
	signal_default(SIGCHLD);
	proc_null_stdio(false);
	umask(077);
	if ((user->home.n == 0 || chdir(home) < 0) && chdir("/") < 0)
		die("the root directory cannot be entered");
	arena_free(&a);
}

/* The descriptor is closed if this fails. */
static int
read_entry(struct message *m, int entry, const struct hand *h,
    struct fault *why)
{
	enum message_result r;

	fault_clear(why);
	r = message_attach(m, entry, why);
	if (r != MESSAGE_OK)
		return fault_temporary(why, 451, 3, 0, "%s",
		    why->kind != FAULT_NONE ? why->text :
		    "the entry was withdrawn");
	if (strcmp(m->super.name, h->name) == 0 &&
	    h->index < m->super.recipients)
		return 0;
	message_close(m);
	return fault_temporary(why, 451, 3, 0,
	    "the entry is not the one that was handed over");
}

static bool
is_delivered_to(struct str value, struct str recipient, struct buf *b)
{
	buf_reset(b);
	header_unfold(b, value);
	return str_caseeq(str_trim(buf_str(b)), recipient);
}

/* A message that bears the mark of this very delivery has been here before:
 * somebody forwards in a circle.  RFC 5321 6.3 */
static int
refuse_loop(struct message *m, const struct hand *h, struct fault *why)
{
	struct str block = message_header(m, HEADER_SIZE_MAX);
	struct header_field f;
	struct buf b = { 0 };
	bool loop = false;

	while (!loop && header_next(&block, &f))
		loop = str_caseeq(f.name, STR("Delivered-To")) &&
		    is_delivered_to(f.value, h->recipient, &b);
	buf_free(&b);
	if (!loop)
		return 0;
	/* RFC 3463 3.5: x.4.6, routing loop detected. */
	return fault_permanent(why, 554, 4, 6, "mail forwarding loop for %.*s",
	    STR_ARG(h->recipient));
}

static struct str
make_head(struct message *m, const struct hand *h)
{
	bool same = str_eq(h->original, h->recipient);

	return arena_printf(&m->arena, "Return-Path: <%.*s>\n"
	    "Delivered-To: %.*s\n%s%.*s%s", STR_ARG(h->sender),
	    STR_ARG(h->recipient), same ? "" : "X-Original-To: ",
	    STR_ARG(same ? STR_NONE : h->original), same ? "" : "\n");
}

static const char *
name_method(enum conf_method method)
{
	switch (method) {
	case DELIVER_MBOX:
		return "mbox";
	case DELIVER_MAILDIR:
		return "maildir";
	case DELIVER_COMMAND:
		return "command";
	}
	bug("method %d of delivery", (int)method);
}

static int
place(const struct place *p, struct str *said, struct fault *why)
{
	switch (p->conf->deliver.method) {
	case DELIVER_MBOX:
		/* RFC 3030 3: all bits, or not at all. */
		if (p->message->envelope.body == BODY_BINARYMIME)
			return fault_permanent(why, 554, 6, 1,
			    "an mbox cannot hold a binary message");
		return mbox_deliver(p, why);
	case DELIVER_MAILDIR:
		return maildir_deliver(p, why);
	case DELIVER_COMMAND:
		return pipe_deliver(p, said, why);
	}
	bug("method %d of delivery", (int)p->conf->deliver.method);
}

static struct outcome
succeed(struct agent *a, struct str said)
{
	const char *where = name_method(a->conf->deliver.method);

	return (struct outcome){
		.kind = OUTCOME_DELIVERED,
		.status = STATUS_OK,
		.where = str_of(where),
		.text = arena_printf(&a->arena, "delivered to %s%s%.*s",
		    where, said.n > 0 ? ": " : "", STR_ARG(said)),
	};
}

static struct outcome
deliver(struct agent *a, const struct hand *h, int entry)
{
	struct str said = STR_NONE;
	struct message m;
	struct fault why;
	struct outcome o;
	struct place p = { .conf = a->conf, .user = a->user, .hand = h,
	    .message = &m, .kept = &a->kept };
	int r;

	r = read_entry(&m, entry, h, &why);
	if (r == 0) {
		p.head = make_head(&m, h);
		r = refuse_loop(&m, h, &why);
		if (r == 0)
			r = place(&p, &said, &why);
		if (r == 0)
			o = succeed(a, said);
		message_close(&m);
	}
	if (r < 0)
		o = outcome_of_fault(&a->arena, &why, STR_NONE,
		    str_of(name_method(a->conf->deliver.method)));
	return o;
}

void
agent_serve(int sock, const struct conf *conf, const struct user *user)
{
	struct agent a = { .conf = conf, .user = user,
	    .kept.patience_ms = PATIENCE_MS };
	struct outcome o;
	struct hand h;
	int entry;

	prepare(user);
	while (hand_receive(sock, &a.arena, &h, &entry) == 1) {
		o = deliver(&a, &h, entry);
		if (hand_answer(sock, &o) < 0)
			break;
		arena_reset(&a.arena);
	}
	buf_free(&a.kept.out);
	arena_free(&a.arena);
}
