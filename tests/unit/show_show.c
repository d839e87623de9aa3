/* SPDX-License-Identifier: ISC */
/*
 * show/show: what mailq prints, to the byte; JSON that a parser takes; and
 * the changes that an operator may make, and others may not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "fake_spool.h"
#include "mail/date.h"
#include "os/sock.h"
#include "show/show.h"
#include "spool/notify.h"

#define ID	"01ARZ3NDEKTSV4RRFF"
#define OTHER	"01ARZ3NDEKTSV4RRFG"

struct world {
	struct fake_spool	f;
	struct show		show;
	int			notify[2];
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct fault why;

	setenv("TZ", "UTC", 1);
	tzset();
	fake_spool_open(&w->f);
	assert_int_equal(sock_pair(SOCK_DGRAM, w->notify, &why), 0);
	w->show = (struct show){ .view = { .spool = &w->f.spool },
	    .notify = w->notify[0], .may_change = true };
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	close(w->notify[0]);
	close(w->notify[1]);
	fake_spool_close(&w->f);
	free(w);
	return 0;
}

/* Without the mark of its end, which must be there or must not. */
static bool expects_part;

static struct str
ask(struct world *w, const char *request)
{
	bool whole;
	struct buf b = { 0 };
	struct str s;
	ssize_t n;
	int fd = memfd_create("answer", MFD_CLOEXEC);

	assert_true(fd >= 0);
	show_answer(&w->show, str_of(request), fd);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	while ((n = read(fd, buf_room(&b, 65536), 65536)) > 0)
		buf_grew(&b, (size_t)n);
	close(fd);
	whole = b.n > 0 && b.p[b.n - 1] == '\0';
	if (whole)
		buf_truncate(&b, b.n - 1);
	assert_true(whole != expects_part);
	s = arena_str(&w->f.arena, buf_str(&b));
	buf_free(&b);
	return s;
}

static bool
has(struct str text, const char *what)
{
	return str_search(text, str_of(what)) < text.n;
}

static void
make(struct world *w, const char *name, const char *sender,
    const char *recipients, size_t size)
{
	struct envelope env = fake_envelope(&w->f, sender, recipients);
	char *p = malloc(size);

	memset(p, 'x', size);
	fake_submit(&w->f, &env, name, STR_NONE, str_span(p, size), NULL);
	free(p);
}

static void
mark(struct world *w, const char *name, uint32_t i, enum outcome_kind kind,
    struct str text)
{
	struct outcome o = { .kind = kind, .status = { 4, 0, 0 } };
	struct note note = { 1, STR_NONE, text };
	struct message m;
	struct fault why;

	fake_open(&w->f, name, true, &m);
	slots_enter(&m, i, &o, 1790000000);
	if (text.n > 0)
		assert_int_equal(slots_write_note(&m, i, &note, &why), 0);
	assert_int_equal(slots_write(&m, &i, 1, true, &why), 0);
	message_close(&m);
}

/* As mailq writes when this entry came. */
static struct str
date_of(struct world *w, const char *name)
{
	struct buf b = { 0 };
	struct message m;
	struct str s;

	fake_open(&w->f, name, false, &m);
	date_put_mailq(&b, m.super.arrival_wall_ms / 1000);
	message_close(&m);
	assert_int_equal(b.n, 19);
	s = arena_str(&w->f.arena, buf_str(&b));
	buf_free(&b);
	return s;
}

static void
test_empty(void **state)
{
	struct world *w = *state;

	assert_text(ask(w, "mailq"), STR("ok\nMail queue is empty\n"));
	assert_text(ask(w, "mailq json"), STR("ok\n"));
}

#define HEADING								\
	"----Queue ID----- --Size-- ---Arrival Time---- "		\
	"--Sender/Recipient------\n"
#define BEFORE_ADDRESS	"                                               "

