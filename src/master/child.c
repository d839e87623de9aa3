/* SPDX-License-Identifier: ISC */
/*
 * Counting sessions by client address, so that one client cannot have all of
 * them.  Pure bookkeeping; the master forks and reaps.  A session is found by
 * its process when it ends, its client's count by the address; a client is
 * remembered only as long as it has a session, so that a stranger who comes
 * from ever new addresses leaves nothing behind.
 */

#include "master/child.h"

#include <signal.h>
#include <string.h>

#include "base/die.h"
#include "base/mem.h"

struct client {
	struct ip	ip;
	unsigned	n;
};

struct child {
	pid_t		pid;
	struct client	*client;
};

static struct str
key_of_ip(const struct ip *ip)
{
	return str_span(ip, sizeof(*ip));
}

void
children_init(struct children *c)
{
	memset(c, 0, sizeof(*c));
	table_init(&c->by_pid);
	table_init(&c->by_client);
}

unsigned
children_of(const struct children *c, const struct ip *ip)
{
	const struct client *k = table_find(&c->by_client, key_of_ip(ip));

	return k == NULL ? 0 : k->n;
}

static struct client *
get_client(struct children *c, const struct ip *ip)
{
	struct client *k = table_find(&c->by_client, key_of_ip(ip));

	if (k != NULL)
		return k;
	k = mem_alloc(sizeof(*k));
	k->ip = *ip;
	(void)table_put(&c->by_client, key_of_ip(&k->ip), k);
	return k;
}

void
children_add(struct children *c, pid_t pid, const struct ip *ip)
{
	struct child *child = mem_alloc(sizeof(*child));

	child->pid = pid;
	child->client = get_client(c, ip);
	child->client->n++;
	must(table_put(&c->by_pid, str_span(&child->pid, sizeof(pid)),
	    child) == NULL);
	c->n++;
}

bool
children_remove(struct children *c, pid_t pid)
{
	struct child *child = table_remove(&c->by_pid,
	    str_span(&pid, sizeof(pid)));
	struct client *k;

	if (child == NULL)
		return false;
	k = child->client;
	if (--k->n == 0) {
		(void)table_remove(&c->by_client, key_of_ip(&k->ip));
		mem_free(k);
	}
	mem_free(child);
	c->n--;
	return true;
}

void
children_signal(const struct children *c, int sig)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (table_next(&c->by_pid, &at, &key, &value))
		(void)kill(((struct child *)value)->pid, sig);
}
