/* SPDX-License-Identifier: ISC */
/*
 * A person at telnet, for the demo: sends the lines of standard input as SMTP
 * commands to a server, each after the reply to the one before, and shows the
 * dialogue.  A line "@FILE" stands for a message: its lines are sent as the
 * answer to 354, with the dots that RFC 5321 4.5.2 wants, and the end of it.
 *
 *	speak address port [source address]
 *
 * The status is 0 when a message was sent and all of them were taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "os/sock.h"
#include "os/stream.h"

#define LINE_SIZE	4096
#define PATIENCE	30

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "speak: %s: %s\n", what, why);
	exit(2);
}

/* The code of the reply. */
static int
hear(struct stream *s)
{
	enum stream_result r;
	struct str line;

	do {
		r = stream_line(s, LINE_SIZE, true, &line);
		if (r != STREAM_OK)
			fail("no reply", stream_result_text(r));
		printf("S: %.*s\n", STR_ARG(line));
	} while (line.n > 3 && line.p[3] == '-');
	return line.n < 3 ? 0 : (line.p[0] - '0') * 100 +
	    (line.p[1] - '0') * 10 + line.p[2] - '0';
}

static void
tell(struct stream *s, const char *line)
{
	const char *dot = line[0] == '.' ? "." : "";

	printf("C: %s%s\n", dot, line);
	stream_printf(s, "%s%s\r\n", dot, line);
}

static int
send_message(struct stream *s, const char *path)
{
	char line[LINE_SIZE];
	FILE *f = fopen(path, "re");

	if (f == NULL)
		fail(path, "cannot be read");
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		tell(s, line);
	}
	fclose(f);
	printf("C: .\n");
	stream_printf(s, ".\r\n");
	return hear(s);
}

/* Messages taken, or -1 when one was not. */
static int
talk(struct stream *s)
{
	char line[LINE_SIZE];
	int taken = 0, refused = 0;

	hear(s);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '@') {
			if (send_message(s, line + 1) / 100 == 2)
				taken++;
			else
				refused++;
			continue;
		}
		printf("C: %s\n", line);
		stream_printf(s, "%s\r\n", line);
		hear(s);
	}
	return refused > 0 ? -1 : taken;
}

int
main(int argc, char **argv)
{
	struct sock_addr to = { 0 };
	struct ip source = { 0 };
	struct stream s;
	struct fault why;
	uint64_t port = 0;
	int fd, taken;

	if (argc < 3 || argc > 4 || !ip_parse(str_of(argv[1]), &to.ip) ||
	    !num_parse(str_of(argv[2]), UINT16_MAX, &port) ||
	    (argc == 4 && !ip_parse(str_of(argv[3]), &source)))
		fail("usage", "speak address port [source address]");
	to.port = (uint16_t)port;
	if ((fd = sock_connect(&to, argc == 4 ? &source : NULL, PATIENCE,
	    &why)) == -1)
		fail(argv[1], why.text);
	stream_init(&s, fd);
	stream_set_timeout(&s, PATIENCE);
	taken = talk(&s);
	stream_close(&s);
	return taken > 0 ? 0 : 1;
}