static void
test_text(void **state)
{
	struct world *w = *state;
	struct str date;

	make(w, ID, "ann@example.com",
	    "a@b.example c@b.example e@b.example g@b.example", 1500);
	mark(w, ID, 0, OUTCOME_DEFERRED,
	    STR("host mx.b.example[192.0.2.1] said: 451 4.7.1 later"));
	mark(w, ID, 1, OUTCOME_DEFERRED,
	    STR("host mx.b.example[192.0.2.1] said: 451 4.7.1 later"));
	mark(w, ID, 2, OUTCOME_DELIVERED, STR_NONE);
	date = date_of(w, ID);
	assert_text(ask(w, "mailq"), arena_printf(&w->f.arena, "ok\n" HEADING
	    ID "     1500 %.*s ann@example.com\n"
	    "                          "
	    "(host mx.b.example[192.0.2.1] said: 451 4.7.1 later)\n"
	    BEFORE_ADDRESS "a@b.example\n"
	    BEFORE_ADDRESS "c@b.example\n"
	    BEFORE_ADDRESS "g@b.example\n"
	    "\n-- 1 Kbytes in 1 Request.\n", STR_ARG(date)));
}

static bool
is_active(void *ctx, struct str name)
{
	return str_eq(name, str_of(ctx));
}

static void
test_text_two(void **state)
{
	struct world *w = *state;
	char active[] = OTHER;
	struct fault why;
	struct str text, head, date, held;

	make(w, ID, "", "a@b.example", 1024);
	make(w, OTHER, "ann@example.com", "a@b.example", 1);
	date = date_of(w, OTHER);
	held = date_of(w, ID);
	assert_int_equal(spool_set_aside(&w->f.spool, ID, "hold", &why), 0);
	w->show.view.is_active = is_active;
	w->show.view.ctx = active;
	text = ask(w, "mailq");
	/* One heading; what is held comes last. */
	head = arena_printf(&w->f.arena, "ok\n" HEADING
	    OTHER "*        1 %.*s ann@example.com\n"
	    BEFORE_ADDRESS "a@b.example\n\n"
	    ID "!     1024 %.*s MAILER-DAEMON\n"
	    BEFORE_ADDRESS "a@b.example\n\n"
	    "-- 1 Kbytes in 2 Requests.\n", STR_ARG(date), STR_ARG(held));
	assert_text(text, head);
}

/* What is finished, damaged or withdrawn is not in the queue. */
static void
test_left_out(void **state)
{
	static const uint8_t zero[FORMAT_SUPER_SIZE];
	struct world *w = *state;

	make(w, ID, "ann@example.com", "a@b.example", 10);
	mark(w, ID, 0, OUTCOME_DELIVERED, STR_NONE);
	make(w, OTHER, "ann@example.com", "a@b.example", 10);
	fake_patch(&w->f, OTHER, 0, zero, sizeof(zero));
	make(w, ID "-b1", "", "a@b.example", 10);
	fake_patch(&w->f, ID "-b1", 100, "?", 1);
	assert_text(ask(w, "mailq"), STR("ok\nMail queue is empty\n"));
	assert_true(has(ask(w, "show " OTHER), "error there is no such"));
	assert_true(has(ask(w, "show " ID "-b1"), "error damaged entry"));
	assert_true(str_starts(ask(w, "show " ID), STR("ok\n")));
}

/* ------------------------------------------------------------- JSON ----- */

/* Steps over a JSON value without recursion; false when it is none. */
static bool
skip_string(struct str *s)
{
	static const char plain[] = "\"\\/bfnrt";
	size_t i = 1;

	if (s->n == 0 || s->p[0] != '"')
		return false;
	for (; i < s->n && s->p[i] != '"'; i++) {
		if ((unsigned char)s->p[i] < 0x20)
			return false;
		if (s->p[i] != '\\')
			continue;
		if (++i == s->n)
			return false;
		if (s->p[i] == 'u') {
			for (int k = 0; k < 4; k++)
				if (++i >= s->n || strchr("0123456789abcdef",
				    s->p[i]) == NULL)
					return false;
		} else if (strchr(plain, s->p[i]) == NULL) {
			return false;
		}
	}
	if (i >= s->n)
		return false;
	*s = str_from(*s, i + 1);
	return true;
}

