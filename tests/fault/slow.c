/* SPDX-License-Identifier: ISC */
/*
 * Very many slow clients in one process, each from a network of its own:
 *
 *	slow COUNT SECONDS
 *
 * They call 10.255.0.1 and 2001:db8:ffff::1, half of them each; the caller has
 * made all of 10/8 and 2001:db8::/32 addresses of this host.  Of ten eight call
 * port 25, one 587 and one 465.  A fifth says nothing, a fifth a byte of a command
 * every ten seconds, a fifth stops within a TLS handshake, a fifth asks and never
 * reads, a fifth sends a message a byte every ten seconds; on 465, where TLS comes
 * first, each says nothing or a byte of the handshake now and then.  Who is sent
 * away calls again.  Once a second a line tells how many hold a connection, how
 * many of these do on 587 and 465, how many have ever had one, were refused, were
 * sent away.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "os/clock.h"

enum {
	TICK_MS = 50,
	DRIBBLE_MS = 10000,
	AGAIN_MS = 1000,
	OPENS = 20,			/* in a tick */
	EVENTS = 512,
	KINDS = 5,
	DEAF = 3,
	TLS_KINDS = 2,
	HELD_MS = 1000,			/* so long without a greeting */
	SMTP = 25,
	SUBMISSION = 587,
	SUBMISSIONS = 465,
};

/* One line each time that something has come; then NULL and a byte now and
 * then, if there is one. */
struct kind {
	const char	*line[6];
	size_t		 n;		/* of the last, if it holds a NUL */
	char		 dribble;
};

#define HELP10	"HELP\r\nHELP\r\nHELP\r\nHELP\r\nHELP\r\nHELP\r\nHELP\r\n" \
		"HELP\r\nHELP\r\nHELP\r\n"

static const struct kind kinds[KINDS] = {
	{ { NULL }, 0, '\0' },
	{ { "EHLO slow.example\r\n", "NOOP ", NULL }, 0, 'x' },
	{ { "EHLO slow.example\r\n", "STARTTLS\r\n",
	    "\x16\x03\x01\x02\x00\x01", NULL }, 6, '\0' },
	{ { "EHLO slow.example\r\n", HELP10 HELP10 HELP10 HELP10 HELP10
	    HELP10 HELP10 HELP10 HELP10, NULL }, 0, '\0' },
	{ { "EHLO slow.example\r\n", "MAIL FROM:<slow@far.example>\r\n",
	    "RCPT TO:<alice@example.org>\r\n", "DATA\r\n", "Subject: ",
	    NULL }, 0, 'x' },
};

/* Who waits for no greeting. */
static const struct kind tls_kinds[TLS_KINDS] = {
	{ { NULL }, 0, '\0' },
	{ { "\x16\x03\x01\x02\x00\x01", NULL }, 6, 'x' },
};

struct client {
	int	fd;			/* -1: none */
	bool	greeted;
	size_t	at;			/* in its lines */
	int64_t	when;			/* of its next byte or connection */
};

struct crowd {
	struct client	*client;
	size_t		 n;
	int		 poll;
	unsigned	 held, submitting, opened, refused, sent_away;
};

static void
give_up(const char *what)
{
	fprintf(stderr, "slow: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint16_t
port_of(size_t i)
{
	switch (i / 2 / KINDS % 10) {
	case 3:
		return SUBMISSION;
	case 7:
		return SUBMISSIONS;
	default:
		return SMTP;
	}
}

static const struct kind *
kind_of(size_t i)
{
	if (port_of(i) == SUBMISSIONS)
		return &tls_kinds[i / 2 % TLS_KINDS];
	return &kinds[i / 2 % KINDS];
}

/* Each from a /24 or a /48 of its own. */
static int
open_4(size_t i, uint16_t port)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = from;
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	from.sin_addr.s_addr = htonl(0x0a000007 | (uint32_t)i << 8);
	to.sin_addr.s_addr = htonl(0x0aff0001);
	to.sin_port = htons(port);
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
	    sizeof(on));
	if (fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0)
		(void)connect(fd, (struct sockaddr *)&to, sizeof(to));
	return fd;
}

static int
open_6(size_t i, uint16_t port)
{
	struct sockaddr_in6 from = { .sin6_family = AF_INET6 }, to = from;
	int on = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	(void)inet_pton(AF_INET6, "2001:db8::7", &from.sin6_addr);
	from.sin6_addr.s6_addr[4] = (uint8_t)(i >> 8);
	from.sin6_addr.s6_addr[5] = (uint8_t)i;
	(void)inet_pton(AF_INET6, "2001:db8:ffff::1", &to.sin6_addr);
	to.sin6_port = htons(port);
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	if (fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0)
		(void)connect(fd, (struct sockaddr *)&to, sizeof(to));
	return fd;
}

