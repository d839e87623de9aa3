/* SPDX-License-Identifier: ISC */
/*
 * deliver/mbox: what is appended, that what cannot be appended whole leaves
 * nothing, that the locks of others are waited for, and that nothing is
 * written to what is not the user's mailbox.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <dirent.h>
#include <signal.h>
#include <time.h>

#include "os/clock.h"
#include "unit/fake_entry.h"

#define HEAD	"Return-Path: <ann@example.com>\n" \
		"Delivered-To: joe@example.org\n"
#define DATE_LEN	24	/* "Sun Nov 22 06:22:26 2026" */

static int
setup(void **state)
{
	struct fake *f;

	if (fake_setup(state) < 0)
		return -1;
	f = *state;
	f->conf.deliver.method = DELIVER_MBOX;
	f->conf.deliver.path = fake_path(f, "mail");
	return mkdir(f->conf.deliver.path.p, 0700);
}

static const char *
box(struct fake *f)
{
	return fake_path(f, "mail/joe").p;
}

static const char *
dot(struct fake *f)
{
	return fake_path(f, "mail/joe.lock").p;
}

/* With the mailbox itself; the rest would be locks that were left. */
static size_t
count_files(struct fake *f)
{
	DIR *d = opendir(f->conf.deliver.path.p);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void
clean(struct fake *f)
{
	(void)unlink(box(f));
	(void)unlink(dot(f));
}

/* The message at the front of *rest: its "From " line without the date, and
 * what follows up to the empty line in front of the next one. */
static void
expect_message(struct str *rest, const char *sender, struct str want)
{
	struct str line;
	size_t n = strlen(sender);
	struct tm tm;
	char date[DATE_LEN + 1];
	const char *end;

	assert_true(str_cut(rest, '\n', &line));
	assert_true(str_starts(line, STR("From ")));
	line = str_from(line, 5);
	assert_str(str_slice(line, 0, n), str_of(sender));
	assert_str(str_slice(line, n, n + 2), STR("  "));
	assert_int_equal(line.n, n + 2 + DATE_LEN);
	memcpy(date, line.p + n + 2, DATE_LEN);
	date[DATE_LEN] = '\0';
	end = strptime(date, "%a %b %d %H:%M:%S %Y", &tm);
	assert_ptr_equal(end, date + DATE_LEN);
	assert_str(str_slice(*rest, 0, want.n), want);
	*rest = str_from(*rest, want.n);
}

static void
content_is_quoted(void **state)
{
	static const struct {
		const char *head, *content, *want;
	} rows[] = {
		{ "", "A: b\r\n\r\nhi\r\n", "A: b\n\nhi\n\n" },
		{ "", "A: b\r\n\r\nhi", "A: b\n\nhi\n\n" },
		{ "", "A: b\r\n\r\nFrom x\r\nFrom y\r\n",
		    "A: b\n\n>From x\n>From y\n\n" },
		{ "", "A: b\r\n\r\nFrom\r\nfrom x\r\n>From x\r\n From x\r\n",
		    "A: b\n\nFrom\nfrom x\n>From x\n From x\n\n" },
		{ "", "A: b\r\n\r\nFrom: x\r\nxFrom y\r\n",
		    "A: b\n\nFrom: x\nxFrom y\n\n" },
		{ "", "From x\r\nA: b\r\n\r\n", ">From x\nA: b\n\n\n" },
		{ "A: b\r\n\r\nFr", "om x\r\n", "A: b\n\n>From x\n\n" },
		{ "A: b\r", "\nFrom x\r\n", "A: b\n>From x\n\n" },
		{ "A: b", "From x\r\n", "A: bFrom x\n\n" },
		{ "", "A: b\r\n\r\nFrom ", "A: b\n\n>From \n\n" },
		{ "", "A: b\r\n\r\nFrom", "A: b\n\nFrom\n\n" },
		{ "", "", "\n" },
	};
	struct fake *f = *state;
	size_t n = sizeof(rows) / sizeof(rows[0]), i;
	struct outcome o;
	struct stat st;
	struct str all;

	for (i = 0; i < n; i++) {
		o = fake_deliver_text(f, rows[i].head, rows[i].content);
		assert_outcome(o, OUTCOME_DELIVERED, 2, 0, 0);
		assert_str(o.where, STR("mbox"));
		assert_str(o.text, STR("delivered to mbox"));
	}
	assert_int_equal(stat(box(f), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(count_files(f), 1);
	all = fake_load(f, box(f));
	for (i = 0; i < n; i++)
		expect_message(&all, "ann@example.com",
		    arena_printf(&f->arena, HEAD "%s", rows[i].want));
	assert_int_equal(all.n, 0);
	clean(f);
}

/* RFC 3030 3: a line of it would become another one. */
static void
binary_is_refused(void **state)
{
	struct fake *f = *state;
	struct outcome o;

	f->body = BODY_BINARYMIME;
	o = fake_deliver_text(f, "", "A: b\r\n\r\n\n");
	assert_outcome(o, OUTCOME_FAILED, 5, 6, 1);
	assert_int_equal(access(box(f), F_OK), -1);
	f->body = BODY_7BIT;
}

static void
null_sender_has_a_name(void **state)
{
	struct fake *f = *state;
	struct str former = f->hand.sender, all;

	f->hand.sender = STR_NONE;
	assert_outcome(fake_deliver_text(f, "", "\r\n"), OUTCOME_DELIVERED,
	    2, 0, 0);
	all = fake_load(f, box(f));
	expect_message(&all, "MAILER-DAEMON", STR("Return-Path: <>\n"
	    "Delivered-To: joe@example.org\n\n\n"));
	assert_int_equal(all.n, 0);
	f->hand.sender = former;
	clean(f);
}

static void
torn_end_is_parted(void **state)
{
	static const struct {
		const char *before, *gap;
	} rows[] = {
		{ "From a  x\n\nhi\n\n", "" },
		{ "From a  x\n\nhi\n", "\n" },
		{ "From a  x\n\nhi", "\n\n" },
		{ "x", "\n\n" },
		{ "\n", "" },
	};
	struct fake *f = *state;
	struct str all, want;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_save(box(f), rows[i].before, 0640);
		assert_outcome(fake_deliver_text(f, "", "\r\n"),
		    OUTCOME_DELIVERED, 2, 0, 0);
		all = fake_load(f, box(f));
		want = arena_printf(&f->arena, "%s%sFrom ann@",
		    rows[i].before, rows[i].gap);
		assert_str(str_slice(all, 0, want.n), want);
	}
	clean(f);
}

static void
mode_is_kept(void **state)
{
	struct fake *f = *state;
	struct stat st;

	fake_save(box(f), "", 0660);
	assert_outcome(fake_deliver_text(f, "", "\r\n"), OUTCOME_DELIVERED,
	    2, 0, 0);
	assert_int_equal(stat(box(f), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	clean(f);
}

static void
expect_refused(struct fake *f, int subject, const char *text)
{
	struct outcome o = fake_deliver_text(f, "", "\r\nsecret\r\n");

	assert_outcome(o, OUTCOME_DEFERRED, 4, subject, 0);
	if (str_search(o.text, str_of(text)) == o.text.n)
		fail_msg("\"%.*s\" without \"%s\"", STR_ARG(o.text), text);
	assert_int_equal(access(dot(f), F_OK), -1);
}

static void
what_is_no_mailbox(void **state)
{
	struct fake *f = *state;
	const char *other = fake_path(f, "other").p;

	fake_save(other, "keep\n", 0600);
	assert_int_equal(symlink(other, box(f)), 0);
	expect_refused(f, 3, "joe");
	clean(f);
	assert_int_equal(symlink("/nonexistent/x", box(f)), 0);
	expect_refused(f, 3, "joe");
	clean(f);
	assert_int_equal(link(other, box(f)), 0);
	expect_refused(f, 2, "more than one name");
	clean(f);
	assert_str(fake_load(f, other), STR("keep\n"));
	assert_int_equal(mkfifo(box(f), 0600), 0);
	expect_refused(f, 2, "not a regular file");
	clean(f);
	assert_int_equal(mkdir(box(f), 0700), 0);
	expect_refused(f, 3, "joe");
	assert_int_equal(rmdir(box(f)), 0);
	fake_save(box(f), "keep\n", 0600);
	f->user.uid++;
	expect_refused(f, 2, "does not belong");
	f->user.uid--;
	assert_str(fake_load(f, box(f)), STR("keep\n"));
	clean(f);
}

static void
names_are_safe(void **state)
{
	static const char *const names[] = { "", "..", "../joe", ".joe" };
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		f->user.name = str_of(names[i]);
		assert_outcome(fake_deliver_text(f, "", "\r\n"),
		    OUTCOME_DEFERRED, 4, 3, 5);
	}
	f->user.name = STR("joe");
	assert_int_equal(count_files(f), 0);
}

static void
directory_must_be(void **state)
{
	struct fake *f = *state;
	struct str former = f->conf.deliver.path;

	f->conf.deliver.path = fake_path(f, "nowhere");
	expect_refused(f, 3, "nowhere");
	f->conf.deliver.path = former;
}

/* A file system that is full in the middle of a message. */
static void
failure_leaves_nothing(void **state)
{
	static char big[100000];
	struct fake *f = *state;
	struct rlimit former, small;
	struct outcome o;
	int entry;

	memset(big, 'x', sizeof(big));
	entry = fake_entry(f, STR("\r\n"), str_span(big, sizeof(big)));
	fake_save(box(f), "From a  x\n\nhi\n\n", 0600);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &former), 0);
	small = (struct rlimit){ 90000, former.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	o = fake_deliver(f, entry);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &former), 0);
	assert_outcome(o, OUTCOME_DEFERRED, 4, 3, 1);
	assert_int_equal(o.reply, 452);
	assert_str(fake_load(f, box(f)), STR("From a  x\n\nhi\n\n"));
	assert_int_equal(count_files(f), 1);
	clean(f);
}

