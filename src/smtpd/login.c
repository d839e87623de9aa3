/* SPDX-License-Identifier: ISC */
/*
 * AUTH (RFC 4954): a client proves who it is, and may then send to every
 * domain.
 *
 * The session frames the messages (base 64, "=" for an empty one, "*" to
 * cancel) and feeds them to the machine of the mechanism (auth/sasl).  Whether
 * a secret is right it never learns from a hash: it asks the doorkeeper, over
 * a socket of its own for each attempt.  He knows whose session it is, and so
 * how long that client has to wait (priv/door).  Who has failed a few times is
 * sent away.
 *
 * What the client said is wiped where it passed.  Nothing is said to it but
 * that it failed; the reason goes to the log, in the words that fail2ban knows.
 */

#include "smtpd/login.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "auth/sasl.h"
#include "base/base64.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/sock.h"
#include "priv/door.h"
#include "smtp/ext.h"
#include "tls/tls.h"
#include "visit/term.h"

enum {
	FAILURES_MAX = 3,		/* then the session ends */
	DOOR_TIMEOUT = 90,		/* seconds for one answer */
};

struct exchange {
	struct session	*session;
	struct sasl	 sasl;
	struct buf	 in;		/* the client's last message */
	int		 door;		/* or -1 */
	char		 room[DOOR_PACKET_MAX];
};

/* ------------------------------------------------------- what is offered */

/* What names the client's TLS connection, of this kind. */
static bool
find_binding(const struct session *s, struct str kind, struct buf *out)
{
	return s->stream.ops == &tls_ops &&
	    tls_find_binding(s->stream.ctx, kind, out);
}

static bool
may_bind(const struct session *s)
{
	struct buf b = { 0 };
	bool may = find_binding(s, STR("tls-exporter"), &b) ||
	    find_binding(s, STR("tls-server-end-point"), &b);

	buf_free(&b);
	return may;
}

/* Who TLS says the client is; "" when it does not. */
static struct str
find_proved(const struct session *s)
{
	struct str name = str_of(s->tls.name);

	return s->secure && s->tls.verified && sasl_is_name(name) ? name :
	    STR_NONE;
}

static bool
may_use(const struct session *s, enum conf_mechanism m)
{
	if ((s->conf->login.mechanisms & 1U << m) == 0)
		return false;
	switch (m) {
	case MECHANISM_SCRAM_SHA_256_PLUS:
		return may_bind(s);
	case MECHANISM_EXTERNAL:
		return find_proved(s).n > 0;
	case MECHANISM_SCRAM_SHA_256:
	case MECHANISM_OAUTHBEARER:
	case MECHANISM_XOAUTH2:
	case MECHANISM_PLAIN:
	case MECHANISM_LOGIN:
		return true;
	case MECHANISMS:
		break;
	}
	return false;
}

bool
login_is_offered(const struct session *s)
{
	return s->conf->login.by != LOGIN_NONE && !s->peer->local &&
	    (s->secure || s->conf->login.without_tls);
}

void
login_put_mechanisms(struct buf *b, const struct session *s)
{
	for (unsigned m = 0; m < MECHANISMS; m++)
		if (may_use(s, (enum conf_mechanism)m))
			buf_printf(b, " %.*s",
			    STR_ARG(sasl_get((enum conf_mechanism)m)->name));
}

/* ------------------------------------------------------------- the client */

static void
lose(struct session *s, enum stream_result r)
{
	const char *what = "lost connection";

	if (r == STREAM_TIMEOUT)
		what = term_end(s);
	s->ended = true;
	log_info("%s after AUTH from %s", what, s->client);
}

/* Its next line; false: there is none that is one, which it was told. */
static bool
read_line(struct session *s, struct str *line)
{
	enum stream_result r;

	do
		r = stream_line(&s->stream, LOGIN_LINE_MAX, false, line);
	while (r == STREAM_SIGNAL && !session_is_spent(s));
	switch (r) {
	case STREAM_OK:
		return true;
	case STREAM_TOO_LONG:
		session_reply(s, 500, (struct status){ 5, 5, 6 },
		    "Authentication exchange line is too long");
		break;
	case STREAM_BARE:
		session_reply(s, 501, (struct status){ 5, 5, 2 },
		    "Bare LF, bare CR or NUL in a response");
		break;
	case STREAM_SIGNAL:
		break;		/* what is to be said the loop says */
	case STREAM_TIMEOUT:
	case STREAM_END:
	case STREAM_BROKEN:
		lose(s, r);
		break;
	}
	return false;
}

