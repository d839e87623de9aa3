/* SPDX-License-Identifier: ISC */
/*
 * deliver/pipe and deliver/words: what a command is given, what its end means,
 * and that nothing that it does holds us up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>

#include "os/clock.h"
#include "unit/fake_entry.h"

static int
setup(void **state)
{
	struct fake *f;

	if (fake_setup(state) < 0)
		return -1;
	f = *state;
	f->conf.deliver.method = DELIVER_COMMAND;
	return 0;
}

/* The configured command: a script, and words for it (NULL at the end). */
static void
use(struct fake *f, const char *script, const char *const *words)
{
	const char *path = fake_path(f, "command").p;

	fake_save(path, arena_printf(&f->arena, "#!/bin/sh\n%s\n", script).p,
	    0700);
	f->conf.deliver.argv.n = 0;
	vec_push(&f->conf.arena, &f->conf.deliver.argv, str_of(path));
	for (; words != NULL && *words != NULL; words++)
		vec_push(&f->conf.arena, &f->conf.deliver.argv,
		    str_of(*words));
}

static struct outcome
run(struct fake *f, const char *script)
{
	use(f, script, NULL);
	return fake_deliver_text(f, "", "A: b\r\n\r\nhi\r\n");
}

static struct str
result(struct fake *f)
{
	return fake_load(f, fake_path(f, "out").p);
}

static void
content_comes_in(void **state)
{
	struct fake *f = *state;
	struct outcome o = run(f, "cat >out");

	assert_outcome(o, OUTCOME_DELIVERED, 2, 0, 0);
	assert_str(o.where, STR("command"));
	assert_str(o.text, STR("delivered to command"));
	assert_str(result(f), STR("Return-Path: <ann@example.com>\n"
	    "Delivered-To: joe@example.org\nA: b\n\nhi\n"));
}

static void
words_are_filled(void **state)
{
	static const char *const words[] = { "-f", "%s", "-e", "%e", "%r",
	    "--user=%u", "%h/x y", "100%%", "%u+%e@%%u", "", "a  b", NULL };
	struct fake *f = *state;
	struct hand former = f->hand;
	struct str want;

	use(f, "for i; do echo \"<$i>\"; done >out", words);
	f->hand.sender = STR("a b;$(id)`id`'\"*@example.com");
	assert_outcome(fake_deliver_text(f, "", "\r\n"), OUTCOME_DELIVERED,
	    2, 0, 0);
	want = arena_printf(&f->arena, "<-f>\n"
	    "<a b;$(id)`id`'\"*@example.com>\n<-e>\n<>\n<joe@example.org>\n"
	    "<--user=joe>\n<%s/x y>\n<100%%>\n<joe+@%%u>\n<>\n<a  b>\n",
	    f->dir);
	assert_str(result(f), want);
	f->hand = former;
}

static void
options_are_refused(void **state)
{
	static const struct {
		const char *word, *extension;
		bool refused;
	} rows[] = {
		{ "%e", "-rf", true },
		{ "%e", "-", true },
		{ "%e@x", "-rf", true },
		{ "%e", "r-f", false },
		{ "x%e", "-rf", false },
		{ "--ext=%e", "-rf", false },
		{ "-%e", "rf", false },
		{ "%e", "", false },
	};
	struct fake *f = *state;
	struct outcome o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		use(f, "exit 0", (const char *[]){ rows[i].word, NULL });
		f->hand.extension = str_of(rows[i].extension);
		o = fake_deliver_text(f, "", "\r\n");
		if (rows[i].refused)
			assert_outcome(o, OUTCOME_FAILED, 5, 1, 3);
		else
			assert_outcome(o, OUTCOME_DELIVERED, 2, 0, 0);
	}
	f->hand.extension = STR_NONE;
}

static void
environment_is_fresh(void **state)
{
	struct fake *f = *state;
	struct hand former = f->hand;
	struct str want;

	setenv("SECRET", "1", 1);
	setenv("TZ", "UTC", 1);
	f->hand.recipient = STR("joe+list@example.org");
	f->hand.original = STR("all@example.org");
	f->hand.extension = STR("list");
	use(f, "tr '\\0' '\\n' </proc/$$/environ | sort >out", NULL);
	assert_outcome(fake_deliver_text(f, "", "\r\n"), OUTCOME_DELIVERED,
	    2, 0, 0);
	want = arena_printf(&f->arena, "DOMAIN=example.org\nEXTENSION=list\n"
	    "HOME=%s\nLANG=C\nLOCAL=joe+list\nLOGNAME=joe\n"
	    "ORIGINAL_RECIPIENT=all@example.org\n"
	    "PATH=/usr/local/bin:/usr/bin:/bin\n"
	    "RECIPIENT=joe+list@example.org\nSENDER=ann@example.com\n"
	    "SHELL=/bin/sh\nTZ=UTC\nUSER=joe\n", f->dir);
	assert_str(result(f), want);
	unsetenv("TZ");
	assert_outcome(fake_deliver_text(f, "", "\r\n"), OUTCOME_DELIVERED,
	    2, 0, 0);
	assert_true(str_search(result(f), STR("TZ=")) == result(f).n);
	unsetenv("SECRET");
	f->hand = former;
}

