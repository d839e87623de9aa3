/* SPDX-License-Identifier: ISC */
/*
 * Handing a message over: to the daemon by SMTP, like any other client but on
 * a local socket, by which the kernel tells it who is calling; or, while the
 * daemon is away, to drop(8), which writes it where the daemon will find it.
 *
 * The message is whole in memory before anybody is called, so that it can be
 * told twice.  When a connection breaks after the last dot and before the
 * reply, it is: then a recipient may get it twice, but nobody never.
 *
 * Always true: an outcome is FAILED only by what the server said about that
 * recipient or that message.  Whatever else goes wrong leaves it DEFERRED.
 * Called by bin/sendmail, which makes the exit code of the outcomes.
 */
#include "client/post.h"

#include <sys/mman.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "base/buf.h"
#include "client/program.h"
#include "config.h"
#include "os/file.h"
#include "smtpc/session.h"
#include "spool/drop.h"

#define SOCKET		"submit.sock"
#define INSTALLED	CONFIG_LIBEXECDIR "/godwit/drop"
#define DROP_RECIPIENTS	1000	/* of one dropped message */

/* A caller waits, so a daemon that has stopped answering is given up sooner
 * than RFC 5321 4.5.3.2 has it for peers far away; the drop is there. */
static const struct smtpc_timeouts timeouts = {
	.greeting = 30, .command = 300, .data = 120, .block = 30,
	.final = 600,
};

/* What is done in one transaction: some of the recipients. */
struct round {
	const struct recipient	**recipients;
	size_t			 *index;	/* of them in the message */
	struct outcome		 *outcome;
	size_t			  n;
};

static bool
is_too_many(const struct outcome *o)
{
	return o->kind == OUTCOME_DEFERRED && o->status.subject == 5 &&
	    o->status.detail == 3;
}

/* The next round: all at first, then those for whom there was no room. */
static void
choose(struct round *r, const struct smtpc_message *m,
    const struct outcome *outcome, bool first)
{
	r->n = 0;
	for (size_t i = 0; i < m->n; i++) {
		if (!first && !is_too_many(&outcome[i]))
			continue;
		r->recipients[r->n] = m->recipients[i];
		r->index[r->n++] = i;
	}
}

/* True when somebody was taken. */
static bool
transact(struct smtpc *c, const struct smtpc_message *all, struct round *r,
    struct arena *a, struct outcome *outcome)
{
	struct smtpc_message m = *all;
	bool progress = false;

	m.recipients = r->recipients;
	m.n = r->n;
	smtpc_transact(c, &m, a, r->outcome);
	for (size_t i = 0; i < r->n; i++) {
		outcome[r->index[i]] = r->outcome[i];
		if (r->outcome[i].kind == OUTCOME_RELAYED)
			progress = true;
	}
	return progress;
}

static void
transact_all(struct smtpc *c, const struct smtpc_message *m, struct arena *a,
    struct outcome *outcome)
{
	struct round r = {
		.recipients = arena_alloc(a, m->n * sizeof(*r.recipients)),
		.index = arena_alloc(a, m->n * sizeof(*r.index)),
		.outcome = arena_alloc(a, m->n * sizeof(*r.outcome)),
	};
	bool more = true;

	choose(&r, m, outcome, true);
	while (more && r.n > 0) {
		more = transact(c, m, &r, a, outcome) && c->usable;
		choose(&r, m, outcome, false);
	}
}

static void
fill(const struct smtpc_message *m, const struct outcome *o,
    struct outcome *outcome)
{
	for (size_t i = 0; i < m->n; i++)
		outcome[i] = *o;
}

static int
connect_to(const struct conf *conf, struct arena *a, struct smtpc *c,
    struct fault *why)
{
	struct str path = conf_run_path(conf, a, SOCKET);
	int fd;

	if ((fd = sock_connect_unix(path.p, why)) == -1)
		return -1;
	return smtpc_open_within(c, fd, STR("localhost"), NULL, conf->hostname,
	    &timeouts, why);
}

void
post_by_socket(const struct conf *conf, const struct smtpc_message *m,
    struct arena *a, struct outcome *outcome)
{
	struct outcome away;
	struct smtpc c;
	struct fault why;

	if (connect_to(conf, a, &c, &why) == 0) {
		transact_all(&c, m, a, outcome);
		smtpc_close(&c, false);
		return;
	}
	away = outcome_of_fault(a, &why, STR_NONE, STR("none"));
	away.kind = OUTCOME_DEFERRED;
	away.reply = 0;
	fill(m, &away, outcome);
}