static bool
decode(struct exchange *x, struct str text)
{
	buf_reset(&x->in);
	if (base64_decode(text, &x->in))
		return true;
	session_reply(x->session, 501, (struct status){ 5, 5, 2 },
	    "Cannot decode that as base64");
	return false;
}

/* A challenge, and what the client answers; false: no answer, and that was
 * all. */
static bool
converse(struct exchange *x, struct str challenge)
{
	struct session *s = x->session;
	struct str line;

	stream_put(&s->stream, STR("334 "));
	base64_put(&s->stream.out, challenge);
	stream_put(&s->stream, STR("\r\n"));
	if (!read_line(s, &line))
		return false;
	if (!str_eq(line, STR("*")))
		return decode(x, line);
	session_reply(s, 501, (struct status){ 5, 7, 0 },
	    "Authentication cancelled");
	return false;
}

/* ------------------------------------------------------- what came of it */

static void
refuse(struct exchange *x, struct str name, struct str why)
{
	struct session *s = x->session;
	const struct sasl_mechanism *m = x->sasl.mechanism;

	log_warning("%s: SASL %.*s authentication failed: %.*s, "
	    "sasl_username=%.*s", s->client, STR_ARG(m->name), STR_ARG(why),
	    STR_ARG(name));
	s->login_failures++;
	/* Who breaks that off, RFC 7628 3.2.3, has failed as well. */
	if (m->refusal[0] == '\0' || converse(x, str_of(m->refusal)))
		session_reply(s, 535, (struct status){ 5, 7, 8 },
		    "Authentication failed");
	if (!s->ended && s->login_failures >= FAILURES_MAX)
		session_end(s, (struct status){ 4, 7, 0 },
		    "Error: too many failed logins");
}

/* What the client would need, and no login: nothing was tried. */
static void
answer_query(struct exchange *x)
{
	if (converse(x, str_of(x->sasl.mechanism->refusal)))
		session_reply(x->session, 535, (struct status){ 5, 7, 8 },
		    "Authentication failed");
}

static void
put_off(struct exchange *x, struct str why)
{
	struct session *s = x->session;

	/* fail2ban knows not to count this one. */
	log_warning("%s: SASL %.*s authentication failed: Connection lost to "
	    "authentication server: %.*s", s->client,
	    STR_ARG(x->sasl.mechanism->name), STR_ARG(why));
	session_reply(s, 454, (struct status){ 4, 7, 0 },
	    "Temporary authentication failure");
}

static void
send_away(struct exchange *x, struct str seconds)
{
	struct session *s = x->session;

	log_warning("%s: SASL %.*s authentication put off for %.*s seconds: "
	    "too many failures from there", s->client,
	    STR_ARG(x->sasl.mechanism->name), STR_ARG(seconds));
	session_end(s, (struct status){ 4, 7, 0 },
	    "Error: too many failed logins from your network");
}

static void
accept_login(struct exchange *x, struct str login, struct str words,
    struct str pass)
{
	struct session *s = x->session;
	struct str who = arena_str(&s->arena, login);
	struct str kept = arena_str(&s->arena, pass);

	if (!sasl_is_name(who)) {
		put_off(x, STR("no good name"));
		return;
	}
	/* What the client answers to the last words is nothing. */
	if (words.n > 0 && !converse(x, words))
		return;
	s->login = who;
	s->login_pass = kept;
	s->login_method = x->sasl.mechanism->name;
	term_lift(s);
	session_reply(s, 235, (struct status){ 2, 7, 0 },
	    "Authentication successful");
	s->idle = 0;
}

/* --------------------------------------------------------- the doorkeeper */

static unsigned
flags_of(const struct session *s)
{
	return (s->secure ? DOOR_SECURE : 0) |
	    (may_use(s, MECHANISM_SCRAM_SHA_256_PLUS) ? DOOR_PLUS : 0);
}

