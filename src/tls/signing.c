/* SPDX-License-Identifier: ISC */
/*
 * Asking for a signature, from a session.
 *
 * Each question has a connection of its own, made when it is needed: so a
 * session that does without TLS pays nothing, and none can read what another
 * was answered.  The connection is made through a descriptor that all of them
 * have inherited, and which is good for nothing else.
 *
 * The answering side closes a connection when it has too many that say
 * nothing.  Who was unlucky asks again, a few times.
 *
 * Called by tls/distant; the packets are read by tls/vault.
 */
#include "tls/signing.h"

#include <sys/socket.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/clock.h"
#include "os/sock.h"

enum {
	PATIENCE = 10,		/* seconds, for each step and in all */
	TRIES = 3,
};

static size_t
write_question(const struct signing *s, uint8_t out[SIGNING_QUESTION_MAX])
{
	bytes_put_le16(out, s->kind);
	bytes_put_le16(out + 2, s->scheme);
	bytes_put_le32(out + 4, s->key);
	memcpy(out + SIGNING_HEAD, s->text.p, s->text.n);
	return SIGNING_HEAD + s->text.n;
}

bool
signing_parse(struct str packet, struct signing *s)
{
	const uint8_t *p = (const uint8_t *)packet.p;

	if (packet.n < SIGNING_HEAD || packet.n > SIGNING_QUESTION_MAX)
		return false;
	s->kind = bytes_get_le16(p);
	s->scheme = bytes_get_le16(p + 2);
	s->key = bytes_get_le32(p + 4);
	s->text = str_from(packet, SIGNING_HEAD);
	return true;
}

static enum signing_result
read_answer(const uint8_t *p, size_t got, void *signature, size_t *n)
{
	if (got < SIGNING_ANSWER_HEAD || bytes_get_le32(p) != SIGNING_DONE ||
	    got - SIGNING_ANSWER_HEAD > *n)
		return SIGNING_REFUSED;
	*n = got - SIGNING_ANSWER_HEAD;
	memcpy(signature, p + SIGNING_ANSWER_HEAD, *n);
	return SIGNING_DONE;
}

/* One connection.  A signal is no reason to give up. */
static enum signing_result
converse(int fd, const void *question, size_t size, void *signature,
    size_t *n, int64_t end)
{
	uint8_t answer[SIGNING_ANSWER_MAX];
	ssize_t got;

	do
		got = send(fd, question, size, MSG_NOSIGNAL);
	while (got < 0 && errno == EINTR && clock_mono_ms() < end);
	while (got >= 0) {
		got = recv(fd, answer, sizeof(answer), 0);
		if (got > 0)
			return read_answer(answer, (size_t)got, signature, n);
		if (got == 0)
			return SIGNING_GONE;
		got = errno == EINTR && clock_mono_ms() < end ? 0 : -1;
	}
	return errno == EAGAIN || errno == EINTR ? SIGNING_SILENT :
	    SIGNING_GONE;
}

static int
reach(int door, int64_t end)
{
	int fd;

	do
		fd = sock_connect_hidden(door, PATIENCE);
	while (fd < 0 && errno == EINTR && clock_mono_ms() < end);
	return fd;
}

enum signing_result
signing_ask(int door, const struct signing *s, void *signature, size_t *n)
{
	uint8_t question[SIGNING_QUESTION_MAX];
	enum signing_result r = SIGNING_GONE;
	int64_t end = clock_mono_ms() + PATIENCE * 1000;
	size_t size;
	int fd;

	if (s->text.n > SIGNING_TEXT_MAX)
		return SIGNING_REFUSED;
	size = write_question(s, question);
	for (int i = 0; i < TRIES && r == SIGNING_GONE; i++) {
		fd = reach(door, end);
		if (fd < 0)
			return errno == EAGAIN || errno == EINTR ?
			    SIGNING_SILENT : SIGNING_GONE;
		r = converse(fd, question, size, signature, n, end);
		close(fd);
	}
	return r;
}
