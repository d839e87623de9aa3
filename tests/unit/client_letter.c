/* SPDX-License-Identifier: ISC */
/*
 * A whole submission against a daemon that is a child of this test: what it
 * is told, and what exit code its answers make.  Then the decisions by
 * themselves, and the dead.letter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>

#include <sys/wait.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/dead_letter.h"
#include "client/letter.h"
#include "client/post.h"
#include "os/file.h"
#include "os/sock.h"

static char dir[] = "/tmp/godwit-letter-XXXXXX";

/* How the daemon behaves. */
struct manners {
	const char	*greeting;	/* NULL: nobody listens */
	const char	*end;		/* reply to the content; NULL: it hangs
					 * up instead */
	unsigned	 most;		/* recipients it takes; 0: all */
};

struct row {
	const char	*argv[8];
	const char	*text;
	struct manners	 manners;
	int		 code;
	const char	*heard;		/* what the daemon has taken */
};

#define POLITE	{ "220 x\r\n", "250 2.0.0 Ok\r\n", 0 }
#define HEAD	"Date: d\r\nMessage-ID: m\r\nFrom: f@g\r\n"
#define IN	"Date: d\nMessage-ID: m\nFrom: f@g\n"

static const struct row rows[] = {
	{ { "sendmail", "-oeq", "-f", "a@b", "c@d", "e" }, IN "\nhi\n", POLITE,
	    EX_OK, "<a@b> <c@d> <e> [" HEAD "\r\nhi\r\n]" },
	{ { "sendmail", "-oeq", "-f", "", "c" }, IN "\n.x\n.\ny\n", POLITE,
	    EX_OK, "<> <c> [" HEAD "\r\n..x\r\n]" },
	{ { "sendmail", "-oeq", "-f<>", "-i", "c" }, IN "\n.\ny\n", POLITE,
	    EX_OK, "<> <c> [" HEAD "\r\n..\r\ny\r\n]" },
	/* each address once; header and command line together */
	{ { "sendmail", "-oeq", "-fa", "-t", "c@D, e" }, IN
	    "To: c@d\nBcc: E, e\n\n", POLITE, EX_OK,
	    "<a@mail.test> <c@d> <e> <E> [" HEAD "To: c@d\r\n\r\n]" },
	{ { "rmail", "-oeq", "(c@d)" }, "From u Mon remote from h\n" IN "\n.\n",
	    POLITE, EX_OK, "<u@h> <c@d> [" HEAD "\r\n..\r\n]" },
	/* refusals */
	{ { "sendmail", "-oeq", "-fa@b", "no" }, IN "\n", POLITE, EX_NOUSER,
	    "" },
	{ { "sendmail", "-oeq", "-fa@b", "no", "c" }, IN "\n", POLITE,
	    EX_NOUSER, "<a@b> <c> [" HEAD "\r\n]" },
	{ { "sendmail", "-oeq", "-fa@b", "later" }, IN "\n", POLITE,
	    EX_TEMPFAIL, "" },
	{ { "sendmail", "-oeq", "-fa@b", "c" }, IN "\n", { "220 x\r\n",
	    "554 5.7.1 No\r\n", 0 }, EX_NOPERM, "" },
	{ { "sendmail", "-oeq", "-fa@b", "c" }, IN "\n", { "220 x\r\n",
	    "452 4.3.1 Full\r\n", 0 }, EX_TEMPFAIL, "" },
	/* in as many transactions as it takes */
	{ { "sendmail", "-oeq", "-fa@b", "c", "d", "e" }, IN "\n", { "220 x\r\n",
	    "250 Ok\r\n", 2 }, EX_OK,
	    "<a@b> <c> <d> [" HEAD "\r\n]<a@b> <e> [" HEAD "\r\n]" },
	/* away, and there is no drop(8) that would write into this spool */
	{ { "sendmail", "-oeq", "-fa@b", "c" }, IN "\n", { NULL, NULL, 0 },
	    EX_TEMPFAIL, "" },
	{ { "sendmail", "-oeq", "-fa@b", "c" }, IN "\n", { "421 x\r\n", NULL,
	    0 }, EX_TEMPFAIL, "" },
	{ { "sendmail", "-oeq", "-fa@b", "c" }, IN "\n", { "220 x\r\n", NULL,
	    0 }, EX_TEMPFAIL, "" },
	/* nobody is called */
	{ { "sendmail", "-oeq" }, IN, POLITE, EX_USAGE, "" },
	{ { "sendmail", "-oeq", "-t" }, IN "Subject: x\n\n", POLITE, EX_USAGE,
	    "" },
	{ { "sendmail", "-oeq", "-t", "c" }, IN "To: a@@b\n\n", POLITE,
	    EX_DATAERR, "" },
	{ { "sendmail", "-oeq", "a@@b" }, IN "\n", POLITE, EX_USAGE, "" },
	{ { "sendmail", "-oeq", "-f", "a@@b", "c" }, IN "\n", POLITE, EX_USAGE,
	    "" },
	{ { "sendmail", "-oeq", "-f", "a, b", "c" }, IN "\n", POLITE, EX_USAGE,
	    "" },
	{ { "sendmail", "-oeq", "-fa", "\xc3\xa4@b" }, IN "\n", POLITE,
	    EX_DATAERR, "" },
};

