/* SPDX-License-Identifier: ISC */
/*
 * VRFY and EXPN (RFC 5321 3.5): who exists here, and whom an alias stands for.
 *
 * By default VRFY tells nothing (RFC 5321 7.3) and answers as a server must that
 * does not verify, 252; EXPN is a known word that is not served, 502.  With
 * `vrfy yes' everybody is told what RCPT would tell, and whoever asks for names
 * that do not exist is counted like at RCPT.  With `expn yes' those for whom we
 * relay are told the addresses of an alias; nobody else ever is.
 *
 * The parameter SMTPUTF8 (RFC 6531 3.7.4.2) allows addresses in the reply that
 * are not ASCII; without it such a reply is a 252 that names nobody.
 */

#include "visit/session.h"

#include "base/utf8.h"
#include "policy/checks.h"
#include "smtp/ext.h"

struct question {
	struct arena	arena;
	struct str	text;
	struct address	address;
	bool		utf8;		/* the reply may be */
	address_vec	finals;
};

/* "NAME [SMTPUTF8]" */
static int
read_question(const struct session *s, struct str args, const char *verb,
    struct question *q, struct fault *why)
{
	struct str word = str_from(args, str_rfind(args, ' ') + 1);

	q->text = args;
	if ((s->extensions & EXT_SMTPUTF8) != 0 && word.n < args.n &&
	    str_casestarts(word, STR("SMTPUTF8"))) {
		q->utf8 = word.n == 8;
		q->text = str_trim(str_slice(args, 0, args.n - word.n));
		if (!q->utf8)
			return fault_permanent(why, 501, 5, 4,
			    "Syntax error: SMTPUTF8 takes no value");
	}
	if (q->text.n > 0)
		return 0;
	return fault_permanent(why, 501, 5, 4, "Syntax: %s address", verb);
}

/* What RCPT would say.  1: it goes elsewhere, and we would take it. */
static int
look_up(struct session *s, struct question *q, struct fault *why)
{
	struct facts facts = session_facts(s);

	if (address_parse(&q->arena, q->text, true, &q->address, why) < 0)
		return -1;
	if (address_is_null(&q->address))
		return fault_permanent(why, 501, 1, 3, "that is nobody");
	facts.recipient = &q->address;
	if (checks_recipient(s->conf, &facts, why) < 0) {
		why->reply = 550;	/* 554 is none of VRFY's */
		return -1;
	}
	if (!alias_is_local(s->conf, q->address.domain))
		return 1;
	return alias_expand(s->smtpd->aliases, &q->arena, &q->address,
	    &q->finals, why);
}

static void
refuse(struct session *s, const struct fault *why)
{
	if (why->reply == 550 && why->subject == 1 && why->detail == 1)
		s->unknown++;
	session_reply_fault(s, why);
}

static void
say_unsure(struct session *s)
{
	session_reply(s, 252, (struct status){ 2, 5, 0 },
	    "Cannot VRFY user, but will accept message and attempt delivery");
}

static bool
may_be_said(const struct question *q, const struct address *a)
{
	return q->utf8 ||
	    (utf8_is_ascii(a->local) && utf8_is_ascii(a->domain));
}

/* RFC 6531 3.7.4.2 */
static void
say_unspeakable(struct session *s)
{
	session_reply(s, 252, (struct status){ 2, 6, 8 },
	    "The answer is not ASCII; ask with SMTPUTF8");
}

static void
put_addresses(struct session *s, const struct question *q,
    const struct address *list, size_t n)
{
	struct buf b = { 0 };
	bool speakable = true;

	for (size_t i = 0; i < n; i++) {
		speakable = speakable && may_be_said(q, &list[i]);
		buf_putz(&b, i == 0 ? "<" : "\n<");
		address_put(&b, &list[i]);
		if (list[i].domain.n == 0)
			buf_printf(&b, "@%.*s", STR_ARG(s->conf->hostname));
		buf_putc(&b, '>');
	}
	if (speakable)
		session_reply(s, 250, (struct status){ 2, 1, 5 }, "%s",
		    buf_cstr(&b));
	else
		say_unspeakable(s);
	buf_free(&b);
}

void
smtpd_vrfy(struct session *s, struct str args)
{
	struct question q = { 0 };
	struct fault why;
	int r;

	if (read_question(s, args, "VRFY", &q, &why) < 0) {
		session_reply_fault(s, &why);
		return;
	}
	if (!s->conf->session.offer.vrfy) {
		say_unsure(s);
		return;
	}
	r = look_up(s, &q, &why);
	if (r < 0)
		refuse(s, &why);
	else if (r == 1)
		say_unsure(s);
	else
		put_addresses(s, &q, &q.address, 1);
	arena_free(&q.arena);
}

void
smtpd_expn(struct session *s, struct str args)
{
	struct facts facts = session_facts(s);
	struct question q = { 0 };
	struct fault why;
	int r;

	if (!s->conf->session.offer.expn) {
		session_reply(s, 502, (struct status){ 5, 5, 1 },
		    "EXPN is not implemented here");
		return;
	}
	if (read_question(s, args, "EXPN", &q, &why) < 0) {
		session_reply_fault(s, &why);
		return;
	}
	if (!checks_may_relay(s->conf, &facts)) {
		session_reply(s, 550, (struct status){ 5, 7, 2 },
		    "You may not expand aliases");
		return;
	}
	r = look_up(s, &q, &why);
	if (r < 0)
		refuse(s, &why);
	else if (r == 1)
		session_reply(s, 550, (struct status){ 5, 1, 1 },
		    "That is no alias of ours");
	else
		put_addresses(s, &q, q.finals.p, q.finals.n);
	arena_free(&q.arena);
}
