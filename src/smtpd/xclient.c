/* SPDX-License-Identifier: ISC */
/*
 * XCLIENT (smtp/xclient): a proxy that speaks SMTP itself, nginx for one, or
 * somebody who tests our rules, says which client it speaks for.  Afterwards
 * the session is that client's and begins anew, with a greeting.
 *
 * It is believed whatever it says, a login too, so only those may who are in
 * the setting `xclient for'; nobody else is told that there is such a command.
 * Who may is decided once, by the address from which the connection came (or
 * of which a proxy in front of it has told): claiming to be one of those who
 * may gives nobody the right.
 *
 * What was said of the client before stays, but for a login, which is never
 * inherited: one that is not said anew is gone, and so is the certificate that
 * the proxy itself has shown.  That the connection is under TLS stays true.  From
 * the first XCLIENT on the address is a reported one, said or not: one of
 * loopback is not ours (policy/checks).
 *
 * With another address it is another client, who begins at nothing in all that
 * is counted here: errors, recipients that were unknown, logins that failed.
 */
#include "smtpd/xclient.h"

#include "os/log.h"
#include "smtp/xclient.h"
#include "visit/guest.h"
#include "visit/proxied.h"
#include "visit/term.h"

void
xclient_begin(struct session *s)
{
	s->claim.may_come = !s->peer->local && conf_networks_have(
	    &s->conf->session.xclient, &s->peer->addr.ip);
}

void
xclient_offer(struct buf *b, const struct session *s)
{
	if (s->claim.may_come)
		buf_putz(b, "\nXCLIENT " XCLIENT_WORDS);
}

static void
take_address(struct session *s, const struct xclient *x)
{
	struct sock_addr addr = s->peer->addr;
	struct str name = s->client_name;

	if ((x->given & XCLIENT_ADDR) != 0)
		addr = (struct sock_addr){ .ip = x->client.ip };
	if ((x->given & XCLIENT_PORT) != 0)
		addr.port = x->client.port;
	session_report_client(s, &addr);
	/* The name of one address is not that of another. */
	if ((x->given & XCLIENT_NAME) != 0)
		name = x->name.n > 0 ? x->name : STR("unknown");
	else if ((x->given & XCLIENT_ADDR) != 0)
		name = STR("unknown");
	s->claim.named = (x->given & XCLIENT_NAME) != 0 ||
	    (s->claim.named && (x->given & XCLIENT_ADDR) == 0);
	session_name_client(s, name);
}

/* What the one before has done is not this one's, whose seat it is now.  The
 * disk is everybody's. */
static void
begin_anew(struct session *s)
{
	s->tally = (struct tally){ .disk = s->tally.disk };
	s->errors = s->unknown = s->idle = s->login_failures = 0;
	s->transactions = 0;
	s->discarded = 0;
}

/* False: the client has had too much already, which it was told. */
static bool
take(struct session *s, const struct xclient *x)
{
	const struct ip was = s->peer->addr.ip;

	take_address(s, x);
	if (!ip_eq(&was, &s->peer->addr.ip)) {
		if (!proxied_is_welcome(s))
			return false;
		/* Of whom nobody knows who it is has no seat of its own. */
		if (s->peer->addr.ip.family != 0)
			begin_anew(s);
	}
	if ((x->given & XCLIENT_HELO) != 0)
		s->claim.helo = x->helo;
	if ((x->given & XCLIENT_PROTO) != 0) {
		s->claim.esmtp = x->esmtp;
		s->claim.smtp = !x->esmtp;
	}
	s->login = x->login;
	s->login_method = STR("XCLIENT");
	s->login_pass = STR_NONE;
	s->tls.certified = s->tls.verified = false;
	s->tls.digest[0] = s->tls.name[0] = '\0';
	/* What the one before has done, and the proxy itself, it has not. */
	s->tally.login = s->tally.handshake = s->tally.failed = false;
	term_begin(s);
	if (s->login.n > 0)
		term_lift(s);
	return true;
}

void
smtpd_xclient(struct session *s, struct str args)
{
	struct buf was = { 0 };
	struct xclient x;
	struct fault why;

	if (!s->claim.may_come) {
		session_reply(s, 550, (struct status){ 5, 7, 0 },
		    "XCLIENT is not for you");
		return;
	}
	if (xclient_parse(&s->arena, args, &x, &why) < 0) {
		session_reply_fault(s, &why);
		return;
	}
	session_count_idle(s);
	buf_putz(&was, s->client);
	session_forget(s);
	guest_free(s);
	if (take(s, &x))
		guest_greet(s);
	log_info("xclient from %s: connect from %s%s%.*s", buf_cstr(&was),
	    s->client, s->login.n > 0 ? ", login " : "", STR_ARG(s->login));
	buf_free(&was);
	if (!s->ended)
		smtpd_greet(s);
}
