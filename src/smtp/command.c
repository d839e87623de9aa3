/* SPDX-License-Identifier: ISC */
/*
 * A command line in two pieces: the verb and what stands behind it (RFC 5321
 * 4.1.1).  The session calls it with each line and then looks the verb up in
 * its own table; whether the verb is allowed now, and what its arguments mean,
 * is decided there and in smtp/param.
 *
 * Verbs are matched whole and in any case (RFC 5321 2.4).  Blanks in front of
 * a verb are not skipped: such a line is no command.  Blanks behind the
 * arguments are dropped, as RFC 5321 4.1.1 asks.  Any byte may be in the line;
 * one that holds a control character inside its verb is just unknown.
 */
#include "smtp/command.h"

static const struct {
	struct str	name;
	enum verb	verb;
} verbs[] = {
	{ { "EHLO", 4 }, VERB_EHLO },
	{ { "HELO", 4 }, VERB_HELO },
	{ { "MAIL", 4 }, VERB_MAIL },
	{ { "RCPT", 4 }, VERB_RCPT },
	{ { "DATA", 4 }, VERB_DATA },
	{ { "RSET", 4 }, VERB_RSET },
	{ { "NOOP", 4 }, VERB_NOOP },
	{ { "VRFY", 4 }, VERB_VRFY },
	{ { "EXPN", 4 }, VERB_EXPN },
	{ { "HELP", 4 }, VERB_HELP },
	{ { "QUIT", 4 }, VERB_QUIT },
	{ { "TURN", 4 }, VERB_TURN },
	{ { "STARTTLS", 8 }, VERB_STARTTLS },
	{ { "ETRN", 4 }, VERB_ETRN },
	{ { "BDAT", 4 }, VERB_BDAT },
	{ { "XCLIENT", 7 }, VERB_XCLIENT },
	{ { "AUTH", 4 }, VERB_AUTH },
};

#define NVERBS	(sizeof(verbs) / sizeof(verbs[0]))

struct command
command_parse(struct str line)
{
	struct command c = { .verb = VERB_UNKNOWN };
	size_t i, n = 0;

	while (n < line.n && !str_is_blank(line.p[n]))
		n++;
	c.word = str_slice(line, 0, n);
	c.args = str_trim(str_from(line, n));
	for (i = 0; i < NVERBS; i++)
		if (str_caseeq(verbs[i].name, c.word))
			c.verb = verbs[i].verb;
	return c;
}

const char *
command_name(enum verb verb)
{
	size_t i;

	for (i = 0; i < NVERBS; i++)
		if (verbs[i].verb == verb)
			return verbs[i].name.p;
	return "UNKNOWN";
}
