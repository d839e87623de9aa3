/* SPDX-License-Identifier: ISC */
/*
 * Where a final address goes: to a user of this system, through a configured
 * route, or to the hosts that take mail for its domain.
 *
 * A local domain is local whatever the routes say, so that "route *" means the
 * world outside; then the first route whose pattern matches; then RFC 5321 5.1
 * on port 25, or the address itself for a literal (RFC 5321 4.1.3).  Names are
 * in A-labels from here on, as the DNS and certificates want them (RFC 5890).
 *
 * Nothing is looked up in the DNS here; that is route/mx.  The users of the
 * system are asked only when a local part holds the delimiter, to tell the user
 * "a-b" from the user "a" with the extension "b".
 *
 * Called by queue for every attempt and by the command that explains an
 * address.  Always true: addresses with the same key go the same way and may
 * share a connection or a process.
 */
#include "route/next.h"

#include "base/ip.h"
#include "mail/domain.h"
#include "mail/idna.h"
#include "os/user.h"
#include "route/alias.h"

#define PORT_SMTP	25

static int
find_local(const struct conf *conf, struct arena *arena, struct str local,
    struct next *next, struct fault *why)
{
	struct user user;
	size_t end;
	int r;

	/* Such names never are users, and would be odd parts of a path. */
	if (local.n == 0 || local.p[0] == '-' ||
	    str_find(local, '/') != local.n)
		return fault_permanent(why, 550, 1, 1,
		    "\"%.*s\" cannot be a user", STR_ARG(local));
	end = alias_extension(conf, local);
	if (end < local.n) {
		r = user_find(arena, local, &user, why);
		if (r == -1)
			return -1;
		if (r == 1)
			end = local.n;
	}
	next->kind = NEXT_LOCAL;
	next->user = arena_str(arena, str_slice(local, 0, end));
	next->key = arena_printf(arena, "local:%.*s", STR_ARG(next->user));
	return 0;
}

/* The name in A-labels; addresses, with or without brackets, without them. */
static int
name_host(struct arena *arena, struct str name, struct str *host,
    bool *is_address, struct fault *why)
{
	char text[IP_TEXT_MAX];
	struct ip ip;

	*is_address = domain_is_literal(name, &ip) || ip_parse(name, &ip);
	if (*is_address) {
		*host = arena_str(arena, str_of(ip_format(&ip, text)));
		return 0;
	}
	return idna_to_ascii(arena, name, host, why);
}

static int
relay(struct arena *arena, struct str name, uint16_t port, bool mx,
    struct next *next, struct fault *why)
{
	bool is_address;

	if (name_host(arena, name, &next->host, &is_address, why) == -1)
		return -1;
	next->kind = NEXT_RELAY;
	next->port = port;
	next->mx = mx && !is_address;
	next->key = arena_printf(arena, next->mx ? "%.*s:%u" : "[%.*s]:%u",
	    STR_ARG(next->host), (unsigned)port);
	return 0;
}

static const struct conf_route *
find_route(const struct conf *conf, struct str domain, struct str ascii)
{
	const struct conf_route *route;
	size_t i;

	for (i = 0; i < conf->routes.n; i++) {
		route = &conf->routes.p[i];
		if (domain_matches(domain, route->pattern) ||
		    domain_matches(ascii, route->pattern))
			return route;
	}
	return NULL;
}

int
next_find(const struct conf *conf, struct arena *arena,
    const struct address *a, struct next *next, struct fault *why)
{
	static const struct next none;
	const struct conf_route *route;
	struct str ascii = a->domain;

	*next = none;
	if (alias_is_local(conf, a->domain))
		return find_local(conf, arena, a->local, next, why);
	if (a->domain.p[0] != '[' &&
	    idna_to_ascii(arena, a->domain, &ascii, why) == -1)
		return -1;
	route = find_route(conf, a->domain, ascii);
	next->routed = route != NULL;
	next->line = route != NULL ? route->line : 0;
	if (route != NULL)
		return relay(arena, route->host, route->port, route->mx, next,
		    why);
	return relay(arena, ascii, PORT_SMTP, true, next, why);
}
