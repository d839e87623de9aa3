/* SPDX-License-Identifier: ISC */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include "base/str.h"

/* Command lines (RFC 5321 4.1.1). */
enum verb {
	VERB_UNKNOWN,
	VERB_EHLO, VERB_HELO, VERB_MAIL, VERB_RCPT, VERB_DATA, VERB_RSET,
	VERB_NOOP, VERB_VRFY, VERB_EXPN, VERB_HELP, VERB_QUIT, VERB_TURN,
	VERB_STARTTLS, VERB_ETRN, VERB_AUTH,
	VERB_BDAT, VERB_XCLIENT,
};

/* Octets with CRLF.  RFC 5321 4.5.3.1.4 asks for 512, and the extensions for more:
 * MAIL for 1265 (SIZE 26, BODY 18, SMTPUTF8 10, RET 9, ENVID 107, AUTH 506,
 * REQUIRETLS 11, BY 17, HOLDUNTIL 34, MT-PRIORITY 15), RCPT for 1055 (NOTIFY 36,
 * ORCPT 507).  AUTH has a limit of its own. */
#define COMMAND_LINE_MAX	2048

struct command {
	enum verb	verb;
	struct str	word;		/* the verb as it was written */
	struct str	args;		/* behind it, blanks trimmed */
};

/* line is without its CRLF. */
struct command command_parse(struct str line);
const char *command_name(enum verb);

#endif
