/* SPDX-License-Identifier: ISC */
/*
 * BDAT in a whole session under libFuzzer: EHLO, MAIL, RCPT, and then the
 * input.  Beside it runs a reader that knows nothing but where commands end: at
 * CRLF, and behind the octets that a BDAT has announced.  Session and reader
 * must agree: one reply for each command, a last one when the session ends, and
 * nothing for what is not whole (T-3, T-4).
 *
 * The spool lies in memory; what was taken is removed.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "os/log.h"
#include "os/signal.h"
#include "smtp/chunk.h"
#include "smtp/command.h"
#include "smtpd/serve.h"

#define INPUT_MAX	60000
#define PIECE		1024		/* what the session reads at once */
#define ROOM		(4 * 1024 * 1024)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char hello[] = "EHLO a.example\r\n";
static const char envelope[] = "MAIL FROM:<>\r\nRCPT TO:<root>\r\n";

static struct smtpd smtpd = { .notify = -1, .usher = -1, .tray = -1 };
static struct spool spool;

static char top[] = "/dev/shm/godwit-fuzz-XXXXXX";

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

static void
clean_up(void)
{
	(void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
prepare(void)
{
	struct buf text = { 0 }, errors = { 0 };
	struct fault why;

	must(mkdtemp(top) != NULL);
	must(atexit(clean_up) == 0);
	buf_printf(&text, "hostname mx.example.org\nspool %s/spool\n"
	    "run %s\naliases %s/aliases\nlog /dev/null\nsize 64K\n"
	    "errors 10000\nunknown-recipients 10000\ntransactions 10000\n"
	    "free-space 0\nworkers 0\n", top, top, top);
	smtpd.conf = conf_parse("fuzz", buf_str(&text), &errors);
	must(smtpd.conf != NULL);
	must(log_open("/dev/null") == 0);
	must(spool_make(smtpd.conf->spool.p, NULL, &why) == 0);
	must(spool_open(&spool, smtpd.conf->spool.p, true, false, &why) == 0);
	smtpd.spool = &spool;
	smtpd.aliases = alias_book_new(smtpd.conf);
	signal_ignore(SIGPIPE);
	signal_catch(SIGTERM);
	signal_catch(SIGXCPU);
	buf_free(&text);
}

/* How many bytes the first command of in has; 0: it is not whole. */
static size_t
measure(struct str in, bool *ends)
{
	size_t n = str_search(in, STR("\r\n"));
	struct command c;
	struct chunk chunk;

	*ends = false;
	if (n == in.n)
		return 0;
	c = command_parse(str_slice(in, 0, n));
	n += 2;
	/* A line that is none is answered and no command. */
	if (n > COMMAND_LINE_MAX || memchr(in.p, '\r', n - 2) != NULL ||
	    memchr(in.p, '\n', n - 2) != NULL ||
	    memchr(in.p, '\0', n - 2) != NULL) {
		*ends = str_casestarts(str_trim(str_slice(in, 0, 8)),
		    STR("BDAT"));
		return n;
	}
	if (c.verb != VERB_BDAT)
		return n;
	if (!chunk_parse(c.args, &chunk)) {
		*ends = true;
		return n;
	}
	if (chunk.size > in.n - n)
		return 0;
	return n + (size_t)chunk.size;
}

/* The next reply, its last line; n == 0: there is none. */
static struct str
next_reply(struct str *rest)
{
	struct str line;

	while (str_cut(rest, '\n', &line)) {
		must(line.n >= 5 && line.p[line.n - 1] == '\r');
		must(line.p[3] == ' ' || line.p[3] == '-');
		if (line.p[3] == ' ')
			return line;
	}
	return STR_NONE;
}

static void
remove_taken(struct str reply)
{
	static const struct str queued = { "250 2.0.0 Ok: queued as ", 24 };
	char path[SPOOL_PATH_MAX], name[SPOOL_NAME_MAX];
	struct str id;

	if (!str_starts(reply, queued))
		return;
	id = str_trim(str_slice(reply, queued.n, reply.n - 1));
	must(id.n < sizeof(name));
	memcpy(name, id.p, id.n);
	name[id.n] = '\0';
	must(unlinkat(spool.q, spool_entry_path(name, path), 0) == 0);
}

static void
compare(struct str in, struct str said)
{
	struct str reply;
	bool ends = false, over = false;
	size_t n;

	for (int i = 0; i < 4; i++)	/* 220, and the preamble's */
		must(next_reply(&said).n > 0);
	while (!over && (n = measure(in, &ends)) > 0) {
		reply = next_reply(&said);
		must(reply.n > 0);
		remove_taken(reply);
		in = str_from(in, n);
		over = ends || str_starts(reply, STR("421 ")) ||
		    str_starts(reply, STR("221 ")) ||
		    str_starts(reply, STR("354 "));
		/* A last word belongs to the command before it. */
		if (str_starts(said, STR("421 "))) {
			(void)next_reply(&said);
			over = true;
		}
	}
	must(over || said.n == 0);
	while ((reply = next_reply(&said)).n > 0)
		remove_taken(reply);
}

/* A packet for each piece, so that EHLO is the last of its group. */
static void
say(int fd, const void *p, size_t n)
{
	const char *from = p;

	for (size_t k = 0; n > 0; n -= k, from += k) {
		k = n < PIECE ? n : PIECE;
		must(write(fd, from, k) == (ssize_t)k);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char said[ROOM];
	struct smtpd_peer peer = { .service = SERVICE_SMTP };
	struct tally tally;
	size_t have = 0;
	ssize_t got;
	int fd[2], room = ROOM;

	if (smtpd.conf == NULL)
		prepare();
	if (n > INPUT_MAX)
		return 0;
	must(ip_parse(STR("192.0.2.1"), &peer.addr.ip));
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == 0);
	for (int i = 0; i < 2; i++)
		(void)setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &room,
		    sizeof(room));
	say(fd[1], hello, sizeof(hello) - 1);
	say(fd[1], envelope, sizeof(envelope) - 1);
	say(fd[1], p, n);
	must(shutdown(fd[1], SHUT_WR) == 0);
	smtpd_serve(&smtpd, fd[0], &peer, &tally);
	while ((got = read(fd[1], said + have, sizeof(said) - have)) > 0)
		have += (size_t)got;
	close(fd[1]);
	compare(str_span(p, n), str_span(said, have));
	return 0;
}
