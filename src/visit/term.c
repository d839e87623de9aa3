/* SPDX-License-Identifier: ISC */
/*
 * The term of a session.  A submission port is for users, and the sessions on
 * it are not many; whoever does not log in has no business there for long.  So
 * he has some seconds from the beginning, the handshake of TLS included, and a
 * session's whole time only when he has logged in.  Who may send without a
 * login, because he is in one of our networks, is a user by that; and where
 * nobody can log in, nobody has to.
 *
 * The time for which he has to wait for the doorkeeper does not count.
 *
 * Who is not ours has less time under stress: to begin a message, and not only
 * for the next command, or whoever says something now and then would hold the
 * last seats for an hour.  He hears of it while he waits (os/stream), so that the
 * seats are free within seconds.
 *
 * Where others of his network are many, he may have to go even sooner: the master
 * asks for that (master/eviction), and whether he has come to his first MAIL, and
 * stays, his session alone knows.
 *
 * The master hears of a login as well (priv/usher): a user's session is counted
 * among ours, apart from those that have not shown yet what they are
 * (master/budget).  Where it knows the client already, nothing is said, and a
 * login costs no call more.
 *
 * Called by smtpd/serve at the beginning, by whoever accepts a login, and by
 * smtpd/xclient when the client is another one.
 */
#include "visit/term.h"

#include <stdatomic.h>

#include "os/clock.h"
#include "policy/checks.h"
#include "priv/usher.h"

static bool
is_ours(const struct session *s)
{
	struct facts facts = session_facts(s);

	return checks_may_relay(s->conf, &facts);
}

static bool
is_for_users(const struct session *s)
{
	switch (s->peer->service) {
	case SERVICE_SMTP:
		return false;
	case SERVICE_SUBMISSION:
	case SERVICE_SUBMISSIONS:
		break;
	}
	return s->conf->login.by != LOGIN_NONE && s->conf->timeout.login != 0;
}

void
term_begin(struct session *s)
{
	uint64_t term = s->conf->timeout.session;

	if (!is_ours(s)) {
		s->known.owes_login = is_for_users(s);
		stream_mind_haste(&s->stream, s->smtpd->notices == NULL ?
		    NULL : &s->smtpd->notices->stressed, NOTICES_LOOK * 1000);
		stream_set_hasty_deadline(&s->stream, SESSION_STRESSED_VAIN);
		stream_mind_end(&s->stream, s->smtpd->leave);
	} else {
		s->known.owes_login = false;
		stream_mind_haste(&s->stream, NULL, 0);
		stream_mind_end(&s->stream, NULL);
	}
	if (s->known.owes_login && s->conf->timeout.login < term)
		term = s->conf->timeout.login;
	stream_set_deadline(&s->stream, (int)term);
}

void
term_renew(struct session *s)
{
	if (s->transactions > 0)
		stream_mind_end(&s->stream, NULL);
	if (s->stream.haste.now != NULL && s->stream.haste.deadline == 0 &&
	    s->transaction == NULL)
		stream_set_hasty_deadline(&s->stream, SESSION_STRESSED_VAIN);
}

void
term_excuse(struct session *s, int64_t ms)
{
	if (s->known.owes_login)
		s->stream.deadline += ms;
}

void
term_lift(struct session *s)
{
	if (!s->tally.login && !s->peer->known && s->smtpd->usher >= 0)
		usher_tell_login(s->smtpd->usher);
	s->tally.login = true;
	stream_mind_haste(&s->stream, NULL, 0);
	stream_mind_end(&s->stream, NULL);
	if (!s->known.owes_login)
		return;
	s->known.owes_login = false;
	stream_set_deadline(&s->stream, (int)s->conf->timeout.session);
}

bool
term_has_to_leave(const struct session *s)
{
	const _Atomic bool *over = s->stream.haste.over;

	return over != NULL && atomic_load(over);
}

const char *
term_end(struct session *s)
{
	if (s->known.owes_login && clock_mono_ms() >= s->stream.deadline) {
		session_end(s, (struct status){ 4, 7, 0 },
		    "Error: you have not logged in in time");
		return "no login in time";
	}
	if (term_has_to_leave(s)) {
		session_end(s, (struct status){ 4, 3, 2 },
		    "Error: too busy to wait for you; try again later");
		return "sent away under stress";
	}
	session_end(s, (struct status){ 4, 4, 2 }, "Error: timeout exceeded");
	return "timeout";
}