static void
ends_have_meanings(void **state)
{
	static const struct {
		const char *script;
		enum outcome_kind kind;
		int class, subject, detail;
		const char *text;
	} rows[] = {
		{ "exit 0", OUTCOME_DELIVERED, 2, 0, 0, "delivered" },
		{ "echo fine", OUTCOME_DELIVERED, 2, 0, 0,
		    "delivered to command: fine" },
		{ "exit 1", OUTCOME_FAILED, 5, 3, 0, "status 1" },
		{ "echo no; exit 1", OUTCOME_FAILED, 5, 3, 0,
		    "command failed with status 1: no" },
		{ "exit 64", OUTCOME_FAILED, 5, 3, 0, "status 64" },
		{ "exit 67", OUTCOME_FAILED, 5, 1, 1, "unknown user" },
		{ "exit 68", OUTCOME_FAILED, 5, 1, 2, "unknown host" },
		{ "exit 69", OUTCOME_FAILED, 5, 3, 0, "unavailable" },
		{ "exit 71", OUTCOME_DEFERRED, 4, 3, 0, "system" },
		{ "exit 73", OUTCOME_FAILED, 5, 2, 0, "create" },
		{ "exit 74", OUTCOME_DEFERRED, 4, 3, 0, "input/output" },
		{ "exit 75", OUTCOME_DEFERRED, 4, 3, 0, "temporary" },
		{ "echo later >&2; exit 75", OUTCOME_DEFERRED, 4, 3, 0,
		    "temporary failure: later" },
		{ "exit 77", OUTCOME_FAILED, 5, 7, 1, "permission" },
		{ "exit 78", OUTCOME_DEFERRED, 4, 3, 5, "configuration" },
		{ "exit 126", OUTCOME_DEFERRED, 4, 3, 5, "cannot be" },
		{ "no-such-command-here", OUTCOME_DEFERRED, 4, 3, 5,
		    "cannot be" },
		{ "kill -SEGV $$", OUTCOME_DEFERRED, 4, 3, 0, "signal 11" },
		{ "kill -TERM $$", OUTCOME_DEFERRED, 4, 3, 0, "signal 15" },
	};
	struct fake *f = *state;
	struct outcome o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o = run(f, rows[i].script);
		assert_outcome(o, rows[i].kind, rows[i].class,
		    rows[i].subject, rows[i].detail);
		if (str_search(o.text, str_of(rows[i].text)) == o.text.n)
			fail_msg("%s: \"%.*s\"", rows[i].script,
			    STR_ARG(o.text));
	}
}

static void
what_cannot_be_executed(void **state)
{
	struct fake *f = *state;
	struct outcome o;

	use(f, "exit 0", NULL);
	assert_int_equal(unlink(fake_path(f, "command").p), 0);
	o = fake_deliver_text(f, "", "\r\n");
	assert_outcome(o, OUTCOME_DEFERRED, 4, 3, 5);
	assert_str(o.text, arena_printf(&f->arena, "%s/command cannot be "
	    "executed: No such file or directory", f->dir));
	fake_save(fake_path(f, "command").p, "#!/bin/sh\n", 0600);
	o = fake_deliver_text(f, "", "\r\n");
	assert_outcome(o, OUTCOME_DEFERRED, 4, 3, 5);
	assert_true(str_ends(o.text, STR(": Permission denied")));
}

static void
output_is_one_line(void **state)
{
	static const struct {
		const char *script, *want;
	} rows[] = {
		{ "printf 'a\\nb\\r\\n\\n\\tc\\n'; exit 1", "a b c" },
		{ "printf '\\033[1mx\\001\\177y'; exit 1", "[1mx y" },
		{ "printf 'gr\\303\\274n \\374 \\302\\205.'; exit 1",
		    "gr\303\274n ? ." },
		{ "printf ' \\n \\n'; exit 1", "" },
		{ "echo one; echo two >&2; exit 1", "one two" },
	};
	struct fake *f = *state;
	struct outcome o;
	struct str want;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o = run(f, rows[i].script);
		want = arena_printf(&f->arena, "command failed with status "
		    "1%s%s", rows[i].want[0] != '\0' ? ": " : "",
		    rows[i].want);
		assert_str(o.text, want);
	}
	o = run(f, "head -c 300000 /dev/zero | tr '\\0' x; exit 1");
	assert_outcome(o, OUTCOME_FAILED, 5, 3, 0);
	assert_true(o.text.n > 450 && o.text.n < 520);
}

