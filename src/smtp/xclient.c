/* SPDX-License-Identifier: ISC */
/*
 * The arguments of XCLIENT: NAME=value pairs parted by blanks, values in xtext
 * (RFC 3461 4), each attribute at most once.  The server calls it
 * (smtpd/xclient) for a client that may say such things; what it says goes into
 * log lines, Received fields and decisions, so that it must be what it is
 * called: an address an address, a name a name, and no control characters in
 * anything.
 *
 * [UNAVAILABLE] and [TEMPUNAVAIL], in any case, stand for a value that the
 * sender has not got, and mean the same here: nothing is asked again.
 */
#include "smtp/xclient.h"

#include "base/num.h"
#include "mail/domain.h"
#include "smtp/xtext.h"

#define SHOWN_MAX	40	/* of a peer's words in our replies */
#define TEXT_MAX	255	/* of HELO and LOGIN */

typedef bool value_read(struct xclient *, struct str);

static bool
read_port(struct str text, uint16_t *port)
{
	uint64_t n;

	if (!num_parse(text, UINT16_MAX, &n))
		return false;
	*port = (uint16_t)n;
	return true;
}

/* An IPv6 address has "IPV6:" in front; that may be left out. */
static bool
read_ip(struct str text, struct ip *ip)
{
	if (str_casestarts(text, STR("IPV6:"))) {
		text = str_from(text, 5);
		return str_find(text, ':') < text.n && ip_parse(text, ip);
	}
	return ip_parse(text, ip);
}

static bool
is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (str_is_control(s.p[i]) || (s.p[i] & 0x80) != 0)
			return false;
	return s.n > 0 && s.n <= TEXT_MAX && str_trim(s).n == s.n;
}

static bool
read_name(struct xclient *x, struct str v)
{
	x->name = v;
	return v.n == 0 || domain_is_valid(v, false);
}

static bool
read_addr(struct xclient *x, struct str v)
{
	return v.n == 0 || read_ip(v, &x->client.ip);
}

static bool
read_client_port(struct xclient *x, struct str v)
{
	return v.n == 0 || read_port(v, &x->client.port);
}

static bool
read_proto(struct xclient *x, struct str v)
{
	x->esmtp = str_caseeq(v, STR("ESMTP"));
	return x->esmtp || str_caseeq(v, STR("SMTP"));
}

static bool
read_helo(struct xclient *x, struct str v)
{
	x->helo = v;
	return v.n == 0 || (is_text(v) && str_find(v, ' ') == v.n);
}

static bool
read_login(struct xclient *x, struct str v)
{
	x->login = v;
	return v.n == 0 || is_text(v);
}

static bool
read_destaddr(struct xclient *x, struct str v)
{
	return v.n == 0 || read_ip(v, &x->here.ip);
}

static bool
read_destport(struct xclient *x, struct str v)
{
	return v.n == 0 || read_port(v, &x->here.port);
}

static bool
read_reverse_name(struct xclient *x, struct str v)
{
	x->reverse_name = v;
	return v.n == 0 || domain_is_valid(v, false);
}

static const struct {
	struct str		 name;
	enum xclient_given	 bit;
	value_read		*read;
} rows[] = {
	{ { "NAME", 4 }, XCLIENT_NAME, read_name },
	{ { "ADDR", 4 }, XCLIENT_ADDR, read_addr },
	{ { "PORT", 4 }, XCLIENT_PORT, read_client_port },
	{ { "PROTO", 5 }, XCLIENT_PROTO, read_proto },
	{ { "HELO", 4 }, XCLIENT_HELO, read_helo },
	{ { "LOGIN", 5 }, XCLIENT_LOGIN, read_login },
	{ { "DESTADDR", 8 }, XCLIENT_DESTADDR, read_destaddr },
	{ { "DESTPORT", 8 }, XCLIENT_DESTPORT, read_destport },
	{ { "REVERSE_NAME", 12 }, XCLIENT_REVERSE_NAME, read_reverse_name },
};

#define NROWS	(sizeof(rows) / sizeof(rows[0]))

static bool
read_value(struct arena *arena, size_t i, struct str value, struct xclient *x)
{
	struct str text;

	if (!xtext_decode(arena, value, &text) || text.n == 0)
		return false;
	if (str_caseeq(text, STR("[UNAVAILABLE]")) ||
	    str_caseeq(text, STR("[TEMPUNAVAIL]")))
		text = STR_NONE;
	return rows[i].read(x, text);
}

static int
refuse(struct fault *why, const char *what, struct str word)
{
	word = str_slice(word, 0, SHOWN_MAX);
	return fault_permanent(why, 501, 5, 4, "Syntax error: %s %.*s", what,
	    STR_ARG(word));
}

static int
read_pair(struct arena *arena, struct str word, struct xclient *x,
    struct fault *why)
{
	size_t eq = str_find(word, '='), i = 0;
	struct str name = str_slice(word, 0, eq);

	while (i < NROWS && !str_caseeq(rows[i].name, name))
		i++;
	if (i == NROWS || eq == word.n)
		return refuse(why, "bad XCLIENT attribute", name);
	if ((x->given & (unsigned)rows[i].bit) != 0)
		return refuse(why, "given twice:", name);
	if (!read_value(arena, i, str_from(word, eq + 1), x))
		return refuse(why, "bad value of", name);
	x->given |= (unsigned)rows[i].bit;
	return 0;
}

int
xclient_parse(struct arena *arena, struct str args, struct xclient *x,
    struct fault *why)
{
	struct str word;

	*x = (struct xclient){ 0 };
	while (str_word(&args, &word))
		if (read_pair(arena, word, x, why) < 0)
			return -1;
	if (x->given == 0)
		return fault_permanent(why, 501, 5, 4,
		    "Syntax: XCLIENT attribute=value...");
	return 0;
}
