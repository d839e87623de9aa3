/* SPDX-License-Identifier: ISC */
#ifndef FAKE_DNS_H
#define FAKE_DNS_H
/*
 * A tiny name server for tests: a forked child on loopback, UDP and TCP, that
 * answers from a table and dies with fake_dns_stop().  What is not in the
 * table is NXDOMAIN; "count.test" TXT tells how many questions came before.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dns/rr.h"
#include "os/sock.h"

enum {
	FAKE_AD = 1,		/* say that it is authentic */
	FAKE_TC = 2,		/* the answer is only to be had by TCP */
	FAKE_GARBAGE = 4,	/* the last byte is missing */
	FAKE_NO_EDNS = 8,	/* FORMERR to a question with OPT */
};

struct fake_row {
	const char	*name;
	enum rr_type	 type;
	int		 rcode;
	int		 flags;
	const char	*answer;	/* lines "owner TYPE data" */
};

struct fake_message {
	unsigned char	p[65535];
	size_t		n;
};

static void
fake_put16(struct fake_message *m, unsigned v)
{
	m->p[m->n++] = (unsigned char)(v >> 8);
	m->p[m->n++] = (unsigned char)v;
}

static void
fake_put_name(struct fake_message *m, const char *name)
{
	while (*name != '\0' && *name != '.') {
		size_t n = strcspn(name, ".");

		m->p[m->n++] = (unsigned char)n;
		memcpy(m->p + m->n, name, n);
		m->n += n;
		name += n + (name[n] == '.');
	}
	m->p[m->n++] = 0;
}

static void
fake_put_data(struct fake_message *m, const char *type, const char *data)
{
	size_t n = strlen(data);

	if (strcmp(type, "A") == 0) {
		inet_pton(AF_INET, data, m->p + m->n);
		m->n += 4;
	} else if (strcmp(type, "AAAA") == 0) {
		inet_pton(AF_INET6, data, m->p + m->n);
		m->n += 16;
	} else if (strcmp(type, "MX") == 0) {
		char *name;

		fake_put16(m, (unsigned)strtoul(data, &name, 10));
		fake_put_name(m, name + 1);
	} else if (strcmp(type, "TXT") == 0) {
		for (size_t i = 0; i < n; i += 255) {
			size_t len = n - i < 255 ? n - i : 255;

			m->p[m->n++] = (unsigned char)len;
			memcpy(m->p + m->n, data + i, len);
			m->n += len;
		}
	} else {
		fake_put_name(m, data);
	}
}

