/* SPDX-License-Identifier: ISC */
/*
 * Between the sessions and the master.  Those of proxies: "my client is this
 * one; may it stay?"  Any: "a user has logged in".  Strict, like priv/request: a
 * fixed size, a known family.  Whatever else comes is dropped, and nobody waits
 * for anybody whom he does not trust: the master never, a session some seconds.
 *
 * visit/proxied asks and visit/term tells, master/master hears and answers; who
 * may stay, and what a login is worth, is decided in master/budget.
 */

#include "priv/usher.h"

#include <errno.h>
#include <string.h>

enum {
	PATIENCE = 5,			/* seconds */
	TELLING = 1,			/* for what need not arrive */
};

struct packet {
	uint8_t	family;			/* 0: no address, but a login */
	uint8_t	b[16];
};

static const struct packet login = { .family = 0 };

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

void
usher_tell_login(int hold)
{
	call_tell(hold, str_span((const char *)&login, sizeof(login)),
	    TELLING);
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
	call->login = memcmp(&p, &login, sizeof(p)) == 0;
	return n == (ssize_t)sizeof(p) &&
	    (call->login || read_ip(&p, &call->ip)) ? 1 : -1;
}

void
usher_answer(int desk, const struct usher_call *call, const char *answer)
{
	call_answer(desk, &call->from, str_of(answer));
}