/* "<...>" of a command line. */
static void
put_path(struct buf *b, const char *line)
{
	const char *from = strchr(line, '<'), *to = strchr(line, '>');

	if (from != NULL && to != NULL) {
		buf_put(b, from, (size_t)(to - from) + 1);
		buf_putc(b, ' ');
	}
}

static void
take_content(FILE *io, struct buf *b)
{
	char line[1000];

	buf_putc(b, '[');
	while (fgets(line, sizeof(line), io) != NULL &&
	    strcmp(line, ".\r\n") != 0)
		buf_putz(b, line);
	buf_putc(b, ']');
}

/* One session; what was taken with 2yz is appended to heard. */
static void
serve(FILE *io, const struct manners *m, struct buf *heard)
{
	struct buf b = { 0 };
	char line[1000];
	unsigned taken = 0;

	fputs(m->greeting, io);
	while (fgets(line, sizeof(line), io) != NULL) {
		if (strncmp(line, "MAIL", 4) == 0) {
			buf_reset(&b);
			taken = 0;
			put_path(&b, line);
		}
		if (strncmp(line, "RCPT", 4) == 0) {
			if (strstr(line, "<no>") != NULL) {
				fputs("550 5.1.1 No\r\n", io);
				continue;
			}
			if (strstr(line, "<later>") != NULL) {
				fputs("451 4.3.0 Later\r\n", io);
				continue;
			}
			if (m->most > 0 && taken == m->most) {
				fputs("452 4.5.3 Too many\r\n", io);
				continue;
			}
			taken++;
			put_path(&b, line);
		}
		if (strcmp(line, "DATA\r\n") != 0) {
			fputs("250 Ok\r\n", io);
			continue;
		}
		fputs("354 Go on\r\n", io);
		take_content(io, &b);
		if (m->end == NULL)
			break;
		fputs(m->end, io);
		if (m->end[0] == '2')
			buf_puts(heard, buf_str(&b));
	}
	buf_free(&b);
}

static void
run_daemon(int fd, const struct manners *m, int result)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct sock_addr peer;
	struct buf heard = { 0 };
	FILE *io;

	alarm(300);
	(void)poll(&p, 1, -1);
	io = fdopen(sock_accept(fd, &peer), "r+");
	if (io != NULL) {
		serve(io, m, &heard);
		fclose(io);
	}
	(void)!write(result, heard.p, heard.n);
	buf_free(&heard);
	_exit(0);
}

static struct conf *
make_conf(void)
{
	struct buf text = { 0 }, errors = { 0 };
	struct conf *conf;

	buf_printf(&text, "hostname mail.test\nrun %s\nspool %s/spool\n", dir,
	    dir);
	conf = conf_parse("test", buf_str(&text), &errors);
	if (conf == NULL)
		fail_msg("%s", buf_cstr(&errors));
	buf_free(&text);
	buf_free(&errors);
	return conf;
}

static int
send_text(const struct row *row)
{
	struct conf *conf = make_conf();
	struct arena a = { 0 };
	struct options o;
	struct fault why;
	int fd[2], argc = 0, code;

	while (argc < 8 && row->argv[argc] != NULL)
		argc++;
	assert_int_equal(options_parse(&a, argc,
	    (char *const *)(uintptr_t)row->argv, &o, &why), 0);
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], row->text, strlen(row->text)),
	    (ssize_t)strlen(row->text));
	close(fd[1]);
	code = letter_send(conf, &o, fd[0]);
	close(fd[0]);
	arena_free(&a);
	conf_free(conf);
	return code;
}

