/* SPDX-License-Identifier: ISC */
/*
 * Binding.  TCP sockets are made with TCP_NODELAY and the shortest time for which
 * a session waits without a look at the notices, which every accepted connection
 * then inherits, so that a session need set nothing: what is longer, it waits for
 * in more than one step.
 * The local sockets may be connected to by everybody: who it is, the kernel
 * tells; what they may, is decided by those who serve them.  All of it happens
 * once, before anything else runs, so that an address that is taken is an
 * error on the terminal and not a line in a log.
 */

#include "master/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/die.h"
#include "os/proc.h"
#include "os/sock.h"
#include "visit/peer.h"

static int
add(struct listeners *l, int fd, const struct listener *kind)
{
	if (fd < 0)
		return -1;
	must(l->n < LISTEN_MAX);
	l->tcp[l->n] = *kind;
	l->tcp[l->n++].fd = fd;
	return 0;
}

/* A machine without IPv6 has no ::1 to listen on.  That is no reason to serve
 * nobody, as long as nobody asked for it: line 0 is our default. */
static bool
may_fail(const struct conf_listen *c)
{
	return c->line == 0 && c->ip.family == 6;
}

static int
shortest_timeout(const struct conf_timeout *t)
{
	uint64_t least = t->greeting;

	if (t->command < least)
		least = t->command;
	if (t->data < least)
		least = t->data;
	if (least > NOTICES_LOOK)
		least = NOTICES_LOOK;
	return (int)least;
}

static int
open_tcp(struct listeners *l, const struct conf *conf, struct fault *why)
{
	int timeout = shortest_timeout(&conf->timeout);

	for (size_t i = 0; i < conf->listens.n; i++) {
		const struct conf_listen *c = &conf->listens.p[i];
		struct sock_addr addr = { c->ip, c->port };
		struct listener kind = { .service = c->service, .index = i,
		    .timeout = timeout };
		char ip[IP_TEXT_MAX];

		if (add(l, sock_listen(&addr, LISTEN_BACKLOG, timeout, why),
		    &kind) == 0 || may_fail(c))
			continue;
		fault_prefix(why, "listen on %s port %u",
		    ip_format(&c->ip, ip), (unsigned)c->port);
		return -1;
	}
	return 0;
}

static int
open_local(struct listeners *l, const struct conf *conf, struct fault *why)
{
	struct listener kind = { .service = SERVICE_SMTP, .local = true };
	struct arena a = { 0 };
	struct str submit = conf_run_path(conf, &a, "submit.sock");
	struct str queue = conf_run_path(conf, &a, "queue.sock");
	struct str door = conf_run_path(conf, &a, CONF_DOOR);
	int r;

	r = add(l, sock_listen_unix(submit.p, 0666, LISTEN_BACKLOG, why),
	    &kind);
	if (r == 0) {
		l->queue = sock_listen_unix(queue.p, 0666, LISTEN_BACKLOG,
		    why);
		r = l->queue < 0 ? -1 : 0;
	}
	if (r == 0) {
		l->door = sock_listen_packets(door.p, 0600, LISTEN_BACKLOG,
		    why);
		r = l->door < 0 ? -1 : 0;
	}
	arena_free(&a);
	return r;
}

int
listen_open(struct listeners *l, const struct conf *conf, struct fault *why)
{
	memset(l, 0, sizeof(*l));
	l->queue = l->door = -1;
	if (open_tcp(l, conf, why) < 0 || open_local(l, conf, why) < 0) {
		listen_close(l);
		return -1;
	}
	return 0;
}

/* They were made one after the other and so are mostly neighbours. */
void
listen_leave(const struct listeners *l)
{
	unsigned i, n;

	for (i = 0; i < l->n; i += n) {
		unsigned first = (unsigned)l->tcp[i].fd;

		n = 1;
		while (i + n < l->n && (unsigned)l->tcp[i + n].fd == first + n)
			n++;
		proc_close_span(first, first + n - 1);
	}
}

void
listen_close(struct listeners *l)
{
	for (unsigned i = 0; i < l->n; i++)
		close(l->tcp[i].fd);
	if (l->queue >= 0)
		close(l->queue);
	if (l->door >= 0)
		close(l->door);
	l->n = 0;
	l->queue = l->door = -1;
}

int
listen_give_door(const struct conf *conf, uid_t uid, struct fault *why)
{
	struct arena a = { 0 };
	struct str path = conf_run_path(conf, &a, CONF_DOOR);
	int r = 0;

	if (lchown(path.p, uid, (gid_t)-1) < 0)
		r = fault_system(why, errno, "chown %s", path.p);
	arena_free(&a);
	return r;
}
