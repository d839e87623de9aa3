/* SPDX-License-Identifier: ISC */
/*
 * The beginning of a connection: the greeting, EHLO, or HELO to a server that
 * refuses EHLO with 5yz (RFC 5321 4.1.1.1, 3.2), and what the reply to EHLO
 * offers.
 *
 * An extension is known or it is not there: keywords that smtp/ext does not
 * list, and parameters that cannot be read, are passed over.  Whatever goes
 * wrong here is a temporary fault of this one host; smtpc/session closes, and
 * its caller tries the next.
 */
#include "smtpc/hello.h"

#include "base/num.h"
#include "smtp/ext.h"

/* "SIZE 1000"; a 0 or nothing means no fixed limit (RFC 1870 4). */
static void
note_size(struct smtpc *c, struct str args)
{
	struct str word;
	uint64_t size;

	if (str_word(&args, &word) && num_parse(word, UINT64_MAX, &size))
		c->size_max = size;
}

/* "DELIVERBY 60,more"; nothing means any time (RFC 2852 2). */
static void
note_by(struct smtpc *c, struct str args)
{
	struct str word, least;
	uint64_t seconds;

	if (str_word(&args, &word) && str_cut(&word, ',', &least) &&
	    num_parse(least, UINT32_MAX, &seconds))
		c->by_least = seconds;
}

static void
note_extensions(struct smtpc *c)
{
	struct str rest = buf_str(&c->reply.text), line, word;
	unsigned bit;

	c->extensions = 0;
	c->size_max = c->by_least = 0;
	/* The first line is the domain. */
	(void)str_cut(&rest, '\n', &line);
	while (str_cut(&rest, '\n', &line)) {
		if (!str_word(&line, &word))
			continue;
		bit = ext_find(word);
		c->extensions |= bit;
		if (bit == EXT_SIZE)
			note_size(c, line);
		else if (bit == EXT_DELIVERBY)
			note_by(c, line);
	}
	/* RFC 6531 3.1, 8: it cannot be meant. */
	if ((c->extensions & EXT_8BITMIME) == 0)
		c->extensions &= ~(unsigned)EXT_SMTPUTF8;
}

static int
say(struct smtpc *c, const char *verb, struct str name, const char *doing,
    struct fault *why)
{
	stream_printf(&c->stream, "%s %.*s\r\n", verb, STR_ARG(name));
	return smtpc_read(c, c->timeouts->command, doing, why);
}

int
smtpc_hello(struct smtpc *c, struct str name, struct fault *why)
{
	if (smtpc_read(c, c->timeouts->greeting,
	    "receiving the initial server greeting", why) != 0)
		return -1;
	if (c->reply.code != 220)
		return smtpc_refused(c, NULL, why);
	if (say(c, "EHLO", name, "performing the EHLO handshake", why) != 0)
		return -1;
	if (c->reply.code / 100 == 2) {
		note_extensions(c);
		return 0;
	}
	if (c->reply.code / 100 != 5)
		return smtpc_refused(c, "EHLO command", why);
	if (say(c, "HELO", name, "performing the HELO handshake", why) != 0)
		return -1;
	if (c->reply.code / 100 == 2)
		return 0;
	return smtpc_refused(c, "HELO command", why);
}
