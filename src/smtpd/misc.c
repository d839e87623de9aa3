/* SPDX-License-Identifier: ISC */
/*
 * The commands that change nothing: NOOP, HELP, VRFY, EXPN, TURN, and QUIT.
 * VRFY tells nothing about who exists here (RFC 5321 7.3) but answers as a
 * server must that does not verify: 252.  EXPN and TURN are known words that we
 * do not serve: 502, not 500.  NOOP takes an argument and ignores it (RFC 5321
 * 4.1.1.9); QUIT drops whatever transaction was under way.
 */

#include "smtpd/session.h"

void
smtpd_noop(struct session *s, struct str args)
{
	(void)args;
	session_reply(s, 250, (struct status){ 2, 0, 0 }, "Ok");
}

void
smtpd_vrfy(struct session *s, struct str args)
{
	if (args.n == 0) {
		session_reply(s, 501, (struct status){ 5, 5, 4 },
		    "Syntax: VRFY address");
		return;
	}
	session_reply(s, 252, (struct status){ 2, 5, 0 },
	    "Cannot VRFY user, but will accept message and attempt delivery");
}

void
smtpd_expn(struct session *s, struct str args)
{
	(void)args;
	session_reply(s, 502, (struct status){ 5, 5, 1 },
	    "EXPN is not implemented here");
}

void
smtpd_turn(struct session *s, struct str args)
{
	(void)args;
	session_reply(s, 502, (struct status){ 5, 5, 1 },
	    "TURN is not implemented: RFC 5321 F.1");
}

void
smtpd_help(struct session *s, struct str args)
{
	if (args.n > 0 && command_parse(args).verb == VERB_UNKNOWN) {
		session_reply(s, 504, (struct status){ 5, 5, 4 },
		    "No help on that");
		return;
	}
	session_reply(s, 214, (struct status){ 2, 0, 0 },
	    "This is godwit, a mail transfer agent.  Commands:\n"
	    "EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT STARTTLS");
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
