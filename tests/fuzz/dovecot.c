/* SPDX-License-Identifier: ISC */
/*
 * What stands behind Dovecot's socket, under libFuzzer: all that it will ever
 * say lies ready before it is asked.  The first byte chooses what is asked.  Who
 * is let in has a name that is one, and each answer has what belongs to it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/dovecot.h"
#include "auth/sasl.h"
#include "os/sock.h"
#include "os/stream.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(bool cond)
{
	if (!cond)
		abort();
}

static void
judge(const struct attempt *a, enum attempt_answer answer)
{
	switch (answer) {
	case ATTEMPT_YES:
		require(sasl_is_name(a->login));
		break;
	case ATTEMPT_NO:
		require(a->name.n == 0 || sasl_is_name(a->name));
		require(a->why.n > 0);
		break;
	case ATTEMPT_LATER:
		require(a->why.n > 0);
		break;
	case ATTEMPT_MORE:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const mechanisms[] = { "PLAIN", "XOAUTH2",
	    "SCRAM-SHA-256" };
	struct arena arena = { 0 };
	struct backend b = { .ops = &dovecot_backend };
	struct attempt a = { .arena = &arena, .name = STR("bob"),
	    .secret = STR("secret"), .service = STR("smtp") };
	enum attempt_answer answer;
	struct fault why;
	int fd[2];

	if (size < 1 || size > 60000 ||
	    sock_pair(SOCK_STREAM, fd, &why) < 0)
		return 0;
	a.kind = (enum attempt_kind)(data[0] % 3);
	a.mechanism = str_of(mechanisms[a.kind]);
	require(send(fd[1], data + 1, size - 1, MSG_DONTWAIT) ==
	    (ssize_t)size - 1);
	require(shutdown(fd[1], SHUT_WR) == 0);
	answer = dovecot_ask(&a, fd[0]);
	judge(&a, answer);
	for (int i = 0; i < 8 && answer == ATTEMPT_MORE; i++) {
		answer = b.ops->next(&b, &a, STR("answer"));
		judge(&a, answer);
	}
	stream_close(a.state);
	close(fd[1]);
	arena_free(&arena);
	return 0;
}
