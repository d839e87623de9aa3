/* SPDX-License-Identifier: ISC */
/*
 * Questions to the system's resolver.  libresolv carries a question to the
 * name servers of resolv.conf and an answer back (UDP, TCP when cut, the next
 * server when one does not answer); it is given a private state, so that
 * nothing here is shared with a getaddrinfo() of the process.  What came back
 * is read by dns/rr only, never by libresolv.
 *
 * One question asks for one type.  CNAMEs are followed inside of an answer and,
 * when a server has left the rest to us, by asking again; a chain longer than
 * CHAIN_MAX is a resolver that does not answer.
 *
 * The AD bit is believed only when every name server is on this machine: over
 * a network anybody could have set it.  A server that cannot read EDNS0 (RFC
 * 6891) is asked once more without it.
 *
 * Nothing is cached: that is the resolver's work.  Called by route, trust and
 * policy; the answers live in the caller's arena.
 */
#include "dns/resolve.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "os/file.h"

#define CHAIN_MAX	8		/* CNAMEs; RFC 5321 5.1 */
#define NAME_TEXT_MAX	253		/* RFC 1035 2.3.4 as text */
#define ANSWER_MAX	65535		/* RFC 1035 4.2.2 */
#define QUESTION_MAX	(NS_HFIXEDSZ + NS_MAXCDNAME + NS_QFIXEDSZ)
#define OPT_SIZE	11		/* RFC 6891 6.1.2 */
#define UDP_SIZE	1232		/* fits the smallest IPv6 path */
#define WAIT_SECONDS	1	/* and twice as long each time: 15 in all */
#define WAIT_TIMES	4

#define RCODE_FORMERR	1		/* RFC 1035 4.1.1 */
#define RCODE_NXDOMAIN	3

static const char conf_path[] = "/etc/resolv.conf";

struct resolver {
	struct __res_state	 state;
	struct stat		 conf;		/* as it was when read */
	bool			 fixed;		/* by resolver_new_at() */
	bool			 trusted;	/* every server is loopback */
	bool			 plain;		/* no EDNS0 */
	uint8_t			*answer;	/* ANSWER_MAX bytes */
};

