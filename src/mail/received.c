/* SPDX-License-Identifier: ISC */
/*
 * The trace line that this machine puts in front of a message (RFC 5321 4.4).
 * The session writes it when the recipients are known, the bounce maker for
 * the messages that are made here.
 *
 * Three words of it come from outside: the name in HELO, the name that DNS
 * gives to the client, and the recipient.  The first two may hold anything and
 * are cleaned here, so that only the letters of domain names and address
 * literals pass: neither a parenthesis nor a blank nor a semicolon can end
 * their place and begin a false trace.  An address holds no control character
 * by its own contract and stands in angle brackets.
 *
 * Always true: every line is shorter than 998 octets (RFC 5322 2.1.1) and ends
 * in CRLF.
 */
#include "mail/received.h"

#include "base/utf8.h"
#include "mail/date.h"
#include "mail/domain.h"

static bool
is_plain(char c)
{
	struct str specials = STR("()<>@,;\\\"");

	return c > 32 && c < 127 && str_find(specials, c) == specials.n;
}

static void
put_name(struct buf *b, struct str name)
{
	size_t i;

	if (name.n == 0)
		name = STR("unknown");
	name = str_slice(name, 0, DOMAIN_MAX);
	for (i = 0; i < name.n; i++)
		buf_putc(b, is_plain(name.p[i]) ? name.p[i] : '?');
}

static void
put_client(struct buf *b, const struct envelope *e)
{
	buf_puts(b, STR("from "));
	put_name(b, e->helo);
	buf_puts(b, STR(" ("));
	put_name(b, e->client_name);
	if (e->client_ip.family != 0) {
		buf_puts(b, STR(" ["));
		ip_put_literal(b, &e->client_ip);
		buf_putc(b, ']');
	}
	buf_puts(b, STR(")\r\n\t"));
}

/* Several recipients would learn of each other: then nobody is named.  Nor is one
 * whose name is not ASCII: this field alone would keep the message from hosts
 * without SMTPUTF8. */
static void
put_recipient(struct buf *b, const struct envelope *e)
{
	const struct address *to;

	if (e->recipients.n != 1)
		return;
	to = &e->recipients.p[0].original;
	if (address_is_null(to) || !utf8_is_ascii(to->local) ||
	    !utf8_is_ascii(to->domain))
		return;
	buf_puts(b, STR("\r\n\tfor <"));
	address_put(b, to);
	buf_putc(b, '>');
}

static void
put_part(struct buf *b, const char *before, struct str part, const char *after)
{
	if (part.n > 0)
		buf_printf(b, "%s%.*s%s", before, STR_ARG(part), after);
}

void
received_put(struct buf *b, const struct envelope *e,
    const struct received_tls *tls, struct str hostname, struct str id,
    int64_t wall)
{
	static const struct received_tls clear;

	if (tls == NULL)
		tls = &clear;
	buf_puts(b, STR("Received: "));
	if (e->origin == ORIGIN_SMTP && !tls->hides_client)
		put_client(b, e);
	if (!tls->hides_client)
		put_part(b, "(", tls->comment, ")\r\n\t");
	buf_printf(b, "by %.*s (godwit", STR_ARG(hostname));
	switch (e->origin) {
	case ORIGIN_SMTP:
		buf_puts(b, STR(") with "));
		put_name(b, e->protocol);
		buf_putc(b, ' ');
		break;
	case ORIGIN_LOCAL:
	case ORIGIN_DROP:
		buf_printf(b, ", from userid %lu)\r\n\t",
		    (unsigned long)e->uid);
		break;
	case ORIGIN_BOUNCE:
		buf_puts(b, STR(")\r\n\t"));
		break;
	}
	buf_printf(b, "id %.*s", STR_ARG(id));
	if (e->origin == ORIGIN_SMTP)
		put_recipient(b, e);
	/* RFC 6710 7 */
	if (e->wishes.priority != 0)
		buf_printf(b, "\r\n\tPRIORITY %d", e->wishes.priority);
	put_part(b, "\r\n\t", tls->clause, "");
	buf_puts(b, STR("; "));
	date_put(b, wall);
	buf_puts(b, STR("\r\n"));
}