static bool
skip_scalar(struct str *s)
{
	size_t n = 0;

	if (s->n > 0 && s->p[0] == '"')
		return skip_string(s);
	while (n < s->n && (str_is_digit(s->p[n]) || s->p[n] == '-'))
		n++;
	*s = str_from(*s, n);
	return n > 0;
}

static bool
skip_key(struct str *s)
{
	if (!skip_string(s) || s->n == 0 || s->p[0] != ':')
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool
is_json(struct str s)
{
	char open[8];
	size_t depth = 0;

	for (;;) {
		/* A value begins here. */
		if (s.n > 0 && (s.p[0] == '{' || s.p[0] == '[')) {
			if (depth == sizeof(open))
				return false;
			open[depth++] = s.p[0];
			s = str_from(s, 1);
			if (open[depth - 1] == '{' && !skip_key(&s))
				return false;
			continue;
		}
		if (!skip_scalar(&s))
			return false;
		while (depth > 0 && s.n > 0 && s.p[0] ==
		    (open[depth - 1] == '{' ? '}' : ']')) {
			depth--;
			s = str_from(s, 1);
		}
		if (depth == 0)
			return s.n == 0;
		if (s.n == 0 || s.p[0] != ',')
			return false;
		s = str_from(s, 1);
		if (open[depth - 1] == '{' && !skip_key(&s))
			return false;
	}
}

static void
test_checker(void **state)
{
	(void)state;
	assert_true(is_json(STR("{\"a\":1,\"b\":[{\"c\":\"\\u00e4\"},2]}")));
	assert_false(is_json(STR("{\"a\":1,}")));
	assert_false(is_json(STR("{\"a\":\"\n\"}")));
	assert_false(is_json(STR("{\"a\":\"x\"y\"}")));
	assert_false(is_json(STR("{\"a\":1}}")));
	assert_false(is_json(STR("{\"a\":[1}")));
}

static void
test_json(void **state)
{
	struct world *w = *state;
	struct str text, line, rest;
	struct fault why;
	unsigned n = 0;

	make(w, ID, "\"a\\\"b \\\\ c\"@example.com",
	    "j\303\266@b.example c@b.example", 77);
	mark(w, ID, 0, OUTCOME_DEFERRED,
	    STR("said: \"no\"\t\\ \001\177 \377\303( \303\244"));
	make(w, OTHER, "", "a@b.example", 1);
	assert_int_equal(spool_set_aside(&w->f.spool, OTHER, "hold", &why),
	    0);
	text = ask(w, "mailq json");
	assert_true(str_starts(text, STR("ok\n")));
	rest = str_from(text, 3);
	while (str_cut(&rest, '\n', &line)) {
		if (!is_json(line))
			fail_msg("%.*s", STR_ARG(line));
		n++;
	}
	assert_int_equal(n, 2);
	assert_true(has(text, "\"queue_name\":\"deferred\",\"queue_id\":\""
	    ID "\""));
	assert_true(has(text, "\"message_size\":77"));
	assert_true(has(text, "\"sender\":\"\\\"a\\\\\\\"b \\\\\\\\ c\\\""
	    "@example.com\""));
	assert_true(has(text, "\"address\":\"j\303\266@b.example\""));
	assert_true(has(text, "\"attempts\":1,\"next_attempt\":1790000000"));
	assert_true(has(text, "said: \\\"no\\\"\\u0009\\\\ \\u0001\\u007f "
	    "\\ufffd\\ufffd( \303\244"));
	assert_true(has(text, "\"state\":\"new\",\"attempts\":0}"));
	assert_true(has(text, "\"queue_name\":\"hold\",\"queue_id\":\"" OTHER
	    "\""));
	assert_true(has(text, "\"sender\":\"\""));
	line = ask(w, "show " ID " json");
	assert_true(is_json(str_slice(line, 3, line.n - 1)));
}

/* ---------------------------------------------------------- one ID ------ */

static void
test_show(void **state)
{
	struct world *w = *state;
	struct envelope env = fake_envelope(&w->f, "ann@example.com",
	    "joe@b.example eve@b.example");
	struct fault why;
	struct str text;

	env.recipients.p[1].original = fake_address(&w->f, "list@b.example");
	fake_submit(&w->f, &env, ID, STR("Received: here\r\n"),
	    STR("Subject: x\r\n\r\nsecret\r\n"), NULL);
	mark(w, ID, 0, OUTCOME_DEFERRED, STR("451 later"));
	text = ask(w, "show " ID);
	assert_true(str_starts(text, STR("ok\nid         " ID "\n")));
	assert_true(has(text, "\nsender     <ann@example.com>\n"));
	assert_true(has(text, "\nsize       38\n"));
	assert_true(has(text, "\nrecipient  joe@b.example\n"
	    "           deferred, 1 attempt, next "));
	assert_true(has(text, "\n           451 later\n"));
	assert_true(has(text,
	    "\nrecipient  eve@b.example (for list@b.example)\n"
	    "           new, 0 attempts\n"));
	assert_true(has(text, "\nReceived: here\r\nSubject: x\r\n"));
	assert_false(has(text, "secret"));
	assert_int_equal(spool_set_aside(&w->f.spool, ID, "hold", &why), 0);
	assert_true(has(ask(w, "show " ID), " (on hold)\n"));
}

static const struct {
	const char	*request, *answer;
} refusals[] = {
	{ "", "error the id of a message is missing\n" },
	{ "frobnicate " ID, "error unknown request\n" },
	{ "show", "error the id of a message is missing\n" },
	{ "hold", "error the id of a message is missing\n" },
	{ "show ../../etc/passwd", "error that is not the id of a message\n" },
	{ "remove /", "error that is not the id of a message\n" },
	{ "remove " ID "/x", "error that is not the id of a message\n" },
	{ "flush *", "error that is not the id of a message\n" },
	{ "remove " ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "error that is not the id of a message\n" },
	{ "show " ID, "error there is no such message in the queue\n" },
	{ "hold " ID, "error there is no such message in the queue\n" },
	{ "release " ID, "error there is no such message in the queue\n" },
	{ "remove " ID, "error there is no such message in the queue\n" },
};

static void
test_refusals(void **state)
{
	struct world *w = *state;
	struct notify n;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct str got = ask(w, refusals[i].request);

		if (!str_eq(got, str_of(refusals[i].answer)))
			fail_msg("\"%s\": %.*s", refusals[i].request,
			    STR_ARG(got));
	}
	assert_int_equal(notify_receive(w->notify[1], &n), 0);
}

