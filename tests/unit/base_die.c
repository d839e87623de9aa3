/* SPDX-License-Identifier: ISC */
/*
 * base/die: how a child ends, what it said, and what it still did.  Each row
 * runs in a forked child whose standard error is a pipe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static void
say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) == -1)
		_exit(99);
}

static void
report(const char *text)
{
	say("<");
	say(text);
	say(">");
}

static void
report_and_die(const char *text)
{
	say(text);
	die("again");
}

static void
act(void *ctx)
{
	say(ctx);
}

static void
act_and_die(void *ctx)
{
	say(ctx);
	die("in the act");
}

static void
plain(void)
{
	die("no %s (%d)", "room", 7);
}

static void
with_report(void)
{
	die_set_report(report);
	die("gone");
}

static void
with_act(void)
{
	char	reply[] = "421 bye\n";

	die_set_last_act(act, reply);
	die("gone");
}

static void
act_taken_away(void)
{
	char	reply[] = "421 bye\n";

	die_set_last_act(act, reply);
	die_set_last_act(NULL, NULL);
	die("gone");
}

static void
act_that_dies(void)
{
	char	reply[] = "421 bye\n";

	die_set_last_act(act_and_die, reply);
	die("gone");
}

static void
report_that_dies(void)
{
	die_set_report(report_and_die);
	die("gone");
}

static void
must_holds(void)
{
	must(1 + 1 == 2);
	_exit(3);
}

static void
must_breaks(void)
{
	char	reply[] = "421 bye\n";

	die_set_last_act(act, reply);
	must(1 + 1 == 3);
}

static void
plain_bug(void)
{
	die_set_report(report);
	bug("odd %d", 5);
}

static void
array_overflows(void)
{
	mem_free(mem_array(SIZE_MAX / 2, 4));
}

static void
long_text(void)
{
	char	text[5000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	die("%s", text);
}

/* Runs f in a child; what it said goes to out.  Returns the wait status. */
static int
run(void (*f)(void), char *out, size_t size)
{
	const struct rlimit	no_core = { 0, 0 };
	int			fd[2], status;
	ssize_t			r;
	size_t			n = 0;
	pid_t			pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		(void)setrlimit(RLIMIT_CORE, &no_core);
		if (dup2(fd[1], STDERR_FILENO) == -1)
			_exit(98);
		(void)close(fd[0]);
		(void)close(fd[1]);
		f();
		_exit(97);
	}
	(void)close(fd[1]);
	while ((r = read(fd[0], out + n, size - 1 - n)) > 0)
		n += (size_t)r;
	assert_int_equal(r, 0);
	out[n] = '\0';
	(void)close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
ends(void **state)
{
	static const struct {
		const char	*name;
		void		(*f)(void);
		int		 exit;		/* -1: by SIGABRT */
		const char	*said;		/* "..." at the end: and more */
	} t[] = {
		{ "plain", plain, 75, "fatal: no room (7)\n" },
		{ "with_report", with_report, 75, "<fatal: gone>" },
		{ "with_act", with_act, 75, "fatal: gone\n421 bye\n" },
		{ "act_taken_away", act_taken_away, 75, "fatal: gone\n" },
		{ "act_that_dies", act_that_dies, 75,
		    "fatal: gone\n421 bye\nfatal: in the act\n" },
		{ "report_that_dies", report_that_dies, 75, "fatal: gone" },
		{ "must_holds", must_holds, 3, "" },
		{ "must_breaks", must_breaks, -1, "panic: ..." },
		{ "plain_bug", plain_bug, -1, "<panic: ..." },
		{ "array_overflows", array_overflows, 75,
		    "fatal: out of memory ..." },
		{ "long_text", long_text, 75, "fatal: xxxxxx..." },
	};
	char	out[4096], *dots;
	size_t	i, n;
	int	status;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		status = run(t[i].f, out, sizeof(out));
		if (t[i].exit == -1 ? !WIFSIGNALED(status) ||
		    WTERMSIG(status) != SIGABRT : !WIFEXITED(status) ||
		    WEXITSTATUS(status) != t[i].exit)
			fail_msg("%s: status %#x", t[i].name, status);
		dots = strstr(t[i].said, "...");
		n = dots != NULL ? (size_t)(dots - t[i].said) : strlen(out);
		if (strncmp(out, t[i].said, n) != 0 ||
		    (dots == NULL && n != strlen(t[i].said)))
			fail_msg("%s: said %s", t[i].name, out);
	}
}

static void
bug_names_its_place(void **state)
{
	char	out[4096];

	(void)state;
	(void)run(must_breaks, out, sizeof(out));
	assert_non_null(strstr(out, "base_die.c:"));
	assert_non_null(strstr(out, ": must hold: 1 + 1 == 3\n"));
	assert_null(strstr(out, "421"));
	(void)run(plain_bug, out, sizeof(out));
	assert_non_null(strstr(out, ": odd 5>"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends),
		cmocka_unit_test(bug_names_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
