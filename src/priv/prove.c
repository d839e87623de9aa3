/* SPDX-License-Identifier: ISC */
/*
 * Between a child of the doorkeeper, which has no rights, and the prover, which
 * is root because PAM's modules want it.  Strict, like priv/request: a packet has
 * one size, its strings end within it, and behind their ends is nothing.  So what
 * root reads of the network is a name and a password, as they are, and nothing
 * that is to be taken apart.
 *
 * Asked by auth/system, answered by doorkeeper/prover.  The secret is wiped where it
 * was put together; what is received is the caller's to wipe.
 */
#include "priv/prove.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os/sock.h"

struct question {
	uint8_t	family;
	uint8_t	b[16];
	char	name[PROVE_NAME_MAX];
	char	secret[PROVE_SECRET_MAX];
};

struct answer {
	uint8_t	result;
	char	text[PROVE_NAME_MAX];
};

static int
put(char *room, size_t size, struct str s)
{
	if (s.n == 0 || s.n >= size || str_find(s, '\0') < s.n)
		return -1;
	memcpy(room, s.p, s.n);
	return 0;
}

/* One string, and zeros to the end. */
static bool
is_text(const char *room, size_t size)
{
	size_t n = strnlen(room, size);

	while (n < size && room[n] == '\0')
		n++;
	return room[0] != '\0' && n == size && room[size - 1] == '\0';
}

static int
read_answer(int sock, struct prove_answer *out, struct fault *why)
{
	struct answer a;
	ssize_t n;

	do
		n = sock_receive(sock, &a, sizeof(a), NULL, NULL, 0);
	while (n == -1 && errno == EINTR);
	if (n != (ssize_t)sizeof(a) || a.result < PROVE_YES ||
	    a.result > PROVE_LATER || !is_text(a.text, sizeof(a.text)))
		return fault_temporary(why, 454, 7, 0, "no answer of PAM");
	out->result = (enum prove_result)a.result;
	memcpy(out->text, a.text, sizeof(out->text));
	return 0;
}

int
prove_ask(int hold, const struct ip *client, struct str name,
    struct str secret, int seconds, struct prove_answer *out,
    struct fault *why)
{
	struct question q = { .family = client->family };
	int sock, r = -1;

	memcpy(q.b, client->b, sizeof(q.b));
	if (put(q.name, sizeof(q.name), name) < 0 ||
	    put(q.secret, sizeof(q.secret), secret) < 0) {
		explicit_bzero(&q, sizeof(q));
		return fault_temporary(why, 454, 7, 0,
		    "nothing that PAM can be asked");
	}
	sock = sock_connect_hidden(hold, seconds);
	if (sock != -1 && sock_send(sock, str_span((const char *)&q,
	    sizeof(q)), NULL, 0, 0) == 0)
		r = read_answer(sock, out, why);
	else
		fault_system(why, errno, "who asks PAM");
	explicit_bzero(&q, sizeof(q));
	if (sock != -1)
		close(sock);
	return r;
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if (str_is_control(*text))
			return true;
	return false;
}

static bool
take(const struct question *q, struct prove_question *out)
{
	if (!is_text(q->name, sizeof(q->name)) || has_control(q->name) ||
	    !is_text(q->secret, sizeof(q->secret)))
		return false;
	out->client = (struct ip){ .family = 0 };
	if (q->family == 4 || q->family == 6)
		out->client = ip_of_bytes(q->b, q->family == 4 ? 4 : 16);
	memcpy(out->name, q->name, sizeof(out->name));
	memcpy(out->secret, q->secret, sizeof(out->secret));
	return q->family == 0 || out->client.family == q->family;
}

int
prove_receive(int sock, struct prove_question *out)
{
	struct question q;
	ssize_t n;
	bool taken;

	do
		n = sock_receive(sock, &q, sizeof(q), NULL, NULL, 0);
	while (n == -1 && errno == EINTR);
	taken = n == (ssize_t)sizeof(q) && take(&q, out);
	explicit_bzero(&q, sizeof(q));
	return taken ? 0 : -1;
}

void
prove_send(int sock, enum prove_result result, const char *text)
{
	struct answer a = { .result = (uint8_t)result };
	size_t n = strnlen(text, sizeof(a.text) - 1);

	memcpy(a.text, n == 0 ? "-" : text, n == 0 ? 1 : n);
	(void)sock_send(sock, str_span((const char *)&a, sizeof(a)), NULL, 0,
	    0);
}
