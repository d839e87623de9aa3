/* SPDX-License-Identifier: ISC */
/*
 * The greeting, and EHLO and HELO (RFC 5321 4.1.1.1): who the client says it is,
 * and what we can do for it.  The name is not believed and not checked against
 * anything but the rules that are written `at hello`; it only has to be something
 * that fits in a log line and a Received field.
 * Either command begins anew: a transaction under way is gone.  What is offered
 * is decided in smtpd/offer, and what was offered is remembered, because a
 * parameter of anything else is an error.
 */

#include "smtpd/offer.h"
#include "smtpd/xclient.h"

#include "mail/domain.h"

/* 220, or what a rule says `at connect`: then nothing but QUIT is heard of the
 * client (RFC 5321 3.1). */
void
smtpd_greet(struct session *s)
{
	const struct panel panel = session_panel(s);
	const struct facts facts = session_facts(s);
	const struct panel_case c = { &panel, &facts, &s->arena, NULL };
	struct verdict v;

	panel_connect(&c, &v);
	s->unwelcome = v.kind == VERDICT_REFUSE;
	if (s->unwelcome) {
		session_refuse(s, "CONNECT", &v);
		return;
	}
	session_reply(s, 220, (struct status){ 0 }, "%.*s ESMTP godwit",
	    STR_ARG(s->conf->hostname));
}

/* Lenient as every peer is: old clients say "my computer_2". */
static bool
is_presentable(struct str name)
{
	if (name.n == 0 || name.n > DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			return false;
	return true;
}

/* A hello that is refused has not been said. */
static bool
is_welcome(struct session *s)
{
	const struct panel panel = session_panel(s);
	const struct facts facts = session_facts(s);
	const struct panel_case c = { &panel, &facts, &s->arena, NULL };
	struct verdict v;

	panel_hello(&c, &v);
	if (v.kind != VERDICT_REFUSE)
		return true;
	session_refuse(s, command_name(s->last), &v);
	s->helo = STR_NONE;
	return false;
}

static bool
hello(struct session *s, struct str args)
{
	struct str name = { 0 }, rest = args;

	(void)str_word(&rest, &name);
	if (!is_presentable(name) || str_trim(rest).n > 0) {
		session_reply(s, 501, (struct status){ 5, 5, 4 },
		    "Syntax: EHLO hostname");
		return false;
	}
	transaction_end(s);
	s->helo = s->claim.helo.n > 0 ? s->claim.helo :
	    arena_str(&s->arena, name);
	return is_welcome(s);
}

void
smtpd_ehlo(struct session *s, struct str args)
{
	struct buf text = { 0 };

	if (!hello(s, args))
		return;
	s->esmtp = true;
	buf_puts(&text, s->conf->hostname);
	s->extensions = offer_put(&text, s);
	xclient_offer(&text, s);
	/* No enhanced status in this reply: RFC 2034 4. */
	session_reply(s, 250, (struct status){ 0 }, "%s", buf_cstr(&text));
	buf_free(&text);
}

void
smtpd_helo(struct session *s, struct str args)
{
	if (!hello(s, args))
		return;
	s->esmtp = false;
	s->extensions = 0;
	session_reply(s, 250, (struct status){ 0 }, "%.*s",
	    STR_ARG(s->conf->hostname));
}
