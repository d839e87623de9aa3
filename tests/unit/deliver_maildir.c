/* SPDX-License-Identifier: ISC */
/*
 * deliver/maildir, and with it deliver/place and deliver/agent: what lies in
 * new/ afterwards, under which name, and that no crash delivers twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "unit/fake_entry.h"

#define HEAD	"Return-Path: <ann@example.com>\n" \
		"Delivered-To: joe@example.org\n"

static int
setup(void **state)
{
	struct fake *f;

	if (fake_setup(state) < 0)
		return -1;
	f = *state;
	f->conf.deliver.method = DELIVER_MAILDIR;
	f->conf.deliver.path = STR("~/Maildir");
	return 0;
}

static size_t
count(struct fake *f, const char *name)
{
	DIR *d = opendir(fake_path(f, name).p);
	const struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static struct str
name_of(struct fake *f)
{
	return arena_printf(&f->arena, "%lld.%s-%u.mx.example.org",
	    (long long)f->arrival, f->hand.name, (unsigned)f->hand.index);
}

static const char *
path_in(struct fake *f, const char *dir, const char *flags)
{
	return arena_printf(&f->arena, "%s/Maildir/%s/%.*s%s", f->dir, dir,
	    STR_ARG(name_of(f)), flags).p;
}

static void
content_is_converted(void **state)
{
	static const struct {
		const char *name, *head, *content, *want;
	} rows[] = {
		{ "plain", "", "A: b\r\n\r\nhi\r\n", "A: b\n\nhi\n" },
		{ "two parts", "T: 1\r\n", "A: b\r\n\r\nhi\r\n",
		    "T: 1\nA: b\n\nhi\n" },
		{ "no end", "", "A: b\r\n\r\nhi", "A: b\n\nhi\n" },
		{ "CR at the end", "", "A: b\r\n\r\nhi\r", "A: b\n\nhi\r\n" },
		{ "CR LF between parts", "T: 1\r", "\nA: b\r\n",
		    "T: 1\nA: b\n" },
		{ "CR between parts", "T: 1\r", "A: b\r\n", "T: 1\rA: b\n" },
		{ "LF alone", "", "A: b\n\nhi\n", "A: b\n\nhi\n" },
		{ "CR CR LF", "", "A: b\r\r\n", "A: b\r\n" },
		{ "empty lines", "", "\r\n\r\n\r\n", "\n\n\n" },
		{ "nothing", "", "", "" },
		{ "From is not quoted", "", "A: b\r\n\r\nFrom x\r\n",
		    "A: b\n\nFrom x\n" },
		{ "a dot", "", "A: b\r\n\r\n.\r\n..\r\n",
		    "A: b\n\n.\n..\n" },
	};
	struct fake *f = *state;
	struct str want, got;
	struct outcome o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o = fake_deliver_text(f, rows[i].head, rows[i].content);
		assert_outcome(o, OUTCOME_DELIVERED, 2, 0, 0);
		assert_str(o.where, STR("maildir"));
		assert_str(o.text, STR("delivered to maildir"));
		want = arena_printf(&f->arena, HEAD "%s", rows[i].want);
		got = fake_load(f, path_in(f, "new", ""));
		if (!str_eq(got, want))
			fail_msg("%s: \"%.*s\"", rows[i].name,
			    STR_ARG(got));
	}
	assert_int_equal(count(f, "Maildir/tmp"), 0);
	assert_int_equal(count(f, "Maildir/new"),
	    sizeof(rows) / sizeof(rows[0]));
}

/* RFC 3030 3 */
static void
binary_is_not_converted(void **state)
{
	static const char octets[] = "A: b\r\n\r\n\n\r\0\r\r\nFrom \n\xff\r";
	const struct str content = { octets, sizeof(octets) - 1 };
	struct fake *f = *state;
	struct str want;
	struct outcome o;

	f->body = BODY_BINARYMIME;
	o = fake_deliver(f, fake_entry(f, STR("T: 1\r\n"), content));
	assert_outcome(o, OUTCOME_DELIVERED, 2, 0, 0);
	want = arena_printf(&f->arena, "Return-Path: <ann@example.com>\r\n"
	    "Delivered-To: joe@example.org\r\nT: 1\r\n");
	want = (struct str){ memcpy(arena_alloc(&f->arena, want.n +
	    content.n), want.p, want.n), want.n + content.n };
	memcpy((char *)(uintptr_t)want.p + want.n - content.n, content.p,
	    content.n);
	assert_str(fake_load(f, path_in(f, "new", "")), want);
	f->body = BODY_7BIT;
}

