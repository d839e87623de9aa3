/* SPDX-License-Identifier: ISC */
/*
 * A session that belongs to somebody else.  The real warden, the real master,
 * the real cage and the real runner; only smtpd/serve is another one, given to
 * the linker in front of the library: it does what an intruder would do who has
 * taken over the process at its first instruction.
 *
 *	stolen serve CONFIGURATION		the daemon; it stays in front
 *	stolen try NAME PATH OTHER NUMBER	one attempt, out of any cage
 *
 * A connection is greeted with 220, sends one line "NAME PATH OTHER NUMBER" ("-"
 * where an attempt wants none), and is told the errno that the attempt failed
 * with, 0 if it did not fail; the log is told, too, for those attempts after
 * which there is no connection.  One that ends without an answer was killed.
 * "try" does the same without a sandbox: an attempt that fails even then proves
 * nothing (tests/fault/theft.py, who also says which paths and processes).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "conf/conf.h"
#include "os/log.h"
#include "os/proc.h"
#include "smtpd/serve.h"
#include "warden/warden.h"

#include "fault/theft.h"
#include "fault/theft_files.h"
#include "fault/theft_memory.h"
#include "fault/theft_net.h"
#include "fault/theft_processes.h"

static const struct attempt *const all[] = {
	theft_files, theft_processes, theft_memory, theft_net,
};

static int
attempt(struct theft *t, const char *name)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct attempt *a = all[i]; a->name != NULL; a++)
			if (strcmp(a->name, name) == 0)
				return a->run(t);
	return -1;
}

/* Four words, "-" for none. */
static bool
read_words(struct theft *t, char *word[4])
{
	uint64_t n = 0;

	t->path = strcmp(word[1], "-") == 0 ? NULL : word[1];
	t->other = strcmp(word[2], "-") == 0 ? NULL : word[2];
	if (strcmp(word[3], "-") != 0 &&
	    !num_parse(str_of(word[3]), UINT64_MAX, &n))
		return false;
	t->number = n;
	return true;
}

/* However long it takes to come: the socket has a time of its own. */
static bool
hear_byte(int fd, char *c)
{
	ssize_t n;

	while ((n = read(fd, c, 1)) < 0 && (errno == EAGAIN || errno == EINTR))
		;
	return n == 1;
}

static bool
hear(int fd, char *line, size_t size, char *word[4])
{
	size_t n = 0;
	char *rest = line, *p;

	while (n < size - 1 && hear_byte(fd, line + n) && line[n] != '\n')
		n++;
	line[n] = '\0';
	for (unsigned i = 0; i < 4; i++) {
		word[i] = p = strsep(&rest, " \r");
		if (p == NULL || *p == '\0')
			return false;
	}
	return true;
}

void
smtpd_prepare(struct smtpd *smtpd)
{
	(void)smtpd;
}

void
smtpd_serve(const struct smtpd *smtpd, int fd, const struct smtpd_peer *peer,
    struct tally *tally)
{
	struct theft t = { .smtpd = smtpd, .fd = fd, .log = log_fd() };
	char line[1024], *word[4], text[64];
	int n, err;

	*tally = (struct tally){ .idle = 0 };
	(void)peer;
	(void)!write(fd, "220 stolen\r\n", 12);
	if (!hear(fd, line, sizeof(line), word) || !read_words(&t, word))
		return;
	err = attempt(&t, word[0]);
	log_info("theft %s: %d %s", word[0], err, strerror(err));
	n = snprintf(text, sizeof(text), "%d %s\r\n", err, strerror(err));
	(void)send(fd, text, (size_t)n, MSG_NOSIGNAL);
}

/* Outside: the standard input is a connection, and PATH the log. */
static int
try_outside(char *word[4])
{
	struct theft t = { .fd = STDIN_FILENO, .log = -1 };
	int err;

	if (!read_words(&t, word))
		return 2;
	err = attempt(&t, word[0]);
	printf("%d %s\n", err, strerror(err));
	return 0;
}

static int
serve(const char *path)
{
	struct warden_setup setup = { .path = path, .foreground = true };
	struct buf errors = { 0 };

	proc_null_stdio(false);
	setup.conf = conf_load(path, false, &errors);
	if (setup.conf == NULL ||
	    (setup.lists = lists_open(setup.conf, &errors)) == NULL) {
		fputs(buf_cstr(&errors), stderr);
		return 1;
	}
	return warden_run(&setup);
}

int
main(int argc, char **argv)
{
	proc_title_init(argc, argv);
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 6 && strcmp(argv[1], "try") == 0)
		return try_outside(argv + 2);
	fputs("usage: stolen serve CONFIGURATION | "
	    "try NAME PATH OTHER NUMBER\n", stderr);
	return 2;
}