/* One answer.  True when it is of the kind that goes on; else all was said. */
static bool
hear(struct exchange *x, struct door_packet *p, enum door_kind goes_on)
{
	int64_t asked = clock_mono_ms();
	int r = door_receive(x->door, x->room, p);

	term_excuse(x->session, clock_mono_ms() - asked);
	if (r < 0) {
		put_off(x, STR("no answer"));
		return false;
	}
	if (p->kind == goes_on)
		return true;
	switch (p->kind) {
	case DOOR_YES:
		accept_login(x, p->field[0], p->field[1], p->field[2]);
		return false;
	case DOOR_NO:
		refuse(x, p->field[0], p->field[1]);
		return false;
	case DOOR_LATER:
		put_off(x, p->field[0]);
		return false;
	case DOOR_WAIT:
		send_away(x, p->field[0]);
		return false;
	case DOOR_SPEND:
	case DOOR_REPORTED:
	case DOOR_WITHIN:
	case DOOR_OVER:
	case DOOR_KNOCK:
	case DOOR_ENTER:
	case DOOR_CHALLENGE:
	case DOOR_SECRET:
	case DOOR_TOKEN:
	case DOOR_BEGIN:
	case DOOR_RESPONSE:
		break;
	}
	put_off(x, STR("an answer that is none"));
	return false;
}

/* Who the client is, if that is not who has connected; else "". */
static struct str
tell_client(const struct session *s, char room[IP_TEXT_MAX])
{
	if (!s->peer->reported)
		return STR_NONE;
	return s->peer->addr.ip.family == 0 ? STR("unknown") :
	    str_of(ip_format(&s->peer->addr.ip, room));
}

/* To which of our addresses it has come; "" where nobody knows. */
static struct str
tell_own(const struct session *s, char room[IP_TEXT_MAX])
{
	struct sock_addr own;

	if (sock_local(s->stream.fd, &own) < 0 || own.ip.family == 0)
		return STR_NONE;
	return str_of(ip_format(&own.ip, room));
}

/* Who has its own socket there; false, and all was said, when it is not let
 * in. */
static bool
knock(struct exchange *x)
{
	struct session *s = x->session;
	char told[IP_TEXT_MAX], own[IP_TEXT_MAX];
	struct door_packet p = { .kind = DOOR_KNOCK,
	    .field = { tell_client(s, told), tell_own(s, own) } };
	struct str path = conf_run_path(s->conf, &s->arena, CONF_DOOR);
	struct fault why;

	x->door = sock_connect_packets(path.p, DOOR_TIMEOUT, &why);
	if (x->door < 0) {
		put_off(x, str_of(why.text));
		return false;
	}
	if (door_send(x->door, &p) < 0) {
		put_off(x, arena_printf(&s->arena, "nobody hears the knock: "
		    "%s", strerror(errno)));
		return false;
	}
	return hear(x, &p, DOOR_ENTER);
}

static bool
ask(struct exchange *x, const struct door_packet *p)
{
	if (door_send(x->door, p) == 0)
		return true;
	put_off(x, STR("nobody listens"));
	return false;
}

static void
ask_secret(struct exchange *x, enum door_kind kind)
{
	struct door_packet p = { .kind = kind, .flags = flags_of(x->session),
	    .field = { x->sasl.mechanism->name, STR("smtp"), x->sasl.name,
	    x->sasl.secret } };

	if (knock(x) && ask(x, &p))
		(void)hear(x, &p, DOOR_KNOCK);
}

/* "p=KIND,...": RFC 5802 7. */
static struct str
wanted_binding(struct str first)
{
	if (!str_starts(first, STR("p=")))
		return STR_NONE;
	return str_slice(first, 2, str_find(first, ','));
}