static int
deliver_patiently(struct fake *f, int64_t ms, struct fault *why)
{
	struct place_kept kept = { .patience_ms = ms };
	int r;

	r = fake_place(f, fake_entry(f, STR(""), STR("\r\n")), &kept,
	    mbox_deliver, why);
	buf_free(&kept.out);
	return r;
}

/* A child that holds the fcntl lock while it lives; it has it on return. */
static pid_t
hold_lock(struct fake *f)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd[2], file;
	pid_t pid;
	char c;

	assert_int_equal(pipe(fd), 0);
	if ((pid = fork()) == 0) {
		file = open(box(f), O_RDWR | O_CREAT, 0600);
		if (fcntl(file, F_SETLK, &lock) < 0)
			_exit(1);
		(void)!write(fd[1], "", 1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	assert_int_equal(read(fd[0], &c, 1), 1);
	close(fd[0]);
	close(fd[1]);
	return pid;
}

static void
fcntl_lock_is_waited_for(void **state)
{
	struct fake *f = *state;
	struct fault why;
	int64_t start;
	pid_t pid = hold_lock(f), killer;

	assert_int_equal(deliver_patiently(f, 50, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_int_equal(why.subject, 2);
	assert_non_null(strstr(why.text, "locked"));
	assert_int_equal(fake_load(f, box(f)).n, 0);
	start = clock_mono_ms();
	if ((killer = fork()) == 0) {
		usleep(200 * 1000);
		_exit(kill(pid, SIGKILL));
	}
	assert_int_equal(deliver_patiently(f, 60000, &why), 0);
	assert_true(clock_mono_ms() - start > 100);
	waitpid(killer, NULL, 0);
	waitpid(pid, NULL, 0);
	assert_true(fake_load(f, box(f)).n > 0);
	clean(f);
}

static void
dot_lock_is_waited_for(void **state)
{
	struct fake *f = *state;
	struct fault why;
	pid_t pid;

	fake_save(dot(f), "1\n", 0600);
	assert_int_equal(deliver_patiently(f, 50, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_non_null(strstr(why.text, "joe.lock"));
	assert_int_equal(access(dot(f), F_OK), 0);
	assert_int_equal(fake_load(f, box(f)).n, 0);
	assert_int_equal(count_files(f), 2);
	if ((pid = fork()) == 0) {
		usleep(200 * 1000);
		_exit(unlink(dot(f)));
	}
	assert_int_equal(deliver_patiently(f, 60000, &why), 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(count_files(f), 1);
	clean(f);
}

static void
age(const char *path, int seconds)
{
	struct timespec t[2] = { { .tv_sec = time(NULL) - seconds },
	    { .tv_sec = time(NULL) - seconds } };

	assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static void
stale_dot_lock_is_removed(void **state)
{
	struct fake *f = *state;
	struct fault why;

	fake_save(dot(f), "", 0600);
	age(dot(f), 200);
	assert_int_equal(deliver_patiently(f, 50, &why), -1);
	age(dot(f), 310);
	assert_int_equal(deliver_patiently(f, 60000, &why), 0);
	assert_int_equal(count_files(f), 1);
	clean(f);
}

/* Readers that replace the mailbox by another file while we wait. */
static void
replaced_mailbox_is_reopened(void **state)
{
	struct fake *f = *state;
	struct fault why;
	pid_t pid;

	fake_save(dot(f), "", 0600);
	fake_save(box(f), "From old  x\n\n\n", 0600);
	if ((pid = fork()) == 0) {
		usleep(100 * 1000);
		fake_save(box(f), "From new  x\n\n\n", 0600);
		_exit(unlink(dot(f)));
	}
	assert_int_equal(deliver_patiently(f, 60000, &why), 0);
	waitpid(pid, NULL, 0);
	assert_true(str_starts(fake_load(f, box(f)),
	    STR("From new  x\n\n\nFrom ann@example.com")));
	clean(f);
}

/* Where the directory is not ours to write, the one lock must do. */
static void
without_dot_lock(void **state)
{
	const uid_t nobody = 65534;
	struct fake *f = *state;
	int entry = fake_entry(f, STR(""), STR("\r\n")), status;
	struct outcome o;
	pid_t pid;

	fake_save(box(f), "", 0600);
	if (geteuid() == 0) {
		assert_int_equal(chown(box(f), nobody, nobody), 0);
		assert_int_equal(chmod(f->dir, 0755), 0);
		f->user.uid = nobody;
	}
	assert_int_equal(chmod(f->conf.deliver.path.p, 0555), 0);
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && setresuid(nobody, nobody, nobody) < 0)
			_exit(2);
		o = fake_deliver(f, entry);
		_exit(o.kind == OUTCOME_DELIVERED ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(f->conf.deliver.path.p, 0700), 0);
	assert_int_equal(status, 0);
	assert_true(fake_load(f, box(f)).n > 0);
	assert_int_equal(count_files(f), 1);
	f->user.uid = geteuid();
	close(entry);
	clean(f);
}

enum { WRITERS = 4, EACH = 10 };

/* Agents side by side lose nothing and mix nothing. */
static void
side_by_side(void **state)
{
	struct fake *f = *state;
	pid_t pid[WRITERS];
	struct outcome o;
	struct str all;
	int i, n, entry, status;

	entry = fake_entry(f, STR(""), STR("\r\nhi\r\n"));
	for (i = 0; i < WRITERS; i++) {
		if ((pid[i] = fork()) != 0)
			continue;
		for (n = 0; n < EACH; n++) {
			o = fake_deliver(f, fcntl(entry, F_DUPFD_CLOEXEC, 3));
			if (o.kind != OUTCOME_DELIVERED)
				_exit(1);
		}
		_exit(0);
	}
	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	all = fake_load(f, box(f));
	for (i = 0; i < WRITERS * EACH; i++)
		expect_message(&all, "ann@example.com",
		    STR(HEAD "\nhi\n\n"));
	assert_int_equal(all.n, 0);
	assert_int_equal(count_files(f), 1);
	close(entry);
	clean(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_is_quoted),
		cmocka_unit_test(binary_is_refused),
		cmocka_unit_test(null_sender_has_a_name),
		cmocka_unit_test(torn_end_is_parted),
		cmocka_unit_test(mode_is_kept),
		cmocka_unit_test(what_is_no_mailbox),
		cmocka_unit_test(names_are_safe),
		cmocka_unit_test(directory_must_be),
		cmocka_unit_test(failure_leaves_nothing),
		cmocka_unit_test(fcntl_lock_is_waited_for),
		cmocka_unit_test(dot_lock_is_waited_for),
		cmocka_unit_test(stale_dot_lock_is_removed),
		cmocka_unit_test(replaced_mailbox_is_reopened),
		cmocka_unit_test(without_dot_lock),
		cmocka_unit_test(side_by_side),
	};

	return cmocka_run_group_tests(tests, setup, fake_teardown);
}
