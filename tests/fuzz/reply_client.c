/* SPDX-License-Identifier: ISC */
/*
 * The SMTP client against a server that says any bytes.  All that it says lies
 * in a socket before the client begins, and then the server hangs up; so
 * nothing waits.  Every recipient must have an outcome, and none may be taken
 * for delivered without a 2yz reply.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/die.h"
#include "smtpc/session.h"

#define RCPTS		3
#define INPUT_MAX	65536

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct smtpc_timeouts quick = { 1, 1, 1, 1, 1 };

static const struct sock_addr peer = {
	.ip = { .family = 4, .b = { 192, 0, 2, 1 } }, .port = 25,
};

static void
check(const struct outcome *o)
{
	must(o->kind == OUTCOME_RELAYED || o->kind == OUTCOME_DEFERRED ||
	    o->kind == OUTCOME_FAILED);
	must(o->kind != OUTCOME_RELAYED ||
	    (o->reply / 100 == 2 && o->status.class == 2));
	must(o->kind != OUTCOME_FAILED ||
	    (o->reply / 100 == 5 && o->status.class == 5));
	must(o->kind != OUTCOME_DEFERRED || o->status.class == 4);
	must(o->text.n > 0);
	for (size_t i = 0; i < o->text.n; i++)
		must(!str_is_control(o->text.p[i]));
}

static void
transact(struct smtpc *c)
{
	static const struct address sender = { { "s", 1 }, { "a.test", 6 } };
	struct recipient rcpt[RCPTS] = {
		{ .address = { STR("r0"), STR("b.test") } },
		{ .address = { STR("r1"), STR("b.test") } },
		{ .address = { STR("r 2"), STR("b.test") } },
	};
	const struct recipient *list[RCPTS] = { rcpt, rcpt + 1, rcpt + 2 };
	struct str parts[] = { STR("a: b\r"), STR("\n\r\n.\r\n") };
	struct outcome outcome[RCPTS];
	struct arena arena = { 0 };
	struct smtpc_message m = {
		.sender = &sender, .recipients = list, .n = RCPTS,
		.parts = parts, .nparts = 2, .size = 12,
		.body = BODY_8BITMIME,
	};

	memset(outcome, 0x5a, sizeof(outcome));
	smtpc_transact(c, &m, &arena, outcome);
	for (size_t i = 0; i < RCPTS; i++)
		check(&outcome[i]);
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct smtpc c;
	struct fault why;
	int fd[2];

	if (n > INPUT_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return 0;
	must(n == 0 || send(fd[1], p, n, MSG_DONTWAIT) == (ssize_t)n);
	shutdown(fd[1], SHUT_WR);
	if (smtpc_open_within(&c, fd[0], STR("mx.test"), &peer, STR("me.test"),
	    &quick, &why) == 0) {
		for (int i = 0; i < 3; i++)
			transact(&c);
		smtpc_close(&c, true);
	} else {
		must(why.kind == FAULT_TEMPORARY);
	}
	close(fd[1]);
	return 0;
}