static void
carry(struct exchange *x)
{
	struct str kind = wanted_binding(buf_str(&x->in));
	struct buf data = { 0 };
	bool bound = find_binding(x->session, kind, &data);
	struct door_packet p = { .kind = DOOR_BEGIN,
	    .flags = flags_of(x->session), .field = {
	    x->sasl.mechanism->name, STR("smtp"), bound ? kind : STR_NONE,
	    buf_str(&data), buf_str(&x->in) } };
	bool asked = knock(x) && ask(x, &p);

	buf_free(&data);
	if (!asked)
		return;
	while (hear(x, &p, DOOR_CHALLENGE)) {
		if (!converse(x, p.field[0]))
			return;
		p = (struct door_packet){ .kind = DOOR_RESPONSE,
		    .field = { buf_str(&x->in) } };
		if (!ask(x, &p))
			return;
	}
}

/* ------------------------------------------------------------ the command */

static void
run(struct exchange *x, bool none)
{
	for (;; none = false) {
		switch (sasl_step(&x->sasl, none, buf_str(&x->in))) {
		case SASL_CHALLENGE:
			if (!converse(x, buf_str(&x->sasl.out)))
				return;
			continue;
		case SASL_SECRET:
			ask_secret(x, DOOR_SECRET);
			return;
		case SASL_TOKEN:
			ask_secret(x, DOOR_TOKEN);
			return;
		case SASL_QUERY:
			answer_query(x);
			return;
		case SASL_CARRY:
			carry(x);
			return;
		case SASL_DONE:
			accept_login(x, x->sasl.name, STR_NONE, STR_NONE);
			return;
		case SASL_MALFORMED:
			session_reply(x->session, 501,
			    (struct status){ 5, 5, 2 },
			    "Malformed authentication message");
			return;
		case SASL_REFUSED:
			refuse(x, x->sasl.name, STR("not acceptable"));
			return;
		}
	}
}

/* Why it may not come now; false, and it was said. */
static bool
may_come(struct session *s)
{
	if (s->conf->login.by == LOGIN_NONE || s->peer->local)
		session_reply(s, 502, (struct status){ 5, 5, 1 },
		    "AUTH is not offered here");
	else if (s->login.n > 0)
		session_reply(s, 503, (struct status){ 5, 5, 1 },
		    "You have logged in already");
	else if (!s->esmtp)
		session_reply(s, 503, (struct status){ 5, 5, 1 },
		    "Send EHLO first");
	else if ((s->extensions & EXT_AUTH) == 0 && login_is_offered(s))
		session_reply(s, 502, (struct status){ 5, 5, 1 },
		    "AUTH is not offered here");
	else if (!login_is_offered(s))
		session_reply(s, 538, (struct status){ 5, 7, 11 },
		    "Encryption required: send STARTTLS first");
	else
		return true;
	return false;
}

bool
login_is_whole(struct str args)
{
	const struct sasl_mechanism *m;
	struct str name, initial;

	if (!str_word(&args, &name) || !str_word(&args, &initial))
		return false;
	m = sasl_find(name);
	return m != NULL && m->one_round;
}

void
smtpd_auth(struct session *s, struct str args)
{
	struct exchange x = { .session = s, .door = -1 };
	const struct sasl_mechanism *m;
	struct str name, initial, rest = args;
	bool none;

	if (!may_come(s))
		return;
	if (!str_word(&rest, &name)) {
		session_reply(s, 501, (struct status){ 5, 5, 4 },
		    "Syntax: AUTH mechanism [initial-response]");
		return;
	}
	none = !str_word(&rest, &initial);
	m = sasl_find(name);
	if (str_trim(rest).n > 0)
		session_reply(s, 501, (struct status){ 5, 5, 4 },
		    "Syntax: AUTH mechanism [initial-response]");
	else if (m == NULL || !may_use(s, m->id))
		session_reply(s, 504, (struct status){ 5, 5, 4 },
		    "Unrecognized authentication type");
	else if (none || str_eq(initial, STR("=")) || decode(&x, initial)) {
		sasl_init(&x.sasl, m, &s->arena, find_proved(s));
		run(&x, none);
		sasl_free(&x.sasl);
	}
	if (x.door >= 0)
		close(x.door);
	if (x.in.cap > 0)
		explicit_bzero(x.in.p, x.in.cap);
	buf_free(&x.in);
	explicit_bzero(x.room, sizeof(x.room));
	stream_wipe(&s->stream);
}
