/* SPDX-License-Identifier: ISC */
/*
 * The commands that change nothing: NOOP, HELP, TURN, and QUIT.
 *
 * TURN is a known word that we do not serve: 502, not 500.  NOOP takes an
 * argument and ignores it (RFC 5321 4.1.1.9); QUIT drops whatever transaction was
 * under way.  HELP tells what a verb wants, and names them all when none is asked
 * for; it is heard before EHLO too, so the setting alone switches it off.
 */

#include "smtpd/offer.h"

void
smtpd_noop(struct session *s, struct str args)
{
	(void)args;
	session_reply(s, 250, (struct status){ 2, 0, 0 }, "Ok");
}

void
smtpd_turn(struct session *s, struct str args)
{
	(void)args;
	session_reply(s, 502, (struct status){ 5, 5, 1 },
	    "TURN is not implemented: RFC 5321 F.1");
}

static const struct {
	enum verb	 verb;
	const char	*text;
} helps[] = {
	{ VERB_EHLO, "EHLO hostname" },
	{ VERB_HELO, "HELO hostname" },
	{ VERB_MAIL, "MAIL FROM:<address> [SIZE=n] [BODY=type] [SMTPUTF8] "
	    "[RET=FULL|HDRS] [ENVID=id] ..." },
	{ VERB_RCPT, "RCPT TO:<address> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] "
	    "[ORCPT=type;address]" },
	{ VERB_DATA, "DATA" },
	{ VERB_RSET, "RSET" },
	{ VERB_NOOP, "NOOP [anything]" },
	{ VERB_VRFY, "VRFY address [SMTPUTF8]" },
	{ VERB_EXPN, "EXPN alias [SMTPUTF8]" },
	{ VERB_ETRN, "ETRN [@]domain" },
	{ VERB_AUTH, "AUTH mechanism [initial-response]" },
	{ VERB_HELP, "HELP [verb]" },
	{ VERB_QUIT, "QUIT" },
};

void
smtpd_help(struct session *s, struct str args)
{
	enum verb verb = command_parse(args).verb;

	if (offer_is_off(s->conf, EXT_HELP)) {
		session_reply(s, 502, (struct status){ 5, 5, 1 },
		    "HELP is not implemented");
		return;
	}
	for (size_t i = 0; args.n > 0 &&
	    i < sizeof(helps) / sizeof(helps[0]); i++)
		if (helps[i].verb == verb) {
			session_reply(s, 214, (struct status){ 2, 0, 0 },
			    "%s", helps[i].text);
			return;
		}
	if (args.n > 0) {
		session_reply(s, 504, (struct status){ 5, 5, 4 },
		    "No help on that");
		return;
	}
	session_reply(s, 214, (struct status){ 2, 0, 0 },
	    "This is godwit, a mail transfer agent.  Commands:\n"
	    "EHLO HELO MAIL RCPT DATA RSET NOOP VRFY EXPN ETRN HELP QUIT "
	    "STARTTLS AUTH");
}

void
smtpd_quit(struct session *s, struct str args)
{
	if (args.n > 0) {
		session_reply(s, 501, (struct status){ 5, 5, 4 },
		    "Syntax: QUIT");
		return;
	}
	transaction_end(s);
	session_reply(s, 221, (struct status){ 2, 0, 0 }, "Bye");
	s->ended = true;
}
