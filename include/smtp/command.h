/* SPDX-License-Identifier: ISC */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include "base/str.h"

/* Command lines (RFC 5321 4.1.1). */
enum verb {
	VERB_UNKNOWN,
	VERB_EHLO, VERB_HELO, VERB_MAIL, VERB_RCPT, VERB_DATA, VERB_RSET,
	VERB_NOOP, VERB_VRFY, VERB_EXPN, VERB_HELP, VERB_QUIT, VERB_TURN,
	VERB_STARTTLS,
};

#define COMMAND_LINE_MAX	2048	/* octets with CRLF; RFC 5321 4.5.3.1.4
					 * asks for 512 and more per extension */

struct command {
	enum verb	verb;
	struct str	word;		/* the verb as it was written */
	struct str	args;		/* behind it, blanks trimmed */
};

/* line is without its CRLF. */
struct command command_parse(struct str line);
const char *command_name(enum verb);

#endif