static void
large_is_converted(void **state)
{
	struct fake *f = *state;
	struct buf in = { 0 }, want = { 0 };
	struct str got;

	buf_putz(&want, HEAD);
	for (size_t i = 0; in.n < 900000; i++) {
		/* Lines of all lengths, over every border of a step; one that
		 * is longer than a step. */
		size_t n = i == 300 ? 200001 : i * 7 % 1999;

		memset(buf_room(&in, n), 'a' + (int)(i % 26), n);
		buf_grew(&in, n);
		buf_puts(&in, STR("\r\n"));
		memset(buf_room(&want, n), 'a' + (int)(i % 26), n);
		buf_grew(&want, n);
		buf_putc(&want, '\n');
	}
	assert_outcome(fake_deliver(f, fake_entry(f, STR("T: 1\r\n\r\n"),
	    buf_str(&in))), OUTCOME_DELIVERED, 2, 0, 0);
	got = fake_load(f, path_in(f, "new", ""));
	assert_true(str_starts(got, STR(HEAD "T: 1\n\n")));
	assert_true(str_eq(str_from(got, sizeof(HEAD "T: 1\n\n") - 1),
	    str_from(buf_str(&want), sizeof(HEAD) - 1)));
	buf_free(&in);
	buf_free(&want);
}

static void
head_names_the_original(void **state)
{
	struct fake *f = *state;
	struct hand former = f->hand;

	f->hand.sender = STR_NONE;
	f->hand.original = STR("all@example.org");
	assert_outcome(fake_deliver_text(f, "", "\r\nx\r\n"),
	    OUTCOME_DELIVERED, 2, 0, 0);
	assert_str(fake_load(f, path_in(f, "new", "")),
	    STR("Return-Path: <>\nDelivered-To: joe@example.org\n"
	    "X-Original-To: all@example.org\n\nx\n"));
	f->hand = former;
}

static mode_t
mode_of(struct fake *f, const char *name)
{
	struct stat st;

	assert_int_equal(lstat(fake_path(f, name).p, &st), 0);
	return st.st_mode & 07777;
}

static void
directories_are_made(void **state)
{
	struct fake *f = *state;
	struct str former = f->conf.deliver.path;
	struct outcome o;

	f->conf.deliver.path = fake_path(f, "box-%u");
	assert_outcome(fake_deliver_text(f, "", "\r\n"), OUTCOME_DELIVERED,
	    2, 0, 0);
	assert_int_equal(mode_of(f, "box-joe"), 0700);
	assert_int_equal(mode_of(f, "box-joe/cur"), 0700);
	assert_int_equal(mode_of(f, "box-joe/tmp"), 0700);
	assert_int_equal(mode_of(f, "box-joe/new"), 0700);
	assert_int_equal(count(f, "box-joe/new"), 1);
	/* Only new/ is missing. */
	assert_int_equal(unlink(arena_printf(&f->arena, "%s/box-joe/new/%.*s",
	    f->dir, STR_ARG(name_of(f))).p), 0);
	assert_int_equal(rmdir(fake_path(f, "box-joe/new").p), 0);
	assert_outcome(fake_deliver_text(f, "", "\r\n"), OUTCOME_DELIVERED,
	    2, 0, 0);
	assert_int_equal(count(f, "box-joe/new"), 1);
	/* Parents are not made. */
	f->conf.deliver.path = fake_path(f, "none/box");
	o = fake_deliver_text(f, "", "\r\n");
	assert_outcome(o, OUTCOME_DEFERRED, 4, 3, 0);
	assert_true(str_search(o.text, STR("none/box")) < o.text.n);
	f->conf.deliver.path = former;
}

static void
host_is_folded(void **state)
{
	struct fake *f = *state;
	struct str former = f->conf.hostname;

	f->conf.hostname = STR("a/b:c");
	assert_outcome(fake_deliver_text(f, "", "\r\n"), OUTCOME_DELIVERED,
	    2, 0, 0);
	fake_load(f, arena_printf(&f->arena,
	    "%s/Maildir/new/%lld.%s-0.a\\057b\\072c", f->dir,
	    (long long)f->arrival, f->hand.name).p);
	f->conf.hostname = former;
}

static void
names_are_safe(void **state)
{
	static const char *const names[] = { "", ".", "..", "a/b", ".joe" };
	struct fake *f = *state;
	struct str former = f->user.name;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		f->user.name = str_of(names[i]);
		assert_outcome(fake_deliver_text(f, "", "\r\n"),
		    OUTCOME_DEFERRED, 4, 3, 5);
	}
	f->user.name = former;
}

