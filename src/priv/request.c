/* SPDX-License-Identifier: ISC */
/*
 * The packet in which root is asked for something.  Sent by workers of the
 * queue runner, received by the warden, and strict: a fixed size, a known
 * number, a name that ends.  Nothing of it is interpreted here, and nothing is
 * looked up: that is left to a child of the warden, so that no answer of a user
 * database and no oddity of a name can reach the process that stays root.
 */

#include "priv/request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "os/sock.h"

struct packet {
	uint32_t	kind;
	char		user[REQUEST_USER_MAX];
};

int
request_send(int channel, const struct request *r, int answer,
    struct fault *why)
{
	struct packet p = { .kind = (uint32_t)r->kind };

	memcpy(p.user, r->user, sizeof(p.user));
	if (sock_send(channel, str_span(&p, sizeof(p)), &answer, 1, 0) < 0)
		return fault_system(why, errno, "ask the warden");
	return 0;
}

static bool
is_sound(const struct packet *p)
{
	size_t n = strnlen(p->user, sizeof(p->user));

	if (p->kind != REQUEST_AGENT || n == 0 || n == sizeof(p->user))
		return false;
	for (size_t i = 0; i < n; i++)
		if (str_is_control(p->user[i]) || p->user[i] == '/')
			return false;
	return p->user[0] != '-';
}

int
request_receive(int channel, struct request *r, int *answer)
{
	struct packet p = { 0 };
	int fds[SOCK_FDS_MAX];
	size_t nfds = 0;
	ssize_t n;

	n = sock_receive(channel, &p, sizeof(p), fds, &nfds, MSG_DONTWAIT);
	if (n == 0 && nfds == 0)
		return 0;
	if (n == (ssize_t)sizeof(p) && nfds == 1 && is_sound(&p)) {
		r->kind = (enum request_kind)p.kind;
		memcpy(r->user, p.user, sizeof(r->user));
		*answer = fds[0];
		return 1;
	}
	for (size_t i = 0; i < nfds; i++)
		close(fds[i]);
	return -1;
}
