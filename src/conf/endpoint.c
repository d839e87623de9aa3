/* SPDX-License-Identifier: ISC */
/*
 * Where something listens, in one word of a configuration: a host, a port, or
 * both.  An IPv6 address is full of colons, so it stands in brackets as soon as
 * a port follows it; a port alone may have its colon or, where
 * the caller says so, not.
 *
 * Whether the host is a name or an address is the caller's to find out, and
 * nothing is copied: the parts lie within the word.  Called by conf/listener
 * and conf/sentence.
 */
#include "conf/endpoint.h"

#include "base/num.h"

bool
endpoint_parse_port(struct str text, uint16_t *port)
{
	uint64_t n;

	if (!num_parse(text, UINT16_MAX, &n) || n == 0)
		return false;
	*port = (uint16_t)n;
	return true;
}

static bool
parse_brackets(struct str text, struct endpoint *to)
{
	size_t at = str_find(text, ']');

	if (at == text.n)
		return false;
	to->host = str_slice(text, 1, at);
	to->brackets = true;
	text = str_from(text, at + 1);
	return text.n == 0 || (text.p[0] == ':' &&
	    endpoint_parse_port(str_from(text, 1), &to->port));
}

bool
endpoint_parse(struct str text, struct endpoint *to)
{
	struct ip ip;
	size_t at;

	*to = (struct endpoint){ .host = text };
	if (str_starts(text, STR("[")))
		return parse_brackets(text, to);
	if (ip_parse(text, &ip) || (at = str_rfind(text, ':')) == text.n)
		return true;
	to->host = str_slice(text, 0, at);
	return str_find(to->host, ':') == to->host.n &&
	    endpoint_parse_port(str_from(text, at + 1), &to->port);
}

bool
endpoint_parse_ip(struct str text, struct ip *ip)
{
	return ip_parse(text, ip) || ip_parse_literal(text, ip);
}

void
endpoint_put(struct buf *out, struct str host, uint16_t port)
{
	bool brackets = str_find(host, ':') < host.n;

	buf_printf(out, "%s%.*s%s:%u", brackets ? "[" : "", STR_ARG(host),
	    brackets ? "]" : "", (unsigned)port);
}