bool
post_wants_drop(const struct outcome *outcome, size_t n)
{
	bool taken = false, away = false, deferred = false;

	for (size_t i = 0; i < n; i++) {
		const struct outcome *o = &outcome[i];

		taken = taken || o->kind == OUTCOME_RELAYED;
		if (o->kind != OUTCOME_DEFERRED)
			continue;
		deferred = true;
		away = away || o->reply == 0 || o->reply == 421;
	}
	return away || (deferred && taken);
}

/* The message to the recipients of one round. */
static void
put_frames(struct buf *b, const struct smtpc_message *m,
    const struct round *r, struct arena *a)
{
	struct buf content;

	drop_put_magic(b);
	drop_put(b, DROP_SENDER, address_text(a, m->sender));
	for (size_t i = 0; i < r->n; i++)
		drop_put(b, DROP_RECIPIENT, address_text(a,
		    &r->recipients[i]->address));
	drop_put(b, DROP_BODY, m->body == BODY_8BITMIME ? STR("8BITMIME") :
	    STR("7BIT"));
	buf_init(&content);
	for (size_t i = 0; i < m->nparts; i++)
		buf_puts(&content, m->parts[i]);
	drop_put(b, DROP_CONTENT, buf_str(&content));
	buf_free(&content);
}

/* The frames in a file without a name, at its beginning. */
static int
make_input(struct str frames, struct fault *why)
{
	int fd;

	if ((fd = memfd_create("message", MFD_CLOEXEC)) == -1)
		return fault_system(why, errno, "memory for the message");
	if (file_write(fd, frames.p, frames.n, why) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return fault_temporary(why, 451, 3, 0, "memory for the message");
}

static int
run_drop(const struct conf *conf, struct str frames, struct fault *why)
{
	/* A struct str of the configuration ends with NUL in its arena. */
	const char *argv[] = { "drop", conf->spool.p, NULL };
	struct buf path;
	int fd, code;

	if ((fd = make_input(frames, why)) == -1)
		return -1;
	buf_init(&path);
	code = program_run(program_find(&path, "drop", INSTALLED), argv, fd,
	    why);
	buf_free(&path);
	close(fd);
	if (code <= 0)
		return code;
	return fault_temporary(why, 451, 3, 0,
	    "the mail system is down, and the message cannot be spooled");
}

/* One dropped message: what becomes of everybody in this round. */
static struct outcome
drop_round(const struct conf *conf, const struct smtpc_message *m,
    const struct round *r, struct arena *a)
{
	struct outcome o = {
		.kind = OUTCOME_RELAYED, .status = STATUS_OK,
		.where = STR("drop"), .text = STR("spooled, the mail system "
		    "will take it when it is there"),
	};
	struct fault why;
	struct buf frames;

	/* The daemon would never take it; nobody could tell the caller then. */
	if (m->size > conf->size) {
		fault_permanent(&why, 552, 3, 4, "message too large");
		return outcome_of_fault(a, &why, STR_NONE, STR("drop"));
	}
	buf_init(&frames);
	put_frames(&frames, m, r, a);
	if (run_drop(conf, buf_str(&frames), &why) != 0) {
		o = outcome_of_fault(a, &why, STR_NONE, STR("drop"));
		o.kind = OUTCOME_DEFERRED;
	}
	buf_free(&frames);
	return o;
}

void
post_by_drop(const struct conf *conf, const struct smtpc_message *m,
    struct arena *a, struct outcome *outcome)
{
	struct round r = { .n = 0 };
	struct outcome o;
	size_t most = DROP_RECIPIENTS, next = 0;

	if (most > conf->recipients)
		most = (size_t)conf->recipients;
	r.recipients = arena_alloc(a, most * sizeof(*r.recipients));
	r.index = arena_alloc(a, most * sizeof(*r.index));
	while (next < m->n) {
		for (r.n = 0; next < m->n && r.n < most; next++) {
			if (outcome[next].kind != OUTCOME_DEFERRED)
				continue;
			r.recipients[r.n] = m->recipients[next];
			r.index[r.n++] = next;
		}
		if (r.n == 0)
			return;
		o = drop_round(conf, m, &r, a);
		for (size_t i = 0; i < r.n; i++)
			outcome[r.index[i]] = o;
	}
}