static void
call(struct crowd *c, size_t i)
{
	struct client *k = &c->client[i];
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = i };
	int small = 1;

	k->fd = i % 2 == 0 ? open_4(i, port_of(i)) : open_6(i, port_of(i));
	if (k->fd < 0)
		give_up("socket");
	if (kind_of(i) == &kinds[DEAF])
		(void)setsockopt(k->fd, SOL_SOCKET, SO_RCVBUF, &small,
		    sizeof(small));
	k->greeted = false;
	k->at = 0;
	k->when = port_of(i) == SUBMISSIONS ? clock_mono_ms() + HELD_MS :
	    INT64_MAX;
	if (epoll_ctl(c->poll, EPOLL_CTL_ADD, k->fd, &e) < 0)
		give_up("epoll");
}

static void
count(struct crowd *c, size_t i, unsigned by)
{
	c->held += by;
	if (port_of(i) != SMTP)
		c->submitting += by;
}

static void
lose(struct crowd *c, size_t i, int64_t now)
{
	struct client *k = &c->client[i];

	close(k->fd);
	k->fd = -1;
	k->when = now + AGAIN_MS;
	if (k->greeted) {
		count(c, i, -1U);
		c->sent_away++;
	} else {
		c->refused++;
	}
}

static void
go_on(const struct crowd *c, size_t i, int64_t now)
{
	struct client *k = &c->client[i];
	const struct kind *kind = kind_of(i);
	const char *line = kind->line[k->at];
	struct epoll_event none = { .events = 0, .data.u64 = i };

	if (line == NULL)
		return;
	k->at++;
	(void)send(k->fd, line, kind->line[k->at] == NULL && kind->n > 0 ?
	    kind->n : strlen(line), MSG_NOSIGNAL);
	if (kind->line[k->at] != NULL)
		return;
	k->when = kind->dribble != '\0' ? now + DRIBBLE_MS : INT64_MAX;
	if (kind == &kinds[DEAF])
		(void)epoll_ctl(c->poll, EPOLL_CTL_MOD, k->fd, &none);
}

static void
welcome(struct crowd *c, size_t i)
{
	c->client[i].greeted = true;
	count(c, i, 1);
	c->opened++;
}

static void
hear(struct crowd *c, size_t i, int64_t now)
{
	struct client *k = &c->client[i];
	char text[4096];
	ssize_t n = recv(k->fd, text, sizeof(text), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || (!k->greeted && text[0] != '2')) {
		lose(c, i, now);
		return;
	}
	if (!k->greeted)
		welcome(c, i);
	go_on(c, i, now);
}

/* Those whose time has come; so many calls at once, and no more. */
static void
tick(struct crowd *c, int64_t now)
{
	unsigned opens = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct client *k = &c->client[i];

		if (k->when > now)
			continue;
		if (k->fd < 0) {
			if (opens++ < OPENS)
				call(c, i);
		} else if (!k->greeted) {
			welcome(c, i);
			k->when = INT64_MAX;
			go_on(c, i, now);
		} else {
			(void)send(k->fd, &kind_of(i)->dribble, 1,
			    MSG_NOSIGNAL);
			k->when = now + DRIBBLE_MS;
		}
	}
}

static void
run(struct crowd *c, int64_t seconds)
{
	int64_t begun = clock_mono_ms(), now = begun, next = begun, said = 0;
	struct epoll_event e[EVENTS];

	while ((now = clock_mono_ms()) - begun < seconds * 1000) {
		int n = epoll_wait(c->poll, e, EVENTS, TICK_MS);

		for (int i = 0; i < n; i++)
			hear(c, e[i].data.u64, now);
		if (now < next)
			continue;
		next = now + TICK_MS;
		tick(c, now);
		if ((now - begun) / 1000 == said)
			continue;
		said = (now - begun) / 1000;
		printf("%u %u %u %u %u\n", c->held, c->submitting, c->opened,
		    c->refused, c->sent_away);
		fflush(stdout);
	}
}

int
main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	uint64_t n, seconds;
	struct crowd c = { 0 };

	if (argc != 3 || !num_parse(str_of(argv[1]), 50000, &n) ||
	    !num_parse(str_of(argv[2]), 86400, &seconds)) {
		fputs("usage: slow COUNT SECONDS\n", stderr);
		return 2;
	}
	(void)setrlimit(RLIMIT_NOFILE, &files);
	c.n = n;
	c.client = calloc(n, sizeof(*c.client));
	c.poll = epoll_create1(EPOLL_CLOEXEC);
	if (c.client == NULL || c.poll < 0)
		give_up("start");
	for (size_t i = 0; i < c.n; i++)
		c.client[i].fd = -1;
	run(&c, (int64_t)seconds);
	return 0;
}
