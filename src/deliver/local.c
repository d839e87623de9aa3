/* SPDX-License-Identifier: ISC */
/*
 * Local delivery seen from the worker: ask the warden once for an agent that
 * runs as the recipient, then hand it message after message.  The worker can
 * neither become a user nor read a mailbox; the agent can neither see the
 * queue nor mark anything in it.  An agent that goes away without an answer
 * leaves a deferral behind, and the next message asks for a new one.
 */

#include "deliver/local.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/hand.h"
#include "os/sock.h"
#include "os/user.h"
#include "priv/request.h"

enum {
	PATIENCE = 60,		/* seconds beyond timeout-deliver, and for the
				 * locks of a mailbox */
};

void
local_init(struct local *l, const struct conf *conf, const struct next *next,
    int channel)
{
	l->conf = conf;
	l->next = next;
	l->channel = channel;
	l->agent = -1;
}

/* Refused at RCPT as a rule; but a user may have gone since, and what was
 * dropped came past no RCPT.  A user database that cannot be read looks like
 * one without the user, so who was there a moment ago is asked for again
 * before the mail is returned. */
static int
check_user(const struct local *l, bool was_known, struct fault *why)
{
	struct arena a = { 0 };
	struct user user;
	int found = 0;

	if (l->next->user.n < REQUEST_USER_MAX)
		found = user_find(&a, l->next->user, &user, why);
	arena_free(&a);
	if (found == 0 && was_known)
		return fault_temporary(why, 451, 3, 0, "user \"%.*s\" is no "
		    "longer in the user database", STR_ARG(l->next->user));
	if (found == 0)
		return fault_permanent(why, 550, 1, 1, "unknown user \"%.*s\"",
		    STR_ARG(l->next->user));
	return found < 0 ? -1 : 0;
}

static int
ask_agent(struct local *l, bool was_known, struct fault *why)
{
	struct request r = { .kind = REQUEST_AGENT };
	int pair[2], sent;

	if (l->agent >= 0)
		return 0;
	if (check_user(l, was_known, why) < 0)
		return -1;
	memcpy(r.user, l->next->user.p, l->next->user.n);
	if (sock_pair(SOCK_SEQPACKET, pair, why) < 0)
		return -1;
	sent = request_send(l->channel, &r, pair[1], why);
	close(pair[1]);
	if (sent < 0) {
		close(pair[0]);
		return -1;
	}
	l->agent = pair[0];
	return 0;
}

static struct str
extension_of(const struct local *l, struct str local)
{
	size_t at;

	if (l->conf->delimiter.n == 0 || local.n <= l->next->user.n)
		return STR_NONE;
	at = str_search(local, l->conf->delimiter);
	return str_from(local, at + l->conf->delimiter.n);
}

static int
hand_over(struct local *l, struct message *m, const struct job *job,
    uint32_t index, struct outcome *o, struct fault *why)
{
	const struct recipient *r = &m->envelope.recipients.p[index];
	bool was_known = m->envelope.origin != ORIGIN_DROP &&
	    m->slots[index].attempts == 0;
	struct hand h = {
		.index = index,
		.again = job->again || m->slots[index].attempts > 0,
		.sender = address_text(&m->arena, &m->envelope.sender),
		.recipient = address_text(&m->arena, &r->address),
		.original = address_text(&m->arena, &r->original),
		.user = l->next->user,
		.extension = extension_of(l, r->address.local),
	};

	memcpy(h.name, m->super.name, sizeof(h.name));
	if (ask_agent(l, was_known, why) < 0)
		return -1;
	if (hand_send(l->agent, &h, m->fd, why) == 0 &&
	    hand_wait(l->agent, &m->arena, o,
	    (int)l->conf->timeout.deliver + PATIENCE, why) == 0)
		return 0;
	close(l->agent);
	l->agent = -1;
	return -1;
}

void
local_try(struct local *l, struct message *m, const struct job *job,
    struct outcome *outcome)
{
	struct fault why;

	for (uint32_t i = 0; i < job->n; i++)
		if (hand_over(l, m, job, job->index[i], &outcome[i], &why) < 0)
			outcome[i] = outcome_of_fault(&m->arena, &why,
			    STR_NONE, STR("local"));
}

void
local_close(struct local *l)
{
	if (l->agent >= 0)
		close(l->agent);
	l->agent = -1;
}
