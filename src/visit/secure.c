/* SPDX-License-Identifier: ISC */
/*
 * TLS in a session: STARTTLS (RFC 3207), and TLS from the first byte on the
 * service of RFC 8314.
 *
 * The one way into TLS is secure_begin().  What the client sent in clear must
 * have been used up before it (the stream insists), so nothing of it can be
 * taken for a command that came within; who sends more behind STARTTLS is sent
 * away.  What a client said in clear is forgotten, since somebody else may have
 * said it.
 *
 * A handshake that fails ends the session without another word: in clear it
 * would be garbage to the client, and in TLS it cannot be said.
 *
 * The comment and the clause are for the trace line: the one as Postfix writes
 * it, which filters know, the other as RFC 8314 4.3 wants it of a submission
 * server.
 */
#include "visit/secure.h"

#include <signal.h>

#include "os/log.h"
#include "os/signal.h"
#include "smtp/ext.h"
#include "visit/term.h"

enum {
	HANDSHAKE_TIME = 30,	/* seconds; SECURITY R-26 */
};

/* A program of this machine has nothing to hide from it. */
bool
secure_may_begin(const struct session *s)
{
	return s->smtpd->tls != NULL && !s->secure && !s->peer->local;
}

static void
log_success(const struct session *s)
{
	const struct tls_facts *f = &s->tls;
	struct buf b = { 0 };

	tls_put_summary(&b, f);
	if (f->group != NULL)
		buf_printf(&b, " key-exchange %s", f->group);
	log_info("%s TLS connection established from %s: %s",
	    !f->certified ? "Anonymous" : f->verified ? "Trusted" :
	    "Untrusted", s->client, buf_cstr(&b));
	if (f->certified)
		log_info("%s: subject_CN=%s, fingerprint=%s", s->client,
		    f->name, f->digest);
	buf_free(&b);
}

static void
log_failure(const struct session *s, const struct tls *tls,
    enum stream_result r)
{
	const char *why = tls_failure(tls);

	log_info("SSL_accept error from %s: %s", s->client,
	    why[0] != '\0' ? why : stream_result_text(r));
}

/* A signal ends it only when the session is to end anyway. */
static enum stream_result
shake_hands(struct session *s)
{
	enum stream_result r;

	session_set_patience(s, HANDSHAKE_TIME, SESSION_STRESSED);
	do
		r = stream_begin(&s->stream);
	while (r == STREAM_SIGNAL && !signal_is_pending(SIGTERM) &&
	    !session_is_spent(s));
	return r;
}

static struct tls *
make(const struct session *s)
{
	return tls_server_accept(s->smtpd->tls, s->stream.fd,
	    (unsigned)s->peer->service);
}

static bool
begin(struct session *s, struct tls *tls)
{
	enum stream_result r;

	stream_set_ops(&s->stream, &tls_ops, tls);
	r = shake_hands(s);
	s->tally.handshake = true;
	if (r != STREAM_OK) {
		/* Whom we have sent away meanwhile did not fail. */
		s->tally.failed = r != STREAM_TIMEOUT || !term_has_to_leave(s);
		if (s->tally.failed)
			log_failure(s, tls, r);
		else
			log_info("sent away under stress in a handshake: %s",
			    s->client);
		s->ended = true;
		return false;
	}
	session_forget(s);
	s->secure = true;
	tls_find_facts(tls, &s->tls);
	/* One that is resumed costs next to nothing. */
	s->tally.handshake = !s->tls.resumed;
	log_success(s);
	return true;
}

bool
secure_begin(struct session *s)
{
	struct tls *tls = make(s);

	if (tls != NULL)
		return begin(s, tls);
	log_warning("SSL_accept error from %s: out of memory", s->client);
	s->ended = true;
	return false;
}

/* All that can fail without a word was done before the 220. */
static void
upgrade(struct session *s)
{
	struct tls *tls = make(s);
	enum stream_result r;

	if (tls == NULL) {
		session_reply(s, 454, (struct status){ 4, 7, 0 },
		    "TLS is not available now");
		return;
	}
	session_reply(s, 220, (struct status){ 2, 0, 0 },
	    "Ready to start TLS");
	do
		r = stream_flush(&s->stream);
	while (r == STREAM_SIGNAL);
	if (r == STREAM_OK) {
		(void)begin(s, tls);
		return;
	}
	tls_ops.close(tls);
	s->ended = true;
}

void
smtpd_starttls(struct session *s, struct str args)
{
	if (s->smtpd->tls == NULL || s->peer->local) {
		session_reply(s, 502, (struct status){ 5, 5, 1 },
		    "STARTTLS is not offered here");
	} else if (s->secure) {
		session_reply(s, 503, (struct status){ 5, 5, 1 },
		    "TLS is on already");
	} else if (!s->esmtp) {
		session_reply(s, 503, (struct status){ 5, 5, 1 },
		    "Send EHLO first");
	} else if (args.n > 0) {
		session_reply(s, 501, (struct status){ 5, 5, 4 },
		    "Syntax: STARTTLS");
	} else if ((s->extensions & EXT_STARTTLS) == 0) {
		session_reply(s, 502, (struct status){ 5, 5, 1 },
		    "STARTTLS is not offered here");
	} else {
		upgrade(s);
	}
}

struct str
secure_comment(struct session *s)
{
	struct buf b = { 0 };
	struct str text;

	if (!s->secure)
		return STR_NONE;
	buf_putz(&b, "using ");
	tls_put_summary(&b, &s->tls);
	text = arena_str(&s->transaction->arena, buf_str(&b));
	buf_free(&b);
	return text;
}

struct str
secure_clause(struct session *s)
{
	const struct tls_facts *f = &s->tls;
	struct arena *a = &s->transaction->arena;

	if (!s->secure || f->registered == NULL ||
	    s->peer->service == SERVICE_SMTP)
		return STR_NONE;
	if (f->group == NULL)
		return arena_printf(a, "tls %s", f->registered);
	return arena_printf(a, "tls %s group %s", f->registered, f->group);
}
