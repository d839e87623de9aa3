/* SPDX-License-Identifier: ISC */
/*
 * The session's loop: greet, read a line, look the verb up in a table, make
 * the checks that its row names, call one function.
 *
 * The table is the whole protocol machine: in which phases a verb may come and
 * what is said when it comes in another.  The last reply of a session is
 * flushed here, and the line that sums it up is logged here.
 */

#include "smtpd/serve.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "os/log.h"
#include "os/signal.h"
#include "smtp/ext.h"
#include "smtpd/login.h"
#include "smtpd/xclient.h"
#include "visit/guest.h"
#include "visit/proxied.h"
#include "visit/secure.h"
#include "visit/term.h"

enum {
	ANY = PHASE_CONNECTED | PHASE_GREETED | PHASE_MAIL | PHASE_RCPT |
	    PHASE_CHUNKS,
	TRANSACTION = PHASE_MAIL | PHASE_RCPT,
};

enum {
	LAST_WORDS = 10,		/* seconds to take our last reply */
	STRESSED_ERRORS = 3,		/* when little is left */
};

struct row {
	enum verb	 verb;
	unsigned	 phases;	/* in which it may come */
	bool		 last;		/* of a pipelined group: RFC 2920 3.1 */
	smtpd_verb	*run;
	int		 code;		/* reply when it comes in another */
	const char	*otherwise;
};

static const struct row table[] = {
	{ VERB_EHLO, ANY, true, smtpd_ehlo, 0, NULL },
	{ VERB_HELO, ANY, true, smtpd_helo, 0, NULL },
	{ VERB_MAIL, PHASE_GREETED, false, smtpd_mail, 503,
	    "Send EHLO first, and one MAIL at a time" },
	{ VERB_RCPT, TRANSACTION, false, smtpd_rcpt, 503,
	    "Need MAIL before RCPT" },
	{ VERB_DATA, PHASE_RCPT, false, smtpd_data, 503,
	    "Need MAIL and an accepted RCPT before DATA" },
	{ VERB_BDAT, PHASE_RCPT | PHASE_CHUNKS, false, smtpd_bdat, 0, NULL },
	{ VERB_XCLIENT, PHASE_CONNECTED | PHASE_GREETED, true, smtpd_xclient,
	    503, "XCLIENT may not come within a transaction" },
	{ VERB_RSET, ANY, false, smtpd_rset, 0, NULL },
	{ VERB_NOOP, ANY, false, smtpd_noop, 0, NULL },
	{ VERB_VRFY, ANY, false, smtpd_vrfy, 0, NULL },
	{ VERB_EXPN, ANY, false, smtpd_expn, 0, NULL },
	{ VERB_HELP, ANY, false, smtpd_help, 0, NULL },
	{ VERB_TURN, ANY, false, smtpd_turn, 0, NULL },
	{ VERB_ETRN, PHASE_GREETED, false, smtpd_etrn, 503,
	    "ETRN comes behind EHLO and between messages" },
	{ VERB_AUTH, PHASE_GREETED, true, smtpd_auth, 503,
	    "AUTH comes behind EHLO and between messages" },
	{ VERB_QUIT, ANY, false, smtpd_quit, 0, NULL },
	{ VERB_STARTTLS, PHASE_CONNECTED | PHASE_GREETED, true, smtpd_starttls,
	    503, "STARTTLS may not come within a transaction" },
};

static const struct row *
find_row(enum verb verb)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].verb == verb)
			return &table[i];
	return NULL;
}

/* How a TLS ClientHello begins: a record of type 22, of SSL 3.0 or TLS. */
static const struct str tls_hello = { "\x16\x03", 2 };

/* A browser that was sent here to speak for somebody else. */
static bool
is_not_mail(struct str word)
{
	static const char *const words[] = {	/* of HTTP 1 and 2 */
		"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS",
		"TRACE", "PATCH", "PRI", "Host:",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_caseeq(word, str_of(words[i])))
			return true;
	return str_starts(word, tls_hello);
}

static void
refuse_unknown(struct session *s, struct str word)
{
	if (is_not_mail(word)) {
		log_warning("non-SMTP command from %s: %.*s", s->client,
		    STR_ARG(word));
		session_end(s, (struct status){ 4, 5, 1 },
		    "This is a mail server");
		return;
	}
	session_reply(s, 500, (struct status){ 5, 5, 1 },
	    "Command not recognized");
}

