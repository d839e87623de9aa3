/* SPDX-License-Identifier: ISC */
/* T-23: Dovecot's protocol against a server that says what the table says, at
 * once, byte by byte, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/dovecot.h"
#include "os/sock.h"
#include "os/stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HELLO	"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tXOAUTH2\n" \
	"MECH\tSCRAM-SHA-256\nSPID\t12\nCUID\t34\nCOOKIE\tabc\nDONE\n"

static char directory[] = "/tmp/godwit-dovecot-XXXXXX";
static char path[64];

static const struct row {
	const char		*hello;
	const char		*answer;	/* to the first AUTH */
	enum attempt_answer	 want;
	const char		*text;		/* login, out or why */
} rows[] = {
	{ HELLO, "OK\t1\tuser=bob\n", ATTEMPT_YES, "bob" },
	{ HELLO, "OK\t1\tx=y\tuser=bob@example.org\tz\n", ATTEMPT_YES,
	    "bob@example.org" },
	{ HELLO, "SPID\t3\nOK\t2\tuser=eve\nOK\t1\tuser=bob\n", ATTEMPT_YES,
	    "bob" },
	{ HELLO, "FAIL\t1\tuser=bob\n", ATTEMPT_NO,
	    "authentication failure" },
	{ HELLO, "FAIL\t1\n", ATTEMPT_NO, "authentication failure" },
	{ HELLO, "FAIL\t1\tuser=bob\tcode=user_disabled\n", ATTEMPT_NO,
	    "the account is disabled" },
	{ HELLO, "FAIL\t1\tuser=bob\ttemp\n", ATTEMPT_LATER,
	    "Dovecot: temporary failure" },
	{ HELLO, "FAIL\t1\tcode=temp_fail\n", ATTEMPT_LATER,
	    "Dovecot: temporary failure" },
	{ HELLO, "CONT\t1\tYWJ\n", ATTEMPT_LATER, "Dovecot: no answer" },
	/* What a wrong token gets first is the reason. */
	{ HELLO, "CONT\t1\tYWJj\nFAIL\t1\tuser=bob\n", ATTEMPT_NO,
	    "authentication failure" },
	{ HELLO, "CONT\t1\t\nOK\t1\tuser=bob\n", ATTEMPT_YES, "bob" },
	{ HELLO, "CONT\t1\tYWJj\n", ATTEMPT_LATER, "Dovecot: no answer" },
	{ HELLO, "CONT\t1\tYWJj\nCONT\t1\tYWJj\n", ATTEMPT_LATER,
	    "Dovecot: too many questions" },
	{ HELLO, "OK\t1\n", ATTEMPT_LATER,
	    "Dovecot: an answer without a good name" },
	{ HELLO, "OK\t1\tuser=\n", ATTEMPT_LATER,
	    "Dovecot: an answer without a good name" },
	{ HELLO, "OK\t1\tuser=b\001tb\n", ATTEMPT_LATER,
	    "Dovecot: an answer without a good name" },
	{ HELLO, "OK\t1\tuser=bob\tresp=!\n", ATTEMPT_LATER,
	    "Dovecot: an answer without a good name" },
	{ HELLO, "", ATTEMPT_LATER, "Dovecot: no answer" },
	{ HELLO, "OK", ATTEMPT_LATER, "Dovecot: no answer" },
	{ HELLO, "nonsense\n\n\t\n", ATTEMPT_LATER, "Dovecot: no answer" },
	{ "VERSION\t2\t0\nMECH\tPLAIN\nDONE\n", "OK\t1\tuser=bob\n",
	    ATTEMPT_LATER, "Dovecot: not version 1 of its protocol" },
	{ "MECH\tPLAIN\nDONE\n", "OK\t1\tuser=bob\n", ATTEMPT_LATER,
	    "Dovecot: not version 1 of its protocol" },
	{ "VERSION\t1\t0\nMECH\tLOGIN\nDONE\n", "OK\t1\tuser=bob\n",
	    ATTEMPT_LATER, "Dovecot: it does not offer this mechanism" },
	{ "VERSION\t1\t0\nMECH\tPLAIN\n", "", ATTEMPT_LATER,
	    "Dovecot: no greeting" },
	{ "", "", ATTEMPT_LATER, "Dovecot: no greeting" },
};

static void
put(int fd, const char *s, bool bytewise)
{
	size_t n = strlen(s), step = bytewise ? 1 : n;

	for (size_t i = 0; i < n; i += step)
		(void)!write(fd, s + i, step);
}

/* What the client sends is kept behind the server's back in a pipe. */
static void
serve(int listener, const struct row *row, bool bytewise, int kept)
{
	struct sock_addr peer;
	char line[4096];
	ssize_t n;
	int fd;

	while ((fd = sock_accept(listener, &peer)) < 0)
		usleep(1000);
	put(fd, row->hello, bytewise);
	n = row->answer[0] == '\0' ? 0 : read(fd, line, sizeof(line));
	if (n > 0)
		(void)!write(kept, line, (size_t)n);
	put(fd, row->answer, bytewise);
	shutdown(fd, SHUT_WR);
	while (read(fd, line, sizeof(line)) > 0)
		continue;
	_exit(0);
}