static void
never_twice(void **state)
{
	struct fake *f = *state;
	int entry = fake_entry(f, STR(""), STR("A: b\r\n\r\nhi\r\n"));
	size_t before;

	assert_outcome(fake_deliver(f, fcntl(entry, F_DUPFD_CLOEXEC, 3)),
	    OUTCOME_DELIVERED, 2, 0, 0);
	before = count(f, "Maildir/new");
	/* It is there already, whether we are told so or not. */
	for (int again = 0; again < 2; again++) {
		f->hand.again = again == 1;
		assert_outcome(fake_deliver(f,
		    fcntl(entry, F_DUPFD_CLOEXEC, 3)), OUTCOME_DELIVERED,
		    2, 0, 0);
		assert_int_equal(count(f, "Maildir/new"), before);
	}
	/* Somebody has read it. */
	assert_int_equal(rename(path_in(f, "new", ""),
	    path_in(f, "cur", ":2,S")), 0);
	assert_outcome(fake_deliver(f, fcntl(entry, F_DUPFD_CLOEXEC, 3)),
	    OUTCOME_DELIVERED, 2, 0, 0);
	assert_int_equal(count(f, "Maildir/new"), before - 1);
	/* A longer name is another message. */
	assert_int_equal(rename(path_in(f, "cur", ":2,S"),
	    path_in(f, "cur", "x")), 0);
	assert_outcome(fake_deliver(f, fcntl(entry, F_DUPFD_CLOEXEC, 3)),
	    OUTCOME_DELIVERED, 2, 0, 0);
	assert_int_equal(count(f, "Maildir/new"), before);
	/* The other recipient of the same entry has its own. */
	f->hand.index = 1;
	assert_outcome(fake_deliver(f, entry), OUTCOME_DELIVERED, 2, 0, 0);
	assert_int_equal(count(f, "Maildir/new"), before + 1);
	assert_int_equal(count(f, "Maildir/tmp"), 0);
	f->hand.index = 0;
	f->hand.again = false;
}

static void
torn_is_replaced(void **state)
{
	static const struct {
		const char *where, *text;
		bool again;
	} rows[] = {
		{ "new", "Return-Path", false },
		{ "new", "Return-Path", true },
		{ "new", "", false },
		/* The size is on the disk and the bytes are not. */
		{ "new", HEAD "A: b\n\nhi ", false },
		{ "new", HEAD "A: b\n\nhi ", true },
		{ "cur", HEAD "A: b\n\nhi ", true },
	};
	struct fake *f = *state;
	int entry = fake_entry(f, STR(""), STR("A: b\r\n\r\nhi\r\n"));

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)unlink(path_in(f, "new", ""));
		fake_save(path_in(f, rows[i].where, ""), rows[i].text, 0600);
		f->hand.again = rows[i].again;
		assert_outcome(fake_deliver(f,
		    fcntl(entry, F_DUPFD_CLOEXEC, 3)), OUTCOME_DELIVERED,
		    2, 0, 0);
		assert_str(fake_load(f, path_in(f, "new", "")),
		    STR(HEAD "A: b\n\nhi\n"));
	}
	(void)unlink(path_in(f, "cur", ""));
	f->hand.again = false;
	close(entry);
}

static void
again_makes_cur(void **state)
{
	struct fake *f = *state;
	struct str former = f->conf.deliver.path;

	f->conf.deliver.path = fake_path(f, "half");
	assert_int_equal(mkdir(f->conf.deliver.path.p, 0700), 0);
	assert_int_equal(mkdir(fake_path(f, "half/tmp").p, 0700), 0);
	assert_int_equal(mkdir(fake_path(f, "half/new").p, 0700), 0);
	f->hand.again = true;
	assert_outcome(fake_deliver_text(f, "", "\r\n"), OUTCOME_DELIVERED,
	    2, 0, 0);
	assert_int_equal(count(f, "half/new"), 1);
	f->hand.again = false;
	f->conf.deliver.path = former;
}

static void
without_unnamed_files(void **state)
{
	struct fake *f = *state;
	struct place_kept kept = { .no_unnamed = true };
	struct fault why;
	int entry = fake_entry(f, STR(""), STR("A: b\r\n\r\nhi\r\n"));

	fake_save(path_in(f, "tmp", ""), "stale", 0600);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fake_place(f, fcntl(entry, F_DUPFD_CLOEXEC,
		    3), &kept, maildir_deliver, &why), 0);
		assert_str(fake_load(f, path_in(f, "new", "")),
		    STR("Delivered-To: joe@example.org\nA: b\n\nhi\n"));
		assert_int_equal(count(f, "Maildir/tmp"), 0);
	}
	buf_free(&kept.out);
	close(entry);
}

