/* SPDX-License-Identifier: ISC */
/*
 * Counting sessions by client, so that one client cannot have all of them.
 * Pure bookkeeping in memory that was taken at the start; the master forks and
 * reaps.  There are at most some thousands, so that looking through them all
 * costs less than the fork beside it, and nothing has to be kept in step.
 *
 * A client is an IPv4 address or an IPv6 network of 64 bits, which is what a
 * single customer has of these.
 */

#include "master/child.h"

#include <string.h>

#include "base/die.h"
#include "base/mem.h"

void
children_init(struct children *c, size_t max)
{
	c->child = mem_array(max, sizeof(*c->child));
	c->max = max;
	c->n = 0;
}

void
children_free(struct children *c)
{
	mem_free(c->child);
	memset(c, 0, sizeof(*c));
}

bool
children_are_full(const struct children *c)
{
	return c->n == c->max;
}

static struct ip
client_of(const struct ip *ip)
{
	struct ip client = *ip;

	if (client.family == 6)
		memset(client.b + 8, 0, 8);
	return client;
}

size_t
children_of(const struct children *c, const struct ip *ip)
{
	struct ip client = client_of(ip);
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (memcmp(&c->child[i].client, &client, sizeof(client)) == 0)
			n++;
	return n;
}

void
children_add(struct children *c, pid_t pid, const struct ip *ip)
{
	must(c->n < c->max);
	c->child[c->n++] = (struct child){ pid, client_of(ip) };
}

bool
children_remove(struct children *c, pid_t pid)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->child[i].pid == pid) {
			c->child[i] = c->child[--c->n];
			return true;
		}
	return false;
}