/* A line that is no line.  Behind a BDAT there may be its octets: who has put up
 * with that line would take them for content, so they are no commands here. */
static void
refuse_line(struct session *s, enum stream_result r, struct str head)
{
	if (r == STREAM_TOO_LONG)
		session_reply(s, 500, (struct status){ 5, 5, 2 },
		    "Line too long");
	else
		session_reply(s, 500, (struct status){ 5, 5, 2 },
		    "Bare LF, bare CR or NUL in a command line");
	if (str_casestarts(str_trim(head), STR("BDAT")))
		session_end(s, (struct status){ 4, 5, 0 },
		    "It cannot be told what follows; closing connection");
}

static void
refuse_phase(struct session *s, const struct row *row, struct str args)
{
	if (row->verb == VERB_BDAT)
		smtpd_bdat_out_of_place(s, args);
	/* RFC 5321 3.3: 554 where all recipients were refused. */
	else if (row->verb == VERB_DATA && session_phase(s) == PHASE_MAIL)
		session_reply(s, 554, (struct status){ 5, 5, 1 },
		    "No valid recipients");
	else
		session_reply(s, row->code, (struct status){ 5, 5, 1 }, "%s",
		    row->otherwise);
}

/* Must it be the last of its group? */
static bool
is_last(const struct row *row, struct str args)
{
	return row->last && !(row->verb == VERB_AUTH && login_is_whole(args));
}

static void
run(struct session *s, struct str line)
{
	struct command c = command_parse(line);
	const struct row *row = find_row(c.verb);

	if (line.n + 2 > COMMAND_LINE_MAX && c.verb != VERB_AUTH) {
		refuse_line(s, STREAM_TOO_LONG, line);
		return;
	}
	if (row == NULL) {
		refuse_unknown(s, c.word);
		return;
	}
	s->last = c.verb;
	if (s->unwelcome && c.verb != VERB_QUIT && c.verb != VERB_BDAT) {
		session_reply(s, 503, (struct status){ 5, 5, 1 },
		    "You were refused; all that is left is QUIT");
		return;
	}
	if (row->phases == ANY)
		session_count_idle(s);
	if ((row->phases & (unsigned)session_phase(s)) == 0) {
		refuse_phase(s, row, c.args);
		return;
	}
	if (is_last(row, c.args) && stream_pending(&s->stream) > 0 &&
	    !s->peer->local) {
		session_end(s, (struct status){ 4, 5, 0 },
		    "Improper command pipelining");
		return;
	}
	row->run(s, c.args);
}

static void
log_loss(const struct session *s, const char *what)
{
	log_info("%s after %s from %s", what, s->last == VERB_UNKNOWN ?
	    "CONNECT" : command_name(s->last), s->client);
}

/* Asked to, and nothing is under way that the client would lose. */
static bool
is_to_end(const struct session *s)
{
	return s->transaction == NULL && signal_is_pending(SIGTERM);
}

/* An AUTH may bring a long response along, where it may come at all. */
static size_t
longest(const struct session *s)
{
	return (s->extensions & EXT_AUTH) != 0 && s->login.n == 0 ?
	    LOGIN_LINE_MAX : COMMAND_LINE_MAX;
}

/* The first bytes of all may be TLS, which has no lines: who speaks it would
 * wait for us as long as we for him.  Then they are the line. */
static enum stream_result
read_first(struct session *s, struct str *line)
{
	enum stream_result r;

	if ((r = stream_flush(&s->stream)) != STREAM_OK)
		return r;
	guest_attend(s);
	if ((r = stream_fill(&s->stream)) != STREAM_OK)
		return r;
	if (str_starts(stream_peek(&s->stream), tls_hello)) {
		*line = tls_hello;
		return STREAM_OK;
	}
	return stream_line(&s->stream, longest(s), false, line);
}

/* Who connects has something to say; a program of ours may think first. */
static uint64_t
patience(const struct session *s)
{
	return s->heard || s->peer->local ? s->conf->timeout.command :
	    s->conf->timeout.greeting;
}

/* A signal that came before is heard between two transactions. */
static enum stream_result
read_line(struct session *s, struct str *line)
{
	enum stream_result r;

	if (is_to_end(s))
		return STREAM_SIGNAL;
	session_set_patience(s, patience(s), SESSION_STRESSED);
	term_renew(s);
	if (s->stream.bytes_in == s->preface)
		r = read_first(s, line);
	else
		r = stream_line(&s->stream, longest(s), false, line);
	s->heard |= r != STREAM_SIGNAL;
	if (s->heard)
		guest_know(s, r == STREAM_OK);
	return r;
}

