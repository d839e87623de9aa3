/* SPDX-License-Identifier: ISC */
/*
 * Who is at the doorkeeper's door?  The kernel names the process that has
 * connected (SO_PEERCRED), and the masters have written down whose connection
 * that process has (master/roster).  The session sends nothing that proves
 * anything, and can say nothing of another one.
 *
 * The number is that of the time of connect(2), and the roster is read later:
 * if the process had ended in between, its number might be another session's by
 * now.  So the roster is read first, and then it is asked whether who has
 * connected still lives: if so, the number was its own all the time.  It lives
 * when its end of the socket is open, since it is the only process that has it:
 * a session cannot fork, and no descriptor leaves it (os/sandbox has no call
 * for that).  Where the kernel gives a handle of the process (SO_PEERPIDFD,
 * Linux 6.5) that is asked, too.
 *
 * For whom a proxy has connected its session tells the master, who writes it
 * down (priv/usher); here it may only say that nobody knows.  A host that may
 * use XCLIENT says for whom it comes as it likes, and so does its session; the
 * master has written down that it may, since it names others there, too.
 */
#include "doorkeeper/caller.h"

#include <string.h>

#include "os/sock.h"

bool
caller_meet(struct caller *c, int sock)
{
	uid_t uid;

	*c = (struct caller){ .session = 0 };
	return sock_peer_uid(sock, &uid, &c->session) == 0 && c->session > 0;
}

void
caller_hear(struct caller *c, const struct door_packet *p)
{
	c->says = p->field[0].n > 0;
	if (!ip_parse(p->field[0], &c->told))
		c->told = (struct ip){ .family = 0 };
	if (!ip_parse(p->field[1], &c->server))
		c->server = (struct ip){ .family = 0 };
}

/* May it say of others who they are? */
static bool
may_name(const struct conf *conf, const struct child *child)
{
	return child->speaks || conf_networks_have(&conf->session.xclient, &child->ip);
}

/* May who connects from there say that? */
static bool
may_say(const struct conf *conf, const struct child *child, bool unknown)
{
	const struct ip *from = &child->ip;

	if (may_name(conf, child))
		return true;
	for (size_t i = 0; unknown && i < conf->listens.n; i++)
		if (conf_networks_have(&conf->listens.p[i].proxies, from))
			return true;
	return false;
}

/* One of whom nothing is known is counted as the proxy. */
static bool
believe(struct caller *c, const struct conf *conf, const struct child *child)
{
	bool unknown = c->told.family == 0;

	c->client = child->ip;
	c->reported = child->told;
	if (!c->says || (child->told && ip_eq(&c->told, &child->ip)))
		return true;
	if (!may_say(conf, child, unknown))
		return false;
	c->reported = true;
	if (!unknown)
		c->client = c->told;
	return true;
}

enum caller_answer
caller_find(struct caller *c, int sock, const struct conf *conf,
    const struct rosters *r)
{
	struct child child;
	bool is_there = rosters_ask(r, c->session, &child) == ROSTER_KNOWN;

	if (!sock_peer_lives(sock))
		return CALLER_FALSE;
	if (!is_there)
		return CALLER_UNKNOWN;
	return believe(c, conf, &child) ? CALLER_KNOWN : CALLER_FALSE;
}

bool
caller_is_settled(const struct caller *c, const struct rosters *r)
{
	struct child child;

	return rosters_ask(r, c->session, &child) != ROSTER_NOT_NOW;
}

bool
caller_may_prove(const struct caller *c, int sock, const struct conf *conf,
    const struct rosters *r)
{
	bool by_certificate = conf->tls.clients == CLIENTS_ASKED &&
	    (conf->login.mechanisms & 1U << MECHANISM_EXTERNAL) != 0;
	struct child child;

	return rosters_ask(r, c->session, &child) == ROSTER_KNOWN &&
	    (sock == -1 || sock_peer_lives(sock)) &&
	    (by_certificate || may_name(conf, &child));
}
