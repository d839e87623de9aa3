/* SPDX-License-Identifier: ISC */
/*
 * Between the sessions of proxies and the master: "my client is this one; may
 * it stay?"  Strict, like priv/request: a fixed size, a known family, one
 * descriptor, and that is a socket which a process of ours has made.  Whatever
 * else comes is dropped with its descriptors, and nobody waits for anybody whom
 * he does not trust: the master never, a session some seconds.
 *
 * smtpd/proxied asks, master/master hears and answers; who may stay is decided
 * in master/budget.
 */

#include "priv/usher.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/sock.h"

enum {
	PATIENCE_MS = 5000,
};

struct packet {
	uint8_t	family;
	uint8_t	b[16];
};

static bool
receive_answer(int line, char answer[USHER_ANSWER_MAX])
{
	struct pollfd p = { .fd = line, .events = POLLIN };
	ssize_t n;
	int ready;

	do
		ready = poll(&p, 1, PATIENCE_MS);
	while (ready == -1 && errno == EINTR);
	if (ready <= 0)
		return false;
	n = recv(line, answer, USHER_ANSWER_MAX - 1, MSG_DONTWAIT);
	if (n <= 0)
		return false;
	answer[n] = '\0';
	return true;
}

bool
usher_ask(int desk, const struct ip *ip, char answer[USHER_ANSWER_MAX])
{
	struct packet p = { .family = ip->family };
	struct fault why;
	int line[2];
	bool ok;

	if (sock_pair(SOCK_SEQPACKET, line, &why) < 0)
		return false;
	memcpy(p.b, ip->b, sizeof(p.b));
	ok = sock_send(desk, str_span(&p, sizeof(p)), &line[1], 1,
	    MSG_DONTWAIT) == 0;
	close(line[1]);
	ok = ok && receive_answer(line[0], answer);
	close(line[0]);
	return ok;
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
	int fds[SOCK_FDS_MAX];
	size_t nfds = 0;
	uid_t uid;
	ssize_t n;

	n = sock_receive(desk, &p, sizeof(p), fds, &nfds, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == (ssize_t)sizeof(p) && nfds == 1 && read_ip(&p, &call->ip) &&
	    sock_peer_uid(fds[0], &uid, &call->session) == 0) {
		call->line = fds[0];
		return 1;
	}
	for (size_t i = 0; i < nfds; i++)
		close(fds[i]);
	return -1;
}

void
usher_answer(const struct usher_call *call, const char *answer)
{
	(void)sock_send(call->line, str_of(answer), NULL, 0, MSG_DONTWAIT);
	close(call->line);
}
