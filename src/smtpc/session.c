/* SPDX-License-Identifier: ISC */
/*
 * The public face of the client room: a connection is opened, carries any
 * number of transactions (smtpc/transact) and is closed.  deliver calls it
 * with a socket that is connected already.
 *
 * Always true: between smtpc_open() and smtpc_close() the struct owns the
 * descriptor; after a failed smtpc_open() there is nothing to close.  A
 * connection that is no longer usable is closed without a QUIT: either nobody
 * listens any more, or the two sides no longer agree which reply is whose.
 */
#include "smtpc/session.h"

#include <string.h>

#include "smtpc/hello.h"

#define QUIT_WAIT	5	/* seconds; nothing depends on the reply */

const struct smtpc_timeouts smtpc_timeouts_default = {
	.greeting = 300, .command = 300, .data = 120, .block = 180,
	.final = 600,
};

static void
name_peer(struct smtpc *c, struct str host, const struct sock_addr *peer)
{
	char ip[IP_TEXT_MAX];

	c->host = arena_str(&c->arena, host);
	if (peer == NULL || peer->ip.family == 0) {
		c->peer = c->where = c->host;
		return;
	}
	c->where = arena_printf(&c->arena, "%.*s[%s]:%u", STR_ARG(host),
	    ip_format(&peer->ip, ip), peer->port);
	c->peer = str_slice(c->where, 0, str_rfind(c->where, ':'));
}

static void
finish(struct smtpc *c)
{
	stream_close(&c->stream);
	reply_free(&c->reply);
	arena_free(&c->arena);
	c->usable = false;
}

int
smtpc_open_within(struct smtpc *c, int fd, struct str host,
    const struct sock_addr *peer, struct str name,
    const struct smtpc_timeouts *timeouts, struct fault *why)
{
	memset(c, 0, sizeof(*c));
	arena_init(&c->arena);
	reply_init(&c->reply);
	stream_init(&c->stream, fd);
	c->timeouts = timeouts;
	c->usable = true;
	name_peer(c, host, peer);
	if (smtpc_hello(c, name, why) == 0)
		return 0;
	finish(c);
	return -1;
}

int
smtpc_open(struct smtpc *c, int fd, struct str host,
    const struct sock_addr *peer, struct str name, struct fault *why)
{
	return smtpc_open_within(c, fd, host, peer, name,
	    &smtpc_timeouts_default, why);
}

void
smtpc_close(struct smtpc *c, bool wait)
{
	struct fault why;

	if (c->usable) {
		stream_put(&c->stream, STR("QUIT\r\n"));
		if (wait)
			(void)smtpc_read(c, QUIT_WAIT, "sending QUIT", &why);
		else
			(void)stream_flush(&c->stream);
	}
	finish(c);
}