static unsigned
fake_type(const char *type)
{
	static const struct { const char *name; unsigned n; } all[] = {
		{ "A", RR_A }, { "AAAA", RR_AAAA }, { "MX", RR_MX },
		{ "TXT", RR_TXT }, { "CNAME", RR_CNAME }, { "PTR", RR_PTR },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (strcmp(all[i].name, type) == 0)
			return all[i].n;
	abort();
}

static void
fake_put_record(struct fake_message *m, const char *line, size_t n)
{
	char text[20000], owner[300], type[16];
	int at = 0;
	size_t length;

	snprintf(text, sizeof(text), "%.*s", (int)n, line);
	if (sscanf(text, "%299s %15s %n", owner, type, &at) < 2)
		abort();
	fake_put_name(m, owner);
	fake_put16(m, fake_type(type));
	fake_put16(m, 1);
	fake_put16(m, 0);
	fake_put16(m, 300);
	length = m->n;
	fake_put16(m, 0);
	fake_put_data(m, type, text + at);
	m->p[length] = (unsigned char)((m->n - length - 2) >> 8);
	m->p[length + 1] = (unsigned char)(m->n - length - 2);
}

static void
fake_put_answer(struct fake_message *m, const char *answer)
{
	while (answer != NULL && *answer != '\0') {
		size_t n = strcspn(answer, "\n");

		fake_put_record(m, answer, n);
		m->p[7]++;		/* ANCOUNT */
		answer += n + (answer[n] == '\n');
	}
}

/* Turns the question in m into its answer. */
static void
fake_answer(struct fake_message *m, const struct fake_row *rows, bool tcp)
{
	static unsigned asked;
	bool edns = m->p[11] != 0;
	char name[300] = "", count[64];
	const struct fake_row *row;
	size_t at = 12, n = 0;
	unsigned type;

	while (m->p[at] != 0) {
		n += (size_t)snprintf(name + n, sizeof(name) - n, "%s%.*s",
		    n > 0 ? "." : "", m->p[at], (char *)m->p + at + 1);
		at += m->p[at] + 1u;
	}
	type = (unsigned)m->p[at + 1] << 8 | m->p[at + 2];
	m->n = at + 5;
	m->p[2] = 0x81;
	m->p[3] = 0x83;			/* RA, NXDOMAIN */
	memset(m->p + 6, 0, 6);
	if (strcmp(name, "count.test") == 0) {
		snprintf(count, sizeof(count), "count.test TXT %u", asked);
		m->p[3] = 0x80;
		fake_put_answer(m, count);
		return;
	}
	asked++;
	for (row = rows; row->name != NULL; row++)
		if (strcasecmp(row->name, name) == 0 && row->type == type)
			break;
	if (row->name == NULL)
		return;
	m->p[3] = (unsigned char)(0x80 | row->rcode);
	if ((row->flags & FAKE_AD) != 0)
		m->p[3] |= 0x20;
	if ((row->flags & FAKE_NO_EDNS) != 0 && edns)
		m->p[3] = 0x81;
	else if ((row->flags & FAKE_TC) != 0 && !tcp)
		m->p[2] |= 2;
	else
		fake_put_answer(m, row->answer);
	if ((row->flags & FAKE_GARBAGE) != 0)
		m->n--;
}

static void
fake_serve_tcp(int listener, const struct fake_row *rows)
{
	static struct fake_message m;
	unsigned char length[2];
	int fd = accept(listener, NULL, NULL);

	while (fd != -1 && recv(fd, length, 2, MSG_WAITALL) == 2) {
		m.n = (size_t)length[0] << 8 | length[1];
		if (recv(fd, m.p, m.n, MSG_WAITALL) != (ssize_t)m.n)
			break;
		fake_answer(&m, rows, true);
		length[0] = (unsigned char)(m.n >> 8);
		length[1] = (unsigned char)m.n;
		(void)send(fd, length, 2, MSG_NOSIGNAL | MSG_MORE);
		(void)send(fd, m.p, m.n, MSG_NOSIGNAL);
	}
	if (fd != -1)
		close(fd);
}

static void
fake_serve(int udp, int tcp, const struct fake_row *rows)
{
	static struct fake_message m;
	struct pollfd p[2] = { { udp, POLLIN, 0 }, { tcp, POLLIN, 0 } };
	struct sockaddr_storage from;

	alarm(300);
	while (poll(p, 2, -1) > 0) {
		socklen_t len = sizeof(from);
		ssize_t n;

		if (p[1].revents != 0)
			fake_serve_tcp(tcp, rows);
		if (p[0].revents == 0)
			continue;
		n = recvfrom(udp, m.p, sizeof(m.p), 0,
		    (struct sockaddr *)&from, &len);
		if (n < 17)
			continue;
		fake_answer(&m, rows, false);
		(void)sendto(udp, m.p, m.n, 0, (struct sockaddr *)&from, len);
	}
	_exit(1);
}

static bool
fake_bind(int *udp, int *tcp, struct sock_addr *at)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool is_v4 = at->ip.family == 4;
	struct sockaddr *sa = is_v4 ? (void *)&v4 : (void *)&v6;
	socklen_t len = is_v4 ? sizeof(v4) : sizeof(v6);
	int domain = is_v4 ? AF_INET : AF_INET6;

	memcpy(&v4.sin_addr, at->ip.b, 4);
	memcpy(&v6.sin6_addr, at->ip.b, 16);
	*udp = socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	*tcp = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(*udp, sa, len) != 0 || getsockname(*udp, sa, &len) != 0 ||
	    bind(*tcp, sa, len) != 0 || listen(*tcp, 5) != 0) {
		close(*udp);
		close(*tcp);
		return false;
	}
	at->port = ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
	return true;
}

/* On the loopback address in *at, whose port is filled in; -1: no room. */
static pid_t
fake_dns_start(const struct fake_row *rows, struct sock_addr *at)
{
	int udp, tcp, tries = 20;
	pid_t pid;

	/* A port that is free for UDP may be taken for TCP. */
	while (!fake_bind(&udp, &tcp, at))
		if (--tries == 0)
			return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		fake_serve(udp, tcp, rows);
	close(udp);
	close(tcp);
	return pid;
}

static void
fake_dns_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* One for all tests of a file: where it is, and what goes with their group. */
#define FAKE_DNS_GROUP(zone)						\
static struct sock_addr server;						\
static pid_t server_pid;						\
									\
static int								\
start_server(void **state)						\
{									\
	(void)state;							\
	assert_true(ip_parse(STR("127.0.0.1"), &server.ip));		\
	server_pid = fake_dns_start(zone, &server);			\
	return server_pid > 0 ? 0 : -1;					\
}									\
									\
static int								\
stop_server(void **state)						\
{									\
	(void)state;							\
	fake_dns_stop(server_pid);					\
	return 0;							\
}

#endif
