/* SPDX-License-Identifier: ISC */
/*
 * The term of a session.  A submission port is for users, and the sessions on
 * it are not many; whoever does not log in has no business there for long.  So
 * he has some seconds from the beginning, the handshake of TLS included, and a
 * session's whole time only when he has logged in.  Who may send without a
 * login, because he is in one of our networks, is a user by that; and where
 * nobody can log in, nobody has to.
 *
 * The master hears of a login as well (priv/usher): a user's session is counted
 * among ours, apart from those that have not shown yet what they are
 * (master/budget).  Where it knows the client already, nothing is said, and a
 * login costs no call more.
 *
 * Called by smtpd/serve at the beginning and by whoever accepts a login.
 */
#include "smtpd/term.h"

#include "os/clock.h"
#include "policy/checks.h"
#include "priv/usher.h"

static bool
has_to_log_in(const struct session *s)
{
	struct facts facts;

	switch (s->peer->service) {
	case SERVICE_SMTP:
		return false;
	case SERVICE_SUBMISSION:
	case SERVICE_SUBMISSIONS:
		break;
	}
	if (s->conf->login.by == LOGIN_NONE || s->conf->timeout.login == 0)
		return false;
	facts = session_facts(s);
	return !checks_may_relay(s->conf, &facts);
}

void
term_begin(struct session *s)
{
	uint64_t term = s->conf->timeout.session;

	s->known.owes_login = has_to_log_in(s);
	if (s->known.owes_login && s->conf->timeout.login < term)
		term = s->conf->timeout.login;
	stream_set_deadline(&s->stream, (int)term);
}

void
term_lift(struct session *s)
{
	if (!s->tally.login && !s->peer->known && s->smtpd->usher >= 0)
		usher_tell_login(s->smtpd->usher);
	s->tally.login = true;
	if (!s->known.owes_login)
		return;
	s->known.owes_login = false;
	stream_set_deadline(&s->stream, (int)s->conf->timeout.session);
}

bool
term_is_over(const struct session *s)
{
	return s->known.owes_login && clock_mono_ms() >= s->stream.deadline;
}
