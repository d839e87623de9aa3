/* SPDX-License-Identifier: ISC */
/*
 * MAIL, RCPT and RSET (RFC 5321 4.1.1.2, 4.1.1.3, 4.1.1.5): the envelope.
 *
 * What can be known is said here, before any content travels: whether there is
 * room, whether we relay for this client, whether the user exists once every
 * alias is expanded.  So nothing that was accepted must be bounced for a
 * reason that we could have known.
 */

#include "smtpd/session.h"

#include <string.h>

#include "mail/domain.h"
#include "os/file.h"
#include "policy/checks.h"
#include "smtp/ext.h"
#include "smtp/param.h"
#include "smtp/reply.h"

/* Twice the size: the entry, and the bounce that it may cost. */
static int
check_space(const struct session *s, uint64_t size, struct fault *why)
{
	struct file_space space;

	if (health_is_sick(s->smtpd->health))
		return fault_temporary(why, 451, 3, 0,
		    "Trouble with the mail system's disk; try again later");
	if (file_space(s->smtpd->spool->q, &space, why) < 0)
		return -1;
	if (space.free_bytes < s->conf->store.free_space + 2 * size ||
	    space.free_inodes < 16)
		return fault_temporary(why, 452, 3, 1,
		    "Insufficient system storage");
	return 0;
}

static int
check_mail(struct session *s, struct transaction *t, struct str args,
    struct fault *why)
{
	struct envelope *e = &t->envelope;

	if (param_mail(&t->arena, args, s->extensions, e, why) < 0)
		return -1;
	if (e->size_declared > s->conf->size)
		return fault_permanent(why, 552, 3, 4,
		    "Message size exceeds fixed limit of %llu bytes",
		    (unsigned long long)s->conf->size);
	/* A bare name is the local user of that name. */
	if (e->sender.local.n > 0 && e->sender.domain.n == 0)
		e->sender.domain = s->conf->hostname;
	return check_space(s, e->size_declared, why);
}

static void
describe_origin(const struct session *s, struct envelope *e)
{
	e->origin = s->peer->local ? ORIGIN_LOCAL : ORIGIN_SMTP;
	e->client_ip = s->peer->addr.ip;
	e->client_name = STR("unknown");
	e->helo = s->helo;
	e->protocol = s->secure ? STR("ESMTPS") :
	    s->esmtp ? STR("ESMTP") : STR("SMTP");
	e->uid = (uint32_t)s->peer->uid;
}

void
smtpd_mail(struct session *s, struct str args)
{
	struct transaction *t;
	struct fault why;

	if (s->transactions++ >= s->conf->session.transactions) {
		session_end(s, (struct status){ 4, 7, 0 },
		    "Too many messages in one session");
		return;
	}
	t = transaction_new(s);
	if (check_mail(s, t, args, &why) < 0) {
		session_reply_fault(s, &why);
		transaction_end(s);
		session_log_reject(s, "MAIL", &why, STR_NONE);
		return;
	}
	describe_origin(s, &t->envelope);
	session_reply(s, 250, (struct status){ 2, 1, 0 }, "Ok");
}

/* Adds what the recipient expands to, without repeating an address. */
static int
expand(struct session *s, struct transaction *t, const struct address *given,
    struct fault *why)
{
	size_t before = t->finals.n;

	if (alias_expand(s->smtpd->aliases, &t->arena, given, &t->finals,
	    why) < 0) {
		t->finals.n = before;
		return -1;
	}
	for (size_t i = before; i < t->finals.n; i++) {
		struct recipient r = { t->finals.p[i], *given };

		vec_push(&t->arena, &t->envelope.recipients, r);
	}
	return 0;
}

static int
check_rcpt(struct session *s, struct transaction *t, struct str args,
    struct address *to, struct fault *why)
{
	struct facts facts;

	if (param_rcpt(&t->arena, args, s->extensions, to, why) < 0)
		return -1;
	if (t->given++ >= s->conf->recipients ||
	    t->envelope.recipients.n >= s->conf->recipients)
		return fault_temporary(why, 452, 5, 3, "Too many recipients");
	facts = session_facts(s);
	facts.recipient = to;
	if (checks_recipient(s->conf, &facts, why) < 0)
		return -1;
	return expand(s, t, to, why);
}

/* RFC 3463 3.2: bad destination mailbox address. */
static bool
is_unknown(const struct fault *why)
{
	return why->reply == 550 && why->subject == 1 && why->detail == 1;
}

/* Who guesses names is counted; one of ours with a bad list is told which of
 * them are bad, and so not counted at all. */
static void
refuse_recipient(struct session *s, const struct fault *why)
{
	struct facts facts = session_facts(s);

	if (!is_unknown(why)) {
		session_reply_fault(s, why);
	} else if (checks_may_relay(s->conf, &facts)) {
		reply_put_fault(&s->stream.out, why);
	} else {
		session_reply_fault(s, why);
		s->unknown++;
	}
}

void
smtpd_rcpt(struct session *s, struct str args)
{
	struct transaction *t = s->transaction;
	struct address to = { 0 };
	struct fault why;

	if (check_rcpt(s, t, args, &to, &why) < 0) {
		refuse_recipient(s, &why);
		session_log_reject(s, "RCPT", &why,
		    address_text(&t->arena, &to));
		return;
	}
	session_reply(s, 250, (struct status){ 2, 1, 5 }, "Ok");
}

void
smtpd_rset(struct session *s, struct str args)
{
	if (args.n > 0) {
		session_reply(s, 501, (struct status){ 5, 5, 4 },
		    "Syntax: RSET");
		return;
	}
	transaction_end(s);
	session_reply(s, 250, (struct status){ 2, 0, 0 }, "Ok");
}