static void
assert_told(struct world *w, enum notify_kind kind, const char *name)
{
	struct notify n;

	assert_int_equal(notify_receive(w->notify[1], &n), 1);
	assert_int_equal(n.kind, kind);
	assert_string_equal(n.name, name);
}

static void
test_flush(void **state)
{
	struct world *w = *state;

	assert_text(ask(w, "flush"), STR("ok\n"));
	assert_told(w, NOTIFY_FLUSH, "");
	assert_text(ask(w, "flush " ID), STR("ok\n"));
	assert_told(w, NOTIFY_FLUSH, ID);
	/* While there is no runner. */
	w->show.notify = -1;
	assert_text(ask(w, "flush"), STR("ok\n"));
}

static void
test_changes(void **state)
{
	struct world *w = *state;

	make(w, ID, "ann@example.com", "a@b.example", 10);
	assert_text(ask(w, "hold " ID), STR("ok\n"));
	assert_told(w, NOTIFY_NEW, ID);
	assert_false(fake_is_queued(&w->f, ID));
	assert_true(fake_exists(&w->f, "hold/" ID));
	assert_text(ask(w, "hold " ID), STR("ok\n"));
	assert_told(w, NOTIFY_NEW, ID);
	assert_text(ask(w, "release " ID), STR("ok\n"));
	assert_told(w, NOTIFY_NEW, ID);
	assert_true(fake_is_queued(&w->f, ID));
	assert_false(fake_exists(&w->f, "hold/" ID));
	assert_text(ask(w, "release " ID), STR("ok\n"));
	assert_true(fake_is_queued(&w->f, ID));
	assert_text(ask(w, "remove " ID), STR("ok\n"));
	assert_false(fake_is_queued(&w->f, ID));
	make(w, OTHER, "ann@example.com", "a@b.example", 10);
	assert_text(ask(w, "hold " OTHER), STR("ok\n"));
	assert_text(ask(w, "remove " OTHER), STR("ok\n"));
	assert_int_equal(fake_count(&w->f, "q"), 0);
	assert_int_equal(fake_count(&w->f, "hold"), 0);
}

