/* SPDX-License-Identifier: ISC */
/*
 * Our client with any content to send, for smuggle.py: what would lie in the
 * spool comes in on standard input, what goes over the wire comes out on
 * standard output.
 *
 *	in	length (4 bytes, big-endian), 'b' or 't' (BODY=BINARYMIME, or
 *		text), 'x' or '-' (the server offers it, or not), the content
 *	out	length (4 bytes, big-endian), the bytes of the wire
 *
 * The server is a row of replies that lie ready: it says yes to everything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "smtpc/session.h"

#define WIRE_MAX	(256 * 1024)

static const char hello[] = "220 mx\r\n250-mx\r\n250-PIPELINING\r\n"
    "250-8BITMIME\r\n";
static const char offers[] = "250-CHUNKING\r\n250-BINARYMIME\r\n";
static const char by_data[] = "250 SIZE\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n";
static const char by_bdat[] = "250 SIZE\r\n250 a\r\n250 b\r\n250 d\r\n";

static void
say(int fd, const char *text)
{
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void
transact(int fd, struct str content, bool binary)
{
	const struct address from = { STR("a"), STR("example.net") };
	const struct recipient to = { .address = { STR("b"),
	    STR("example.org") } };
	const struct recipient *list[] = { &to };
	const struct smtpc_message m = {
		.sender = &from, .recipients = list, .n = 1,
		.parts = &content, .nparts = 1, .size = content.n,
		.body = binary ? BODY_BINARYMIME : BODY_7BIT,
	};
	struct arena a = { 0 };
	struct outcome o;
	struct fault why;
	struct smtpc c;

	must(smtpc_open(&c, fd, STR("mx"), NULL, STR("me.example"),
	    &why) == 0);
	smtpc_transact(&c, &m, &a, &o);
	smtpc_close(&c, false);
	arena_free(&a);
}

static void
pass_on(int fd)
{
	static char wire[WIRE_MAX];
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, wire + n, sizeof(wire) - n)) > 0)
		n += (size_t)got;
	for (int shift = 24; shift >= 0; shift -= 8)
		putchar((int)(n >> shift & 0xff));
	fwrite(wire, 1, n, stdout);
	fflush(stdout);
}

int
main(void)
{
	unsigned char head[6];

	while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
		size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
		    (size_t)head[2] << 8 | head[3];
		char *content = mem_alloc(n + 1);
		bool binary = head[4] == 'b', offered = head[5] == 'x';
		int fd[2];

		must(fread(content, 1, n, stdin) == n);
		must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
		    fd) == 0);
		say(fd[1], hello);
		if (offered)
			say(fd[1], offers);
		say(fd[1], binary ? by_bdat : by_data);
		transact(fd[0], str_span(content, n), binary);
		pass_on(fd[1]);
		close(fd[1]);
		mem_free(content);
	}
	return ferror(stdin) ? 1 : 0;
}