static enum attempt_answer
ask(const struct row *row, bool bytewise, struct attempt *a, char *sent,
    size_t size)
{
	struct backend b = { .ops = &dovecot_backend, .place = str_of(path) };
	enum attempt_answer answer;
	struct fault why;
	int kept[2], listener = sock_listen_unix(path, 0600, 5, &why);
	pid_t pid;
	ssize_t n;

	assert_true(listener >= 0);
	assert_int_equal(pipe(kept), 0);
	if ((pid = fork()) == 0)
		serve(listener, row, bytewise, kept[1]);
	close(kept[1]);
	answer = b.ops->ask(&b, a);
	if (a->state != NULL)
		stream_close(a->state);
	waitpid(pid, NULL, 0);
	n = read(kept[0], sent, size - 1);
	sent[n > 0 ? n : 0] = '\0';
	close(kept[0]);
	close(listener);
	unlink(path);
	return answer;
}

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		const struct row *row = &rows[i / 2];
		struct arena arena = { 0 };
		struct attempt a = { .arena = &arena, .kind = ATTEMPT_SECRET,
		    .mechanism = STR("LOGIN"), .service = STR("smtp"),
		    .name = STR("bob"), .secret = STR("x") };
		char sent[4096];
		struct str said;

		enum attempt_answer answer = ask(row, i % 2 != 0, &a, sent,
		    sizeof(sent));

		said = answer == ATTEMPT_YES ? a.login :
		    answer == ATTEMPT_MORE ? a.out : a.why;
		if (answer != row->want || !str_eq(said, str_of(row->text)))
			fail_msg("row %zu: %d %.*s", i / 2, (int)answer,
			    STR_ARG(said));
		arena_free(&arena);
	}
}

/* An exchange is the client's to go on with. */
static void
test_challenge(void **state)
{
	static const struct row more = { HELLO, "CONT\t1\tYWJj\n",
	    ATTEMPT_MORE, "abc" };
	struct arena arena = { 0 };
	struct attempt a = { .arena = &arena, .kind = ATTEMPT_EXCHANGE,
	    .mechanism = STR("SCRAM-SHA-256"), .service = STR("smtp"),
	    .secret = STR("n,,n=a,r=b") };
	char sent[4096];

	(void)state;
	assert_int_equal(ask(&more, false, &a, sent, sizeof(sent)),
	    ATTEMPT_MORE);
	assert_true(str_eq(a.out, STR("abc")));
	arena_free(&arena);
}

static void
test_requests(void **state)
{
	static const struct row yes = { HELLO, "OK\t1\tuser=bob\n",
	    ATTEMPT_YES, "bob" };
	static const struct {
		enum attempt_kind	 kind;
		const char		*mechanism, *name, *secret;
		bool			 secure;
		const char		*want;
	} asks[] = {
		{ ATTEMPT_SECRET, "LOGIN", "bob", "x", false,
		    "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.2"
		    "\trip=192.0.2.1\tresp=AGJvYgB4\n" },
		{ ATTEMPT_TOKEN, "XOAUTH2", "bob", "tok", true,
		    "AUTH\t1\tXOAUTH2\tservice=smtp\tnologin\tsecured"
		    "\tlip=192.0.2.2\trip=192.0.2.1"
		    "\tresp=dXNlcj1ib2IBYXV0aD1CZWFyZXIgdG9rAQE=\n" },
		{ ATTEMPT_EXCHANGE, "SCRAM-SHA-256", "", "n,,n=a,r=b", true,
		    "AUTH\t1\tSCRAM-SHA-256\tservice=smtp\tnologin\tsecured"
		    "\tlip=192.0.2.2\trip=192.0.2.1"
		    "\tresp=biwsbj1hLHI9Yg==\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(asks); i++) {
		struct arena arena = { 0 };
		struct attempt a = { .arena = &arena, .kind = asks[i].kind,
		    .mechanism = str_of(asks[i].mechanism),
		    .service = STR("smtp"), .secure = asks[i].secure,
		    .client = { 4, { 192, 0, 2, 1 } },
		    .server = { 4, { 192, 0, 2, 2 } },
		    .name = str_of(asks[i].name),
		    .secret = str_of(asks[i].secret) };
		char sent[4096];
		const char *auth;

		assert_int_equal(ask(&yes, false, &a, sent, sizeof(sent)),
		    ATTEMPT_YES);
		assert_int_equal(strncmp(sent, "VERSION\t1\t1\nCPID\t", 17),
		    0);
		assert_non_null(auth = strstr(sent, "AUTH\t"));
		assert_string_equal(auth, asks[i].want);
		arena_free(&arena);
	}
}

static void
test_nobody_there(void **state)
{
	struct backend b = { .ops = &dovecot_backend,
	    .place = STR("/nonexistent/socket") };
	struct arena arena = { 0 };
	struct attempt a = { .arena = &arena, .kind = ATTEMPT_SECRET,
	    .mechanism = STR("PLAIN"), .name = STR("b"), .secret = STR("x") };

	(void)state;
	assert_int_equal(b.ops->ask(&b, &a), ATTEMPT_LATER);
	assert_true(a.why.n > 0);
	arena_free(&arena);
}

static int
set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(directory) == NULL)
		return -1;
	memcpy(path, directory, sizeof(directory) - 1);
	memcpy(path + sizeof(directory) - 1, "/s", 3);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_nobody_there),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
