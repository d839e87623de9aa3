/* SPDX-License-Identifier: ISC */
/*
 * Relaying to another server: find the hosts, connect to the first that
 * answers, hand over message after message on the same connection.
 *
 * Hosts are tried in the order of route/mx, each of its addresses in turn, at
 * most TRIES connections for one message.  A host that refuses the greeting is
 * passed over like one that does not answer.  When none is left the
 * destination is dead, and the runner hears of it: what waits for it is put off
 * without another try, so that a hundred messages to a dead host cost one
 * timeout.
 *
 * A connection that broke between two messages is opened again once, as a
 * server may hang up on an idle client at any time.
 */

#include "deliver/remote.h"

#include <string.h>

#include "os/clock.h"
#include "os/sock.h"

enum {
	TRIES = 5,		/* connections for one message */
};

void
remote_init(struct remote *r, const struct conf *conf, const struct next *next)
{
	memset(r, 0, sizeof(*r));
	r->conf = conf;
	r->next = next;
	r->why_where = STR("none");
}

static void
fixed_host(struct remote *r)
{
	struct mx_host host = { .name = r->next->host };
	struct ip ip;

	if (ip_parse(r->next->host, &ip) ||
	    ip_parse_literal(r->next->host, &ip))
		vec_push(&r->arena, &host.ips, ip);
	vec_push(&r->arena, &r->hosts.hosts, host);
}

/* Made when there is something to ask: a relay that is named by its address
 * needs no DNS. */
static int
need_resolver(struct remote *r)
{
	if (r->resolver == NULL)
		r->resolver = resolver_new(&r->why);
	return r->resolver != NULL ? 0 : -1;
}

static int
find_hosts(struct remote *r)
{
	if (r->found)
		return 0;
	if (!r->next->mx)
		fixed_host(r);
	else if (need_resolver(r) < 0 || mx_find(r->resolver, &r->arena,
	    r->next->host, r->conf->hostname, &r->hosts, &r->why) < 0)
		return -1;
	r->found = true;
	return 0;
}

static int
connect_to(struct remote *r, const struct mx_host *host, const struct ip *ip)
{
	struct sock_addr addr = { *ip, r->next->port };
	struct buf where = { 0 };
	char text[IP_TEXT_MAX];
	int fd;

	buf_printf(&where, "%.*s[%s]:%u", STR_ARG(host->name),
	    ip_format(ip, text), (unsigned)addr.port);
	r->why_host = host->name;
	r->why_where = arena_str(&r->arena, buf_str(&where));
	buf_free(&where);
	fd = sock_connect(&addr, NULL, (int)r->conf->timeout.connect, &r->why);
	if (fd < 0) {
		fault_prefix(&r->why, "connect to %.*s",
		    STR_ARG(r->why_where));
		return -1;
	}
	return smtpc_open(&r->smtpc, fd, host->name, &addr, r->conf->hostname,
	    &r->why);
}

/* A name of somebody else's that leads back to us would have us talk to
 * ourselves until the hop limit; only a route of our own may do so. */
static bool
is_ourselves(const struct remote *r, const struct ip *ip)
{
	if (r->next->routed)
		return false;
	if (ip_is_loopback(ip) || ip_is_any(ip))
		return true;
	for (size_t i = 0; i < r->conf->own.n; i++)
		if (ip_eq(&r->conf->own.p[i], ip))
			return true;
	return false;
}

/* Addresses of a host that cannot be asked for now count as one failure. */
static int
prepare_host(struct remote *r, struct mx_host *host)
{
	struct ip ip;

	if (host->ips.n > 0)
		return 0;
	if (ip_parse(host->name, &ip)) {
		vec_push(&r->arena, &host->ips, ip);
		return 0;
	}
	if (need_resolver(r) < 0 ||
	    mx_addresses(r->resolver, &r->arena, host, true, &r->why) < 0)
		return -1;
	if (host->ips.n == 0)
		return fault_temporary(&r->why, 451, 4, 4,
		    "Host %.*s has no address", STR_ARG(host->name));
	return 0;
}

