/* SPDX-License-Identifier: ISC */
/*
 * MAIL, RCPT and RSET (RFC 5321 4.1.1.2, 4.1.1.3, 4.1.1.5): the envelope.
 *
 * What can be known is said here, before any content travels: whether there is
 * room, and all that the panel (policy/panel) has to say of sender, recipient
 * and client: whether we relay for it, what the rules want, whether the user
 * exists once every alias is expanded.  So nothing that was accepted must be
 * bounced for a reason that we could have known.  A recipient that a rule discards is taken
 * like the others and is in no envelope.
 */

#include "visit/session.h"

#include <string.h>

#include "os/clock.h"
#include "os/file.h"
#include "policy/checks.h"
#include "policy/senders.h"
#include "smtp/param.h"
#include "smtp/reply.h"
#include "smtp/xtext.h"

/* Twice the size: the entry, and the bounce that it may cost. */
static int
check_space(const struct session *s, uint64_t size, struct fault *why)
{
	struct file_space space;

	if (session_spool_is_sick(s))
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

static struct param_context
context_of(const struct session *s)
{
	return (struct param_context){
		.enabled = s->extensions,
		.now = clock_wall(),
		.hold_longest = s->conf->session.offer.hold_longest,
		.by_least = s->conf->session.offer.by_least,
	};
}

static int
parse_mail(struct session *s, struct transaction *t, struct str args,
    struct fault *why)
{
	struct param_context context = context_of(s);
	struct envelope *e = &t->envelope;

	if (param_mail(&t->arena, args, &context, e, why) < 0)
		return -1;
	/* A bare name is the local user of that name. */
	if (e->sender.local.n > 0 && e->sender.domain.n == 0)
		e->sender.domain = s->conf->hostname;
	return 0;
}

static void
check_mail(struct session *s, struct transaction *t, struct str args,
    struct verdict *v)
{
	const struct panel panel = session_panel(s);
	struct fault why;
	struct facts facts;
	const struct panel_case c = { &panel, &facts, &t->arena, NULL };

	*v = (struct verdict){ .kind = VERDICT_NONE };
	if (parse_mail(s, t, args, &why) < 0) {
		verdict_refuse(v, &why);
		return;
	}
	facts = session_facts(s);
	panel_mail(&c, v);
	if (v->kind != VERDICT_REFUSE &&
	    check_space(s, t->envelope.size_declared, &why) < 0)
		verdict_refuse(v, &why);
}

/* RFC 3848, RFC 6531 3.7.3 */
static struct str
name_protocol(const struct session *s, bool utf8)
{
	static const struct str esmtp[2][2][2] = {
		{ { { "ESMTP", 5 }, { "ESMTPA", 6 } },
		{ { "ESMTPS", 6 }, { "ESMTPSA", 7 } } },
		{ { { "UTF8SMTP", 8 }, { "UTF8SMTPA", 9 } },
		{ { "UTF8SMTPS", 9 }, { "UTF8SMTPSA", 10 } } },
	};
	bool knows = !s->claim.smtp && (s->esmtp || s->claim.esmtp);

	return utf8 || s->secure || knows ?
	    esmtp[utf8][s->secure][s->login.n > 0] : STR("SMTP");
}

/* RFC 4954 5: who first sent it is not for everybody to say, but for a user who
 * may send as that one. */
static bool
may_say_author(const struct session *s, struct arena *a, struct str author)
{
	struct senders_answer answer;
	struct address who;
	struct fault ignored;
	struct str plain;

	return s->login.n > 0 && xtext_decode(a, author, &plain) &&
	    address_parse(a, plain, true, &who, &ignored) == 0 &&
	    senders_ask(s->conf, s->smtpd->lists, s->login, &who, a, &answer,
	    &ignored) == 0 && answer.may;
}

static void
describe_origin(const struct session *s, struct envelope *e)
{
	struct arena *a = &s->transaction->arena;


	e->origin = s->peer->local ? ORIGIN_LOCAL : ORIGIN_SMTP;
	e->client_ip = s->peer->addr.ip;
	e->client_name = s->client_name;
	e->helo = s->helo;
	e->protocol = name_protocol(s, e->wishes.smtputf8);
	e->login = s->login;
	if (e->wishes.auth.n > 0 && !may_say_author(s, a, e->wishes.auth))
		e->wishes.auth = STR("<>");
	e->uid = (uint32_t)s->peer->uid;
}

/* RFC 6710 4.1: nobody gets in front whom we do not know. */
static bool
lower_priority(struct session *s, struct envelope *e)
{
	struct facts facts = session_facts(s);

	if (e->wishes.priority <= 0 || checks_may_relay(s->conf, &facts))
		return false;
	e->wishes.priority = 0;
	return true;
}

static void
welcome(struct session *s, enum rule_stage stage)
{
	const struct verdict_reply *r = verdict_welcome(stage);

	session_reply(s, r->code, r->status, "%s", r->text);
}

/* The log names the sender where it was understood. */
static void
refuse_mail(struct session *s, const struct verdict *v)
{
	if (v->rule == NULL &&
	    address_is_null(&s->transaction->envelope.sender))
		transaction_end(s);
	session_refuse(s, "MAIL", v);
	transaction_end(s);
}

void
smtpd_mail(struct session *s, struct str args)
{
	struct transaction *t;
	struct verdict v;

	if (s->transactions++ >= s->conf->session.transactions) {
		session_end(s, (struct status){ 4, 7, 0 },
		    "Too many messages in one session");
		return;
	}
	t = transaction_new(s);
	check_mail(s, t, args, &v);
	if (v.kind == VERDICT_REFUSE) {
		refuse_mail(s, &v);
		return;
	}
	describe_origin(s, &t->envelope);
	if (lower_priority(s, &t->envelope))
		session_reply(s, 250, (struct status){ 2, 3, 6 },
		    "0 is the priority that you may have");
	else
		welcome(s, STAGE_MAIL);
}

/*
 * What of the wishes goes on to the addresses that an alias of several stands
 * for: everything but SUCCESS, which is told once, of the alias (RFC 3461
 * 5.2.7.3 c).
 */
static unsigned
share_wants(unsigned notify, bool first)
{
	unsigned rest = notify & ~(unsigned)WANT_SUCCESS;

	if (rest == notify)
		return notify;
	if (first)
		return rest | WANT_EXPANDED;
	return rest != 0 ? rest : WANT_NEVER;
}

/* Adds what the recipient expanded to: those behind before. */
static void
take_recipient(struct transaction *t, const struct recipient *given,
    size_t before, const struct verdict *v, const struct facts *facts)
{
	bool several = t->finals.n > before + 1;

	for (size_t i = before; i < t->finals.n; i++) {
		struct recipient r = *given;

		r.address = t->finals.p[i];
		if (several)
			r.notify = share_wants(r.notify, i == before);
		vec_push(&t->arena, &t->envelope.recipients, r);
	}
	vec_push(&t->arena, &t->taken, given->address);
	if (v->kind == VERDICT_HOLD && t->verdict.kind != VERDICT_HOLD) {
		t->reason = rule_reason(v->rule, facts, &t->arena);
		t->held_for = address_text(&t->arena, &given->address);
		t->held_at = "RCPT";
	}
	panel_add(&t->verdict, v, &t->arena);
}

/* Taken, and said aloud that it leads to nowhere. */
static void
discard_recipient(struct session *s, const struct verdict *v,
    const struct facts *facts)
{
	struct transaction *t = s->transaction;

	t->discarded++;
	session_log_action(s, "NOQUEUE", "discard", "RCPT",
	    rule_reason(v->rule, facts, &t->arena),
	    address_text(&t->arena, facts->recipient));
}

static int
parse_rcpt(struct session *s, struct transaction *t, struct str args,
    struct recipient *to, struct fault *why)
{
	struct param_context context = context_of(s);

	if (param_rcpt(&t->arena, args, &context, &t->envelope, to, why) < 0)
		return -1;
	if (t->given++ >= s->conf->recipients ||
	    t->envelope.recipients.n >= s->conf->recipients)
		return fault_temporary(why, 452, 5, 3, "Too many recipients");
	return 0;
}

static void
check_rcpt(struct session *s, struct transaction *t, struct str args,
    struct recipient *to, struct verdict *v)
{
	const struct panel panel = session_panel(s);
	struct fault why;
	struct facts facts;
	const struct panel_case c = { &panel, &facts, &t->arena, NULL };
	size_t before = t->finals.n;

	s->known.put_off = false;
	*v = (struct verdict){ .kind = VERDICT_NONE };
	if (parse_rcpt(s, t, args, to, &why) < 0) {
		verdict_refuse(v, &why);
		return;
	}
	facts = session_facts(s);
	facts.recipient = &to->address;
	panel_rcpt(&c, &t->finals, v);
	switch (v->kind) {
	case VERDICT_NONE:
	case VERDICT_ACCEPT:
	case VERDICT_HOLD:
		take_recipient(t, to, before, v, &facts);
		break;
	case VERDICT_DISCARD:
		discard_recipient(s, v, &facts);
		break;
	case VERDICT_REFUSE:
		break;
	}
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

	/* Who has to come again has made no mistake; but nobody floods the
	 * greylist for nothing. */
	if (s->known.put_off) {
		session_count_idle(s);
		reply_put_fault(&s->stream.out, why);
	} else if (!is_unknown(why)) {
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
	struct recipient to = { 0 };
	struct verdict v;

	check_rcpt(s, t, args, &to, &v);
	if (v.kind == VERDICT_REFUSE) {
		refuse_recipient(s, &v.why);
		s->ended |= verdict_ends(&v);
		session_log_reject(s, "RCPT", &v.why,
		    address_text(&t->arena, &to.address));
		return;
	}
	welcome(s, STAGE_RCPT);
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