/* Neither a command that does not read, nor one that talks while we write. */
static void
no_deadlock(void **state)
{
	static char big[3 * 1024 * 1024];
	static const char *const scripts[] = {
		"exit 0",
		"exec <&-; sleep 0.2; exit 0",
		"head -c 100 >out; sleep 0.1",
		"head -c 300000 /dev/zero; cat >out",
		"tee out",
	};
	struct fake *f = *state;
	struct str head = STR("Return-Path: <ann@example.com>\n"
	    "Delivered-To: joe@example.org\n"), got;
	int entry;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = i % 70 == 69 ? '\n' : (char)('a' + i % 26);
	entry = fake_entry(f, STR(""), str_span(big, sizeof(big) - 7));
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		use(f, scripts[i], NULL);
		assert_outcome(fake_deliver(f, fcntl(entry, F_DUPFD_CLOEXEC,
		    3)), OUTCOME_DELIVERED, 2, 0, 0);
	}
	got = result(f);
	assert_str(str_slice(got, 0, head.n), head);
	got = str_from(got, head.n);
	assert_int_equal(got.n, sizeof(big) - 7 + 1);
	assert_memory_equal(got.p, big, sizeof(big) - 7);
	close(entry);
}

/* A zombie that nobody has buried yet is not alive. */
static bool
is_alive(struct fake *f, const char *pid)
{
	char text[256] = "", state = 'Z';
	const char *end;
	FILE *in;

	in = fopen(arena_printf(&f->arena, "/proc/%ld/stat",
	    strtol(pid, NULL, 10)).p, "r");
	if (in == NULL)
		return false;
	if (fgets(text, sizeof(text), in) != NULL &&
	    (end = strrchr(text, ')')) != NULL)
		state = end[2];
	fclose(in);
	return state != 'Z' && state != 'X';
}

static void
children_left_behind(void **state)
{
	struct fake *f = *state;
	int64_t start = clock_mono_ms();

	f->conf.timeout.deliver = 400;
	assert_outcome(run(f, "sleep 300 & echo $! >out; exit 0"),
	    OUTCOME_DELIVERED, 2, 0, 0);
	assert_true(clock_mono_ms() - start < 150000);
	f->conf.timeout.deliver = 300;
	/* They live on. */
	assert_true(is_alive(f, result(f).p));
	assert_int_equal(kill((pid_t)strtol(result(f).p, NULL, 10), SIGKILL),
	    0);
}

static void
child_is_bare(void **state)
{
	struct fake *f = *state;
	struct outcome o;

	/* ls has one more for the directory that it reads. */
	o = run(f, "ls /proc/self/fd | tr '\\n' ' '");
	assert_str(o.text, STR("delivered to command: 0 1 2 3"));
	/* Signals 32 and 33 are the C library's own; nobody can set them, and
	 * who started us may have left them as they like. */
	o = run(f, "sed -n '/^Sig\\(Blk\\|Ign\\):/{s/^[^\\t]*\\t0*//; "
	    "s/^1\\?80000000$//; s/^100000000$//; p}' /proc/self/status");
	assert_str(o.text, STR("delivered to command"));
	o = run(f, "set -- $(cat /proc/$$/stat); test $5 = $$ -a $6 = $$ && "
	    "echo leader; umask; pwd");
	assert_str(o.text, arena_printf(&f->arena,
	    "delivered to command: leader 0077 %s", f->dir));
}

static void
home_may_be_missing(void **state)
{
	struct fake *f = *state;
	struct str former = f->user.home;

	f->user.home = STR("/nonexistent/joe");
	assert_str(run(f, "pwd").text, STR("delivered to command: /"));
	f->user.home = former;
}

static void
time_is_limited(void **state)
{
	struct fake *f = *state;
	int64_t start = clock_mono_ms();
	struct outcome o;

	/* Time enough to say it. */
	f->conf.timeout.deliver = 5;
	o = run(f, "echo wait; sleep 300 & echo $! >out; wait");
	assert_outcome(o, OUTCOME_DEFERRED, 4, 3, 0);
	assert_str(o.text, STR("command timed out after 5 seconds: wait"));
	/* The whole group is gone, or about to be. */
	for (int i = 0; i < 600 && is_alive(f, result(f).p); i++)
		usleep(100 * 1000);
	assert_false(is_alive(f, result(f).p));
	/* SIGTERM is not heeded. */
	f->conf.timeout.deliver = 1;
	o = run(f, "trap '' TERM; sleep 150; sleep 150");
	assert_outcome(o, OUTCOME_DEFERRED, 4, 3, 0);
	assert_true(clock_mono_ms() - start < 150000);
	f->conf.timeout.deliver = 300;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_comes_in),
		cmocka_unit_test(words_are_filled),
		cmocka_unit_test(options_are_refused),
		cmocka_unit_test(environment_is_fresh),
		cmocka_unit_test(ends_have_meanings),
		cmocka_unit_test(what_cannot_be_executed),
		cmocka_unit_test(output_is_one_line),
		cmocka_unit_test(no_deadlock),
		cmocka_unit_test(children_left_behind),
		cmocka_unit_test(child_is_bare),
		cmocka_unit_test(home_may_be_missing),
		cmocka_unit_test(time_is_limited),
	};

	return cmocka_run_group_tests(tests, setup, fake_teardown);
}