static void
test_not_permitted(void **state)
{
	static const char *const requests[] = { "hold " ID, "release " ID,
	    "remove " ID };
	struct world *w = *state;
	struct notify n;

	make(w, ID, "ann@example.com", "a@b.example", 10);
	w->show.may_change = false;
	for (int i = 0; i < 3; i++)
		assert_text(ask(w, requests[i]),
		    STR("error only root may change the queue\n"));
	assert_true(fake_is_queued(&w->f, ID));
	assert_int_equal(notify_receive(w->notify[1], &n), 0);
}

static void
test_locked(void **state)
{
	struct world *w = *state;
	struct message m;

	make(w, ID, "ann@example.com", "a@b.example", 10);
	fake_open(&w->f, ID, true, &m);
	assert_text(ask(w, "remove " ID),
	    STR("error a delivery of it is under way; try again\n"));
	assert_true(fake_is_queued(&w->f, ID));
	/* Looking is always possible. */
	assert_true(str_starts(ask(w, "show " ID), STR("ok\n")));
	assert_true(has(ask(w, "mailq"), "-- 0 Kbytes in 1 Request.\n"));
	message_close(&m);
}

/* A reader who goes away in the middle of a long list. */
static void
test_broken(void **state)
{
	struct world *w = *state;
	struct fault why;
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 300; i++)
		make(w, NULL, "ann@example.com", "a@b.example", 10);
	assert_true(has(ask(w, "mailq"), "\n-- 2 Kbytes in 300 Requests.\n"));
	assert_int_equal(sock_pair(SOCK_STREAM, fd, &why), 0);
	close(fd[0]);
	show_answer(&w->show, STR("mailq"), fd[1]);
	close(fd[1]);
	signal(SIGPIPE, SIG_DFL);
}

/* In front of the C library's: so many processors and pipes there are. */
static int processors = 1, pipes;

int
sched_getaffinity(pid_t pid, size_t n, cpu_set_t *set)
{
	assert_int_equal(pid, 0);
	CPU_ZERO_S(n, set);
	for (int i = 0; i < processors; i++)
		CPU_SET_S((size_t)i, n, set);
	return 0;
}

int
pipe2(int fd[2], int flags)
{
	if (pipes == 0) {
		errno = EMFILE;
		return -1;
	}
	pipes--;
	return (int)syscall(SYS_pipe2, fd, flags);
}

/* And so many forks; by one of these names the library calls it. */
static int forks = INT_MAX;

static pid_t
fake_fork(void)
{
	if (forks == 0) {
		errno = EAGAIN;
		return -1;
	}
	forks--;
	return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

pid_t
_Fork(void)
{
	return fake_fork();
}

pid_t
fork(void)
{
	return fake_fork();
}

static struct {
	pid_t		self;
	unsigned	seen;		/* by others */
	const char	*fatal;		/* to others who see it */
} watched;

static bool
watch(void *ctx, struct str name)
{
	(void)ctx;
	if (getpid() != watched.self && watched.fatal != NULL &&
	    str_eq(name, str_of(watched.fatal)))
		raise(SIGKILL);
	watched.seen += getpid() == watched.self;
	return false;
}

static void
assert_nobody_left(unsigned files)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(fake_open_files(), files);
}