static void
loop_is_refused(void **state)
{
	static const struct {
		const char *content;
		bool loop;
	} rows[] = {
		{ "Delivered-To: joe@example.org\r\n\r\nx\r\n", true },
		{ "A: b\r\ndelivered-TO:\r\n JOE@Example.Org \r\n\r\n", true },
		{ "Delivered-To: joan@example.org\r\n\r\nx\r\n", false },
		{ "Delivered-To: joe@example.org.\r\n\r\nx\r\n", false },
		{ "X-Delivered-To: joe@example.org\r\n\r\nx\r\n", false },
		{ "A: b\r\n\r\nDelivered-To: joe@example.org\r\n", false },
	};
	struct fake *f = *state;
	struct outcome o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o = fake_deliver_text(f, "T: 1\r\n", rows[i].content);
		if (!rows[i].loop) {
			assert_outcome(o, OUTCOME_DELIVERED, 2, 0, 0);
			continue;
		}
		assert_outcome(o, OUTCOME_FAILED, 5, 4, 6);
		assert_int_equal(o.reply, 554);
		assert_str(o.where, STR("maildir"));
	}
}

static void
unreadable_entry_is_temporary(void **state)
{
	struct fake *f = *state;
	struct stat st;
	int entry;

	entry = fake_entry(f, STR(""), STR("A: b\r\n\r\nhi\r\n"));
	assert_int_equal(fstat(entry, &st), 0);
	assert_int_equal(pwrite(entry, "X", 1, st.st_size - 1), 1);
	assert_outcome(fake_deliver(f, entry), OUTCOME_DEFERRED, 4, 3, 0);
	assert_outcome(fake_deliver(f, open("/dev/null", O_RDONLY)),
	    OUTCOME_DEFERRED, 4, 3, 0);
	/* Withdrawn. */
	entry = fake_entry(f, STR(""), STR("A: b\r\n\r\nhi\r\n"));
	assert_int_equal(pwrite(entry, (char[512]){ 0 }, 512, 0), 512);
	assert_outcome(fake_deliver(f, entry), OUTCOME_DEFERRED, 4, 3, 0);
	/* Another than was said, and no such recipient. */
	entry = fake_entry(f, STR(""), STR("A: b\r\n\r\nhi\r\n"));
	f->hand.name[5] = f->hand.name[5] == '0' ? '1' : '0';
	assert_outcome(fake_deliver(f, entry), OUTCOME_DEFERRED, 4, 3, 0);
	f->hand.index = 2;
	assert_outcome(fake_deliver_text(f, "", "\r\n"), OUTCOME_DEFERRED,
	    4, 3, 0);
	f->hand.index = 0;
}

/* Several hands, one agent. */
static void
one_after_the_other(void **state)
{
	struct fake *f = *state;
	size_t before = count(f, "Maildir/new");
	struct outcome o;
	struct fault why;
	int fd[2], entry, i;

	assert_int_equal(sock_pair(SOCK_SEQPACKET, fd, &why), 0);
	for (i = 0; i < 5; i++) {
		entry = fake_entry(f, STR(""), STR("\r\nhi\r\n"));
		assert_int_equal(hand_send(fd[0], &f->hand, entry, &why), 0);
		close(entry);
	}
	shutdown(fd[0], SHUT_WR);
	agent_serve(fd[1], &f->conf, &f->user);
	for (i = 0; i < 5; i++) {
		assert_int_equal(hand_wait(fd[0], &f->arena, &o, 1, &why), 0);
		assert_outcome(o, OUTCOME_DELIVERED, 2, 0, 0);
	}
	assert_int_equal(count(f, "Maildir/new"), before + 5);
	close(fd[0]);
	close(fd[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_is_converted),
		cmocka_unit_test(binary_is_not_converted),
		cmocka_unit_test(large_is_converted),
		cmocka_unit_test(head_names_the_original),
		cmocka_unit_test(directories_are_made),
		cmocka_unit_test(host_is_folded),
		cmocka_unit_test(names_are_safe),
		cmocka_unit_test(never_twice),
		cmocka_unit_test(torn_is_replaced),
		cmocka_unit_test(again_makes_cur),
		cmocka_unit_test(without_unnamed_files),
		cmocka_unit_test(loop_is_refused),
		cmocka_unit_test(unreadable_entry_is_temporary),
		cmocka_unit_test(one_after_the_other),
	};

	return cmocka_run_group_tests(tests, setup, fake_teardown);
}