/* For what a client is sent away: as it is told, and in the log. */
struct excess {
	const char	*said, *logged;
};

/* NULL: it may stay. */
static const struct excess *
find_excess(const struct session *s)
{
	static const struct excess
	    unknown = { "Error: too many unknown recipients",
		"too many unknown recipients" },
	    errors = { "Error: too many errors", "too many errors" },
	    time = { "Error: too much processor time",
		"too much processor time" };

	if (s->unknown >= session_limit(s,
	    s->conf->session.unknown_recipients, STRESSED_ERRORS))
		return &unknown;
	if (s->errors >= session_limit(s, s->conf->session.errors,
	    STRESSED_ERRORS))
		return &errors;
	if (session_is_spent(s))
		return &time;
	return NULL;
}

/* One line, or the reason why there is none.  False: the session is over. */
static bool
step(struct session *s)
{
	struct str line = STR_NONE;
	enum stream_result r = read_line(s, &line);
	const struct excess *excess;

	if (r == STREAM_OK && is_to_end(s))
		r = STREAM_SIGNAL;
	switch (r) {
	case STREAM_OK:
		run(s, line);
		break;
	case STREAM_TOO_LONG:
	case STREAM_BARE:
		refuse_line(s, r, line);
		break;
	case STREAM_SIGNAL:
		if (is_to_end(s))
			session_end(s, (struct status){ 4, 3, 2 },
			    "Shutting down");
		break;
	case STREAM_TIMEOUT:
		log_loss(s, term_end(s));
		break;
	case STREAM_END:
	case STREAM_BROKEN:
		s->ended = true;
		log_loss(s, "lost connection");
		break;
	}
	if (!s->ended && (excess = find_excess(s)) != NULL) {
		session_end(s, (struct status){ 4, 7, 0 }, excess->said);
		log_loss(s, excess->logged);
	}
	return !s->ended;
}

/* Said when this process must die: no memory, no descriptors. */
static void
say_421(void *ctx)
{
	static const char text[] =
	    "421 4.3.0 Out of resources; try again later\r\n";
	struct session *s = ctx;

	/* In TLS it would be noise. */
	if (s->stream.ops == NULL)
		(void)!write(s->stream.fd, text, sizeof(text) - 1);
}

void
smtpd_prepare(struct smtpd *smtpd)
{
	smtpd->in = mem_resize(NULL, STREAM_IN_SIZE);
}

/* A guest's name is on its way while it has nothing to say. */
static void
announce(struct session *s)
{
	if (s->known.guest == NULL) {
		log_info("connect from %s", s->client);
		return;
	}
	guest_attend(s);
	guest_know(s, true);
}

/* False: there is nobody to talk to. */
static bool
greet(struct session *s)
{
	bool first = s->peer->service == SERVICE_SUBMISSIONS;

	term_begin(s);
	xclient_begin(s);
	guest_greet(s);
	if (first) {
		announce(s);
		if (!secure_begin(s))
			return false;
	}
	smtpd_greet(s);
	/* While the client reads the one we write the other. */
	(void)stream_flush(&s->stream);
	if (!first && s->known.guest == NULL)
		announce(s);
	return true;
}

void
smtpd_serve(const struct smtpd *smtpd, int fd, const struct smtpd_peer *peer,
    struct tally *tally)
{
	struct session s;

	session_init(&s, smtpd, fd, peer);
	if (smtpd->in != NULL)
		stream_lend(&s.stream, smtpd->in);
	die_set_last_act(say_421, &s);
	stream_has_timeout(&s.stream, peer->timeout);
	if ((!peer->proxied || proxied_begin(&s)) && greet(&s))
		while (!s.ended && step(&s))
			;
	guest_know(&s, false);
	stream_set_timeout(&s.stream, LAST_WORDS);
	stream_set_deadline(&s.stream, LAST_WORDS);
	(void)stream_flush(&s.stream);
	log_info("disconnect from %s messages=%u errors=%u", s.client,
	    s.tally.messages, s.errors);
	die_set_last_act(NULL, NULL);
	guest_free(&s);
	*tally = session_tally(&s);
	session_free(&s);
}