static bool
is_loopback(const struct __res_state *state, int i)
{
	const struct sockaddr_in *v4 = &state->nsaddr_list[i];
	const struct sockaddr_in6 *v6 = state->_u._ext.nsaddrs[i];

	if (v4->sin_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return v6 != NULL && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static void
judge_servers(struct resolver *r)
{
	r->trusted = r->state.nscount > 0;
	for (int i = 0; i < r->state.nscount; i++)
		r->trusted = r->trusted && is_loopback(&r->state, i);
}

/* Reads resolv.conf into an empty state. */
static int
start(struct resolver *r)
{
	memset(&r->state, 0, sizeof(r->state));
	if (res_ninit(&r->state) != 0)
		return -1;
	r->state.options &= ~(unsigned long)(RES_DNSRCH | RES_DEFNAMES);
	r->state.options |= RES_TRUSTAD;
	r->state.retrans = WAIT_SECONDS;
	r->state.retry = WAIT_TIMES;
	r->plain = false;
	judge_servers(r);
	return 0;
}

static void
stat_conf(struct stat *st)
{
	if (stat(conf_path, st) != 0)
		memset(st, 0, sizeof(*st));
}

struct resolver *
resolver_new(struct fault *why)
{
	struct resolver *r = mem_alloc(sizeof(*r));

	stat_conf(&r->conf);
	if (start(r) != 0) {
		mem_free(r);
		fault_temporary(why, 451, 4, 3, "cannot read %s", conf_path);
		return NULL;
	}
	r->answer = mem_alloc(ANSWER_MAX);
	return r;
}

/* libresolv keeps IPv6 servers in memory of malloc() and frees them itself. */
static void
set_server(struct __res_state *state, const struct sock_addr *at)
{
	struct sockaddr_in *v4 = &state->nsaddr_list[0];
	struct sockaddr_in6 *v6;

	memset(v4, 0, sizeof(*v4));
	if (at->ip.family == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(at->port);
		memcpy(&v4->sin_addr, at->ip.b, sizeof(v4->sin_addr));
	} else if ((v6 = calloc(1, sizeof(*v6))) != NULL) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(at->port);
		memcpy(&v6->sin6_addr, at->ip.b, sizeof(v6->sin6_addr));
		state->_u._ext.nsaddrs[0] = v6;
	}
	state->nscount = 1;
}

struct resolver *
resolver_new_at(const struct sock_addr *at, struct fault *why)
{
	struct resolver *r = resolver_new(why);

	if (r == NULL)
		return NULL;
	res_nclose(&r->state);
	memset(r->state._u._ext.nsaddrs, 0, sizeof(r->state._u._ext.nsaddrs));
	r->state._u._ext.nscount = 0;
	set_server(&r->state, at);
	r->fixed = true;
	judge_servers(r);
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	res_nclose(&r->state);
	mem_free(r->answer);
	mem_free(r);
}

void
resolver_refresh(struct resolver *r)
{
	struct stat now;

	if (r->fixed)
		return;
	stat_conf(&now);
	if (file_is_same(&now, &r->conf))
		return;
	r->conf = now;
	res_nclose(&r->state);
	/* Without servers every question is "try again" until the next
	 * change; the socket of an empty state is not descriptor 0. */
	if (start(r) != 0) {
		memset(&r->state, 0, sizeof(r->state));
		r->state._vcsock = -1;
	}
}

/* libresolv reads a backslash as an escape; no name needs one. */
static bool
is_askable(struct str name)
{
	if (name.n == 0 || name.n > NAME_TEXT_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == '\\')
			return false;
	return name.p[name.n - 1] != '.';
}

/* An OPT record that says how much we take over UDP (RFC 6891 6.1.2). */
static int
put_opt(uint8_t *question, int n)
{
	static const uint8_t opt[OPT_SIZE] = {
		0, 0, 41, UDP_SIZE >> 8, UDP_SIZE & 0xff,
	};

	memcpy(question + n, opt, sizeof(opt));
	question[NS_HFIXEDSZ - 1] = 1;		/* ARCOUNT */
	return n + OPT_SIZE;
}

static int
send_question(struct resolver *r, uint8_t *question, int n,
    struct arena *arena, struct rr_answer *answer)
{
	int got = res_nsend(&r->state, question, n, r->answer, ANSWER_MAX);

	if (got <= 0 || got > ANSWER_MAX)
		return -1;
	return rr_parse(arena, r->answer, (size_t)got, answer);
}

/* One question as it stands; -1: no answer that can be read. */
static int
ask(struct resolver *r, struct arena *arena, const char *name,
    enum rr_type type, struct rr_answer *answer)
{
	uint8_t question[QUESTION_MAX + OPT_SIZE];
	int n;

	if (r->state.nscount == 0)
		return -1;
	n = res_nmkquery(&r->state, ns_o_query, name, ns_c_in, (int)type,
	    NULL, 0, NULL, question, QUESTION_MAX);
	if (n < 0)
		return -1;
	if (!r->plain) {
		if (send_question(r, question, put_opt(question, n), arena,
		    answer) != 0)
			return -1;
		if (answer->rcode != RCODE_FORMERR)
			return 0;
		r->plain = true;
		question[NS_HFIXEDSZ - 1] = 0;
	}
	return send_question(r, question, n, arena, answer);
}

/* The alias that stands for a name in this answer. */
static const struct rr *
find_alias(const struct rr_answer *answer, struct str name)
{
	for (size_t i = 0; i < answer->records.n; i++) {
		const struct rr *rr = &answer->records.p[i];

		if (rr->type == RR_CNAME && str_caseeq(rr->owner, name))
			return rr;
	}
	return NULL;
}

static void
collect(struct arena *arena, const struct rr_answer *answer,
    enum rr_type type, struct resolved *out)
{
	for (size_t i = 0; i < answer->records.n; i++) {
		const struct rr *rr = &answer->records.p[i];

		if (rr->type == type && str_caseeq(rr->owner, out->canonical))
			vec_push(arena, &out->records, *rr);
	}
}

static enum resolve_result
give_up(struct fault *why, struct str name, const char *reason)
{
	fault_temporary(why, 451, 4, 3,
	    "Host or domain name not found. Name service error for "
	    "name=%.*s: %s", STR_ARG(name), reason);
	return RESOLVE_TRY_AGAIN;
}

/* Follows the aliases of one answer; false when there are too many. */
static bool
follow(const struct rr_answer *answer, struct resolved *out)
{
	const struct rr *alias;

	while ((alias = find_alias(answer, out->canonical)) != NULL) {
		if (++out->aliases > CHAIN_MAX)
			return false;
		out->canonical = alias->name;
	}
	return true;
}

bool
resolve_read(struct arena *arena, const struct rr_answer *answer,
    enum rr_type type, struct resolved *out, enum resolve_result *result,
    const char **reason)
{
	unsigned before = out->aliases;

	*result = RESOLVE_TRY_AGAIN;
	*reason = "server failure";
	if (answer->rcode != 0 && answer->rcode != RCODE_NXDOMAIN)
		return true;
	out->secure = out->secure && answer->authentic;
	*reason = "too many aliases";
	if (type != RR_CNAME && !follow(answer, out))
		return true;
	collect(arena, answer, type, out);
	if (out->records.n > 0)
		*result = RESOLVE_FOUND;
	else if (answer->rcode == RCODE_NXDOMAIN)
		*result = RESOLVE_NO_NAME;
	else if (out->aliases == before || out->canonical.n == 0)
		*result = RESOLVE_NO_DATA;
	else
		return false;
	return true;
}

enum resolve_result
resolve(struct resolver *r, struct arena *arena, struct str name,
    enum rr_type type, struct resolved *out, struct fault *why)
{
	struct rr_answer answer;
	enum resolve_result result;
	const char *reason;

	memset(out, 0, sizeof(*out));
	out->canonical = arena_str(arena, name);
	out->secure = r->trusted;
	if (!is_askable(name))
		return RESOLVE_NO_NAME;
	do {
		if (ask(r, arena, out->canonical.p, type, &answer) != 0)
			return give_up(why, name, "no answer, try again");
	} while (!resolve_read(arena, &answer, type, out, &result, &reason));
	return result == RESOLVE_TRY_AGAIN ? give_up(why, name, reason) :
	    result;
}
