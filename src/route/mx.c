/* SPDX-License-Identifier: ISC */
/*
 * From a domain to the hosts that take its mail, in the order in which they
 * are to be tried (RFC 5321 5.1), and from a host to its addresses.
 *
 * Names and preferences are what a stranger has put into the DNS: a name that
 * is no host name is left out, so are addresses that mean ourselves, and no
 * more than MX_HOSTS_MAX hosts and MX_IPS_MAX addresses are used.  Hosts of
 * one preference are put in a new random order at every call.
 *
 * A domain without MX records stands for itself.  Whether it has an address
 * decides between "try it" and "cannot be routed", so that one is looked up at
 * once and kept.
 *
 * Which of the hosts is tried, how often and for how long is the business of
 * deliver/remote.
 */
#include "route/mx.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/die.h"
#include "mail/domain.h"

#define MX_IPS_MAX	100	/* addresses of one host that are used */

struct candidate {
	struct str	name;
	uint16_t	preference;
	uint32_t	lot;
};

struct candidates {
	struct candidate	p[RR_MAX];
	size_t			n;
};

static int
refuse_null(struct str domain, struct fault *why)
{
	return fault_permanent(why, 556, 1, 10,
	    "Domain %.*s does not accept mail (nullMX)", STR_ARG(domain));
}

static int
refuse_unknown(struct str domain, struct fault *why)
{
	return fault_permanent(why, 550, 1, 2,
	    "Host or domain name not found. Name service error for "
	    "name=%.*s: Host not found", STR_ARG(domain));
}

static int
refuse_unroutable(struct str domain, const char *reason, struct fault *why)
{
	return fault_permanent(why, 550, 4, 4, "unable to route to %.*s: %s",
	    STR_ARG(domain), reason);
}

static int
refuse_loop(struct str domain, struct fault *why)
{
	return fault_permanent(why, 554, 4, 6,
	    "mail for %.*s loops back to myself", STR_ARG(domain));
}

static int
compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return x->lot < y->lot ? -1 : x->lot > y->lot;
}

/* The null MX is one record whose host is the root (RFC 7505 3). */
static bool
is_null_mx(const struct resolved *mx)
{
	return mx->records.n == 1 && mx->records.p[0].name.n == 0;
}

static void
gather(const struct resolved *mx, struct candidates *out)
{
	uint32_t lots[RR_MAX];

	must(mx->records.n <= RR_MAX);
	if (getrandom(lots, sizeof(lots), 0) != (ssize_t)sizeof(lots))
		die("no random numbers");
	out->n = 0;
	for (size_t i = 0; i < mx->records.n; i++) {
		const struct rr *rr = &mx->records.p[i];

		if (!domain_is_hostlike(rr->name))
			continue;
		out->p[out->n++] = (struct candidate){
			rr->name, rr->preference, lots[i],
		};
	}
	qsort(out->p, out->n, sizeof(out->p[0]), compare);
}

/* Takes away our own host and all that are not strictly better. */
static void
cut_at_self(struct candidates *list, struct str own)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!domain_eq(list->p[i].name, own))
			continue;
		while (i > 0 &&
		    list->p[i - 1].preference == list->p[i].preference)
			i--;
		list->n = i;
		return;
	}
}

/* The list is short: at most MX_HOSTS_MAX. */
static bool
is_listed(const struct mx_list *out, struct str name)
{
	for (size_t i = 0; i < out->hosts.n; i++)
		if (domain_eq(out->hosts.p[i].name, name))
			return true;
	return false;
}

static void
add_host(struct arena *arena, struct mx_list *out, struct str name,
    uint16_t preference)
{
	struct mx_host host = { .name = name, .preference = preference };

	vec_push(arena, &out->hosts, host);
}

static int
use_records(struct arena *arena, const struct resolved *mx, struct str domain,
    struct str own, struct mx_list *out, struct fault *why)
{
	struct candidates list;

	if (is_null_mx(mx))
		return refuse_null(domain, why);
	gather(mx, &list);
	if (list.n == 0)
		return refuse_unroutable(domain, "no MX is a host name", why);
	cut_at_self(&list, own);
	if (list.n == 0)
		return refuse_loop(domain, why);
	for (size_t i = 0; i < list.n && out->hosts.n < MX_HOSTS_MAX; i++)
		if (!is_listed(out, list.p[i].name))
			add_host(arena, out, list.p[i].name,
			    list.p[i].preference);
	return 0;
}

static int
use_domain(struct resolver *r, struct arena *arena, struct str domain,
    struct str own, struct mx_list *out, struct fault *why)
{
	if (domain_eq(domain, own))
		return refuse_loop(domain, why);
	out->implicit = true;
	add_host(arena, out, domain, 0);
	if (mx_addresses(r, arena, &out->hosts.p[0], true, why) != 0)
		return -1;
	if (out->hosts.p[0].ips.n == 0)
		return refuse_unroutable(domain,
		    "it has neither an MX nor an address", why);
	return 0;
}

int
mx_find(struct resolver *r, struct arena *arena, struct str domain,
    struct str own, struct mx_list *out, struct fault *why)
{
	struct resolved mx;

	memset(out, 0, sizeof(*out));
	switch (resolve(r, arena, domain, RR_MX, &mx, why)) {
	case RESOLVE_FOUND:
		out->secure = mx.secure;
		return use_records(arena, &mx, domain, own, out, why);
	case RESOLVE_NO_DATA:
		out->secure = mx.secure;
		return use_domain(r, arena, domain, own, out, why);
	case RESOLVE_NO_NAME:
		return refuse_unknown(domain, why);
	case RESOLVE_TRY_AGAIN:
		break;
	}
	return -1;
}

static void
drop_own(struct mx_host *host)
{
	size_t n = 0;

	for (size_t i = 0; i < host->ips.n; i++) {
		const struct ip *ip = &host->ips.p[i];

		if (!ip_is_loopback(ip) && !ip_is_any(ip))
			host->ips.p[n++] = *ip;
	}
	host->ips.n = n;
}

static void
alternate(struct arena *arena, const struct resolved *v6,
    const struct resolved *v4, struct mx_host *host)
{
	for (size_t i = 0; i < v6->records.n || i < v4->records.n; i++) {
		if (host->ips.n < MX_IPS_MAX && i < v6->records.n)
			vec_push(arena, &host->ips, v6->records.p[i].ip);
		if (host->ips.n < MX_IPS_MAX && i < v4->records.n)
			vec_push(arena, &host->ips, v4->records.p[i].ip);
	}
}

int
mx_addresses(struct resolver *r, struct arena *arena, struct mx_host *host,
    bool may_loopback, struct fault *why)
{
	enum resolve_result result6, result4;
	struct resolved v6, v4;

	if (host->ips.n == 0) {
		result6 = resolve(r, arena, host->name, RR_AAAA, &v6, why);
		result4 = RESOLVE_NO_NAME;
		v4 = (struct resolved){ .secure = false };
		if (result6 != RESOLVE_NO_NAME)
			result4 = resolve(r, arena, host->name, RR_A, &v4,
			    why);
		alternate(arena, &v6, &v4, host);
		/* One answer is enough to go on with. */
		if (host->ips.n == 0 && (result6 == RESOLVE_TRY_AGAIN ||
		    result4 == RESOLVE_TRY_AGAIN))
			return -1;
	}
	if (!may_loopback)
		drop_own(host);
	return 0;
}