/* A long list is made by others, and is the same. */
static void
test_hands(void **state)
{
	struct world *w = *state;
	unsigned files = fake_open_files();
	struct str alone, json;

	for (int i = 0; i < 300; i++)
		make(w, NULL, "ann@example.com", "a@b.example", 10);
	make(w, ID, "ann@example.com", "a@b.example", 10);
	watched.self = getpid();
	w->show.view.is_active = watch;
	w->show.view.about = 999;
	alone = ask(w, "mailq");
	json = ask(w, "mailq json");
	assert_int_equal(watched.seen, 2 * 301);
	w->show.view.about = 1000;
	for (processors = 1; processors < 9; processors++) {
		watched.seen = 0;
		pipes = 8;
		assert_text(ask(w, "mailq"), alone);
		assert_text(ask(w, "mailq json"), json);
		assert_int_equal(watched.seen, processors == 1 ? 602 : 0);
		assert_nobody_left(files);
	}
	/* Where there is no room for all of them there is none. */
	for (int n = 0; n < 8; n++) {
		watched.seen = 0;
		pipes = n < 4 ? n : 8;
		forks = n < 4 ? INT_MAX : n - 4;
		assert_text(ask(w, "mailq"), alone);
		assert_int_equal(watched.seen, 301);
		assert_nobody_left(files);
	}
	forks = INT_MAX;
	assert_text(ask(w, "remove " ID), STR("ok\n"));
}

static void
test_hand_dies(void **state)
{
	static const char text[] = "(the list is not whole)\n";
	struct world *w = *state;
	unsigned files = fake_open_files();
	struct str said;
	struct fault why;

	signal(SIGPIPE, SIG_IGN);
	processors = 2;
	watched.self = getpid();
	watched.fatal = ID;
	w->show.view.is_active = watch;
	w->show.view.about = 1000;
	for (int i = 0; i < 300; i++)
		make(w, NULL, "ann@example.com", "a@b.example", 10);
	make(w, ID, "ann@example.com", "a@b.example", 10);
	make(w, OTHER, "ann@example.com", "a@b.example", 10);
	assert_int_equal(spool_set_aside(&w->f.spool, OTHER, "hold", &why), 0);
	pipes = 2;
	expects_part = true;
	said = ask(w, "mailq");
	assert_true(said.n > strlen(text));
	assert_true(has(said, OTHER "!"));
	assert_text(str_from(said, said.n - strlen(text)), str_of(text));
	assert_false(has(said, ID));
	pipes = 2;
	assert_true(has(ask(w, "mailq json"),
	    "{\"error\":\"the list is not whole\"}\n"));
	assert_nobody_left(files);
	watched.fatal = NULL;
	expects_part = false;
	signal(SIGPIPE, SIG_DFL);
}

/* Something that cannot be read, alone and with help. */
static void
test_partial(void **state)
{
	struct world *w = *state;
	char path[] = "hold";

	make(w, ID, "ann@example.com", "a@b.example", 10);
	assert_int_equal(unlinkat(w->f.spool.root, path, AT_REMOVEDIR), 0);
	expects_part = true;
	for (processors = 1; processors < 3; processors++) {
		pipes = 2;
		w->show.view.about = 1000;
		assert_true(has(ask(w, "mailq"), "(the list is not whole)\n"));
		assert_true(has(ask(w, "mailq json"),
		    "{\"error\":\"the list is not whole\"}\n"));
	}
	expects_part = false;
	assert_int_equal(mkdirat(w->f.spool.root, path, 0700), 0);
	assert_true(has(ask(w, "mailq"), "-- 0 Kbytes in 1 Request.\n"));
}

static void
test_hands_broken(void **state)
{
	struct world *w = *state;
	unsigned files = fake_open_files();
	struct fault why;
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	processors = 3;
	pipes = 3;
	w->show.view.about = 1000;
	for (int i = 0; i < 300; i++)
		make(w, NULL, "ann@example.com", "a@b.example", 10);
	assert_int_equal(sock_pair(SOCK_STREAM, fd, &why), 0);
	close(fd[0]);
	show_answer(&w->show, STR("mailq"), fd[1]);
	close(fd[1]);
	assert_nobody_left(files);
	signal(SIGPIPE, SIG_DFL);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_empty),
		WITH(test_text),
		WITH(test_text_two),
		WITH(test_left_out),
		cmocka_unit_test(test_checker),
		WITH(test_json),
		WITH(test_show),
		WITH(test_refusals),
		WITH(test_flush),
		WITH(test_changes),
		WITH(test_not_permitted),
		WITH(test_locked),
		WITH(test_broken),
		WITH(test_hands),
		WITH(test_hand_dies),
		WITH(test_partial),
		WITH(test_hands_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
