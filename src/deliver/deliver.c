/* SPDX-License-Identifier: ISC */
/*
 * One face for both ways on which mail leaves the queue: to another server, or
 * to a user of this machine.  A worker has one destination for its whole life,
 * so it has one of the two, and keeps what that one has opened (a connection,
 * an agent) from message to message.  It measures how long an attempt took;
 * what came of it, and what that means for the entry, is the worker's.
 */

#include "deliver/deliver.h"

#include "base/mem.h"
#include "deliver/local.h"
#include "deliver/remote.h"
#include "os/clock.h"

struct delivery {
	enum next_kind	kind;
	struct remote	remote;
	struct local	local;
};

struct delivery *
delivery_new(const struct conf *conf, const struct next *next, int channel)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	d->kind = next->kind;
	switch (next->kind) {
	case NEXT_RELAY:
		remote_init(&d->remote, conf, next);
		break;
	case NEXT_LOCAL:
		local_init(&d->local, conf, next, channel);
		break;
	}
	return d;
}

void
delivery_try(struct delivery *d, struct message *m, const struct job *job,
    struct outcome *outcome, bool *dead)
{
	int64_t start = clock_mono_ms(), took;

	*dead = false;
	switch (d->kind) {
	case NEXT_RELAY:
		remote_try(&d->remote, m, job, outcome);
		/* What is so for good is no reason to put others off. */
		*dead = d->remote.dead && fault_is_temporary(&d->remote.why);
		break;
	case NEXT_LOCAL:
		local_try(&d->local, m, job, outcome);
		break;
	}
	took = clock_mono_ms() - start;
	for (uint32_t i = 0; i < job->n; i++)
		outcome[i].delay_ms = took;
}

void
delivery_free(struct delivery *d)
{
	switch (d->kind) {
	case NEXT_RELAY:
		remote_close(&d->remote);
		break;
	case NEXT_LOCAL:
		local_close(&d->local);
		break;
	}
	mem_free(d);
}
