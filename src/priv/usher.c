/* SPDX-License-Identifier: ISC */
/*
 * Between the sessions of proxies and the master: "my client is this one; may
 * it stay?"  Strict, like priv/request: a fixed size, a known family.  Whatever
 * else comes is dropped, and nobody waits for anybody whom he does not trust:
 * the master never, a session some seconds.
 *
 * smtpd/proxied asks, master/master hears and answers; who may stay is decided
 * in master/budget.
 */

#include "priv/usher.h"

#include <errno.h>
#include <string.h>

enum {
	PATIENCE = 5,			/* seconds */
};

struct packet {
	uint8_t	family;
	uint8_t	b[16];
};

bool
usher_ask(int hold, const struct ip *ip, char answer[USHER_ANSWER_MAX])
{
	struct packet p = { .family = ip->family };
	ssize_t n;

	memcpy(p.b, ip->b, sizeof(p.b));
	n = call_ask(hold, str_span((const char *)&p, sizeof(p)), answer,
	    USHER_ANSWER_MAX - 1, PATIENCE);
	if (n <= 0)
		return false;
	answer[n] = '\0';
	return true;
}

/* From bytes, so that one thing has one form: a mapped address is IPv4. */
static bool
read_ip(const struct packet *p, struct ip *ip)
{
	if (p->family != 4 && p->family != 6)
		return false;
	*ip = ip_of_bytes(p->b, p->family == 4 ? 4 : 16);
	return ip->family == p->family;
}

int
usher_hear(int desk, struct usher_call *call)
{
	struct packet p = { 0 };
	ssize_t n = call_hear(desk, &p, sizeof(p), &call->from);

	if (n == -1)
		return 0;
	return n == (ssize_t)sizeof(p) && read_ip(&p, &call->ip) ? 1 : -1;
}

void
usher_answer(int desk, const struct usher_call *call, const char *answer)
{
	call_answer(desk, &call->from, str_of(answer));
}