static void
check(const struct row *row)
{
	char path[100], heard[2000] = "";
	struct fault why;
	int listener, fd[2], code, status;
	ssize_t n;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/submit.sock", dir);
	unlink(path);
	assert_int_equal(pipe(fd), 0);
	listener = sock_listen_unix(path, 0600, 5, &why);
	assert_int_not_equal(listener, -1);
	if (row->manners.greeting == NULL) {
		close(listener);
		listener = -1;
	}
	pid = listener == -1 ? -1 : fork();
	if (pid == 0)
		run_daemon(listener, &row->manners, fd[1]);
	close(fd[1]);
	close(listener);
	code = send_text(row);
	/* A daemon that nobody called is waiting still. */
	if (pid > 0 && row->heard[0] == '\0')
		kill(pid, SIGKILL);
	n = read(fd[0], heard, sizeof(heard) - 1);
	close(fd[0]);
	if (pid > 0)
		assert_int_equal(waitpid(pid, &status, 0), pid);
	if (code != row->code || n < 0 || strcmp(heard, row->heard) != 0)
		fail_msg("row %td: code %d, heard \"%s\"", row - rows, code,
		    heard);
}

static void
test_send(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

struct outcome_row {
	enum outcome_kind kind;
	int		  reply, subject, detail;
};

struct judged_row {
	struct outcome_row	outcomes[3];	/* reply -1: no more */
	int			code;
	bool			drop;
};

#define END	{ OUTCOME_FAILED, -1, 0, 0 }
#define TAKEN	{ OUTCOME_RELAYED, 250, 0, 0 }
#define AWAY	{ OUTCOME_DEFERRED, 0, 4, 1 }
#define NO(s, d) { OUTCOME_FAILED, 550, s, d }

static void
test_judgement(void **state)
{
	static const struct judged_row judged[] = {
		{ { TAKEN, END }, EX_OK, false },
		{ { NO(1, 1), END }, EX_NOUSER, false },
		{ { NO(1, 2), END }, EX_NOHOST, false },
		{ { NO(3, 4), END }, EX_UNAVAILABLE, false },
		{ { NO(6, 0), END }, EX_DATAERR, false },
		{ { NO(7, 1), NO(1, 1), END }, EX_NOPERM, false },
		{ { TAKEN, NO(1, 1), END }, EX_NOUSER, false },
		{ { AWAY, END }, EX_TEMPFAIL, true },
		{ { NO(1, 1), AWAY, END }, EX_TEMPFAIL, true },
		{ { { OUTCOME_DEFERRED, 421, 3, 2 }, END }, EX_TEMPFAIL,
		    true },
		{ { { OUTCOME_DEFERRED, 451, 3, 0 }, END }, EX_TEMPFAIL,
		    false },
		{ { { OUTCOME_DEFERRED, 451, 3, 0 }, NO(1, 1), END },
		    EX_TEMPFAIL, false },
		/* or the first would get it twice */
		{ { TAKEN, { OUTCOME_DEFERRED, 451, 3, 0 }, END },
		    EX_TEMPFAIL, true },
	};
	struct outcome o[3];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		for (n = 0; judged[i].outcomes[n].reply != -1; n++) {
			const struct outcome_row *r = &judged[i].outcomes[n];

			o[n] = (struct outcome){ .kind = r->kind,
			    .reply = r->reply, .status = { 5, r->subject,
			    r->detail } };
		}
		assert_int_equal(letter_exit_code(o, n), judged[i].code);
		assert_int_equal(post_wants_drop(o, n), judged[i].drop);
	}
}

static void
test_dead_letter(void **state)
{
	struct buf b = { 0 };
	struct fault why;
	char path[100];

	(void)state;
	setenv("TZ", "UTC", 1);
	assert_int_equal(dead_letter_save(dir, STR("a@b"), 1763792546,
	    STR("A: b\r\n\r\nFrom c\r\n>From d\r\n From e\r\n"), &why), 0);
	assert_int_equal(dead_letter_save(dir, STR_NONE, 1763792546,
	    STR("x\r\n"), &why), 0);
	snprintf(path, sizeof(path), "%s/dead.letter", dir);
	assert_int_equal(file_load(-1, path, 1000, &b, &why), 0);
	assert_string_equal(buf_cstr(&b),
	    "From a@b Sat Nov 22 06:22:26 2025\n"
	    "A: b\n\n>From c\n>>From d\n From e\n\n"
	    "From MAILER-DAEMON Sat Nov 22 06:22:26 2025\nx\n\n");
	/* Not through a link, and not into what is no file. */
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(dead_letter_save(dir, STR_NONE, 0, STR("x\r\n"),
	    &why), -1);
	unlink(path);
	assert_int_equal(dead_letter_save("/nonexistent", STR_NONE, 0,
	    STR("x\r\n"), &why), -1);
	buf_free(&b);
}

static int
make_dir(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	char path[100];

	(void)state;
	snprintf(path, sizeof(path), "%s/submit.sock", dir);
	unlink(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_judgement),
		cmocka_unit_test(test_dead_letter),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