/* A best MX that is ourselves is a loop; and hosts that are no better than we
 * are not to be tried by us (RFC 5321 5.1). */
static int
refuse_loop(struct remote *r)
{
	r->host = r->hosts.hosts.n;
	return fault_permanent(&r->why, 554, 4, 6,
	    "mail for %.*s loops back to this host", STR_ARG(r->next->host));
}

static int
connect_host(struct remote *r, struct mx_host *host, int *tries)
{
	if (prepare_host(r, host) < 0)
		return -1;
	for (; r->ip < host->ips.n; r->ip++) {
		const struct ip *ip = &host->ips.p[r->ip];

		if (is_ourselves(r, ip))
			return refuse_loop(r);
		if (++*tries > TRIES)
			return -1;
		if (connect_to(r, host, ip) == 0)
			return 0;
	}
	return -1;
}

/* What is said in the end: a host that may answer later outweighs one that
 * never can. */
static int
connect_any(struct remote *r)
{
	struct fault kept = { .kind = FAULT_NONE };
	int tries = 0;

	for (; r->host < r->hosts.hosts.n && tries <= TRIES;
	    r->host++, r->ip = 0) {
		if (connect_host(r, &r->hosts.hosts.p[r->host], &tries) == 0) {
			r->connected = true;
			return 0;
		}
		if (kept.kind == FAULT_NONE || !fault_is_temporary(&kept))
			kept = r->why;
	}
	if (kept.kind != FAULT_NONE)
		r->why = kept;
	return -1;
}

/* Whoever asks again knows that it was dead. */
static void
begin_again(struct remote *r)
{
	arena_reset(&r->arena);
	memset(&r->hosts, 0, sizeof(r->hosts));
	r->host = r->ip = 0;
	r->found = r->dead = false;
	r->why_host = STR_NONE;
	r->why_where = STR("none");
}

static int
open_connection(struct remote *r)
{
	if (r->connected && r->smtpc.usable)
		return 0;
	if (r->connected) {
		smtpc_close(&r->smtpc, false);
		r->connected = false;
	}
	if (r->dead)
		begin_again(r);
	if (find_hosts(r) == 0 && connect_any(r) == 0)
		return 0;
	r->dead = true;
	return -1;
}

static void
all_fail(struct remote *r, struct message *m, uint32_t n,
    struct outcome *outcome)
{
	for (uint32_t i = 0; i < n; i++)
		outcome[i] = outcome_of_fault(&m->arena, &r->why, r->why_host,
		    r->why_where);
}

static void
transact(struct remote *r, struct message *m, const struct job *job,
    struct outcome *outcome)
{
	const struct recipient *to[JOB_RECIPIENTS_MAX];
	struct smtpc_message msg = {
		.sender = &m->envelope.sender,
		.recipients = to,
		.n = job->n,
		.parts = m->parts,
		.nparts = m->super.nparts,
		.size = message_size(m),
		.body = m->envelope.body,
		.wishes = &m->envelope.wishes,
	};

	for (uint32_t i = 0; i < job->n; i++)
		to[i] = &m->envelope.recipients.p[job->index[i]];
	smtpc_transact(&r->smtpc, &msg, &m->arena, outcome);
}

/* Nobody answered, though the connection had served before: it had gone. */
static bool
was_stale(const struct remote *r, uint64_t before)
{
	return before > 0 && !r->smtpc.usable &&
	    r->smtpc.transactions == before;
}

void
remote_try(struct remote *r, struct message *m, const struct job *job,
    struct outcome *outcome)
{
	for (int round = 0; round < 2; round++) {
		uint64_t before;

		if (open_connection(r) < 0) {
			all_fail(r, m, job->n, outcome);
			return;
		}
		before = r->smtpc.transactions;
		transact(r, m, job, outcome);
		if (!was_stale(r, before))
			return;
	}
}

void
remote_close(struct remote *r)
{
	if (r->connected)
		smtpc_close(&r->smtpc, false);
	resolver_free(r->resolver);
	arena_free(&r->arena);
}
