/* SPDX-License-Identifier: ISC */
/*
 * doorkeeper/doorkeeper: who finds a seat.  This process is a session of a host that
 * may say for whom it comes (XCLIENT), and so is every client at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/backend.h"
#include "conf/conf.h"
#include "doorkeeper/doorkeeper.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"
#include "os/signal.h"
#include "os/sock.h"
#include "priv/door.h"

#define USER	"user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n"

enum {
	SEATS = 512,			/* of the doorkeeper */
	ATTEMPTS = 448,
	CHILDREN = 32,
};

static char dir[] = "/tmp/godwit-doorkeeper-XXXXXX";
static struct conf *conf;
static struct children children;
static struct rosters rosters;
static pid_t keeper;

static void
put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static void
load(const char *more)
{
	char text[512], path[128];
	struct buf errors = { 0 };

	put("passwd", USER);
	snprintf(text, sizeof(text), "hostname mx.test\nrun %s\nspool %s/s\n"
	    "login file %s/passwd\nlogin without tls\nlogin senders any\n%s",
	    dir, dir, dir, more);
	put("conf", text);
	snprintf(path, sizeof(path), "%s/conf", dir);
	conf = conf_load(path, false, &errors);
	if (conf == NULL)
		fail_msg("%s", buf_cstr(&errors));
}

/* In a process of its own: the doorkeeper of these settings. */
static void
start(const char *more, const char *client)
{
	struct spending *spending;
	struct backend backend;
	struct arena a = { 0 };
	struct fault why;
	struct ip ip;
	int door;

	load(more);
	assert_true(ip_parse(str_of(client), &ip));
	assert_int_equal(rosters_make(&rosters, &why), 0);
	rosters_turn(&rosters);
	door = sock_listen_packets(conf_run_path(conf, &a, CONF_DOOR).p, 0600,
	    SEATS, &why);
	assert_true(door >= 0);
	if ((keeper = fork()) == 0) {
		rosters_look(&rosters);
		signal_catch(SIGCHLD);
		signal_catch(SIGTERM);
		signal_block_caught();
		if (backend_open(&backend, conf, &why) < 0 ||
		    spending_open(&spending, NULL, &why) < 0)
			_exit(1);
		doorkeeper_run(conf, &backend, spending, &rosters, NULL,
		    door);
		_exit(0);
	}
	close(door);
	arena_free(&a);
	children_init(&children, 4, roster_open(&rosters), rosters.serial);
	children_add(&children, getpid(), &ip,
	    &(struct budget_seat){ .at = { 0 } }, 0);
}

static int
stop(void **state)
{
	char path[128];
	int status;

	(void)state;
	kill(keeper, SIGKILL);
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	children_free(&children);
	conf_free(conf);
	snprintf(path, sizeof(path), "%s/%s", dir, CONF_DOOR);
	unlink(path);
	return 0;
}

static int
connect_door(void)
{
	struct arena a = { 0 };
	struct fault why;
	int fd = sock_connect_packets(conf_run_path(conf, &a, CONF_DOOR).p,
	    60, &why);

	assert_true(fd >= 0);
	arena_free(&a);
	return fd;
}

/* The next packet, which is this one; 0: the end. */
static int
hear(int fd, char room[DOOR_PACKET_MAX], struct door_packet *p)
{
	return door_receive(fd, room, p) == 0 ? (int)p->kind : 0;
}

static int
knock(int fd, const char *client)
{
	struct door_packet p = { .kind = DOOR_KNOCK,
	    .field = { str_of(client), STR("192.0.2.250") } };
	char room[DOOR_PACKET_MAX];

	assert_int_equal(door_send(fd, &p), 0);
	return hear(fd, room, &p);
}

static int
ask(int fd, struct door_packet *p, char room[DOOR_PACKET_MAX])
{
	assert_int_equal(door_send(fd, p), 0);
	return hear(fd, room, p);
}

/* An exchange that has come to its challenge, and says no more. */
static int
begin_exchange(const char *client)
{
	struct door_packet p = { .kind = DOOR_BEGIN, .field = {
	    STR("SCRAM-SHA-256"), STR("smtp"), STR(""), STR(""),
	    STR("n,,n=user,r=abc") } };
	char room[DOOR_PACKET_MAX];
	int fd = connect_door();

	assert_int_equal(knock(fd, client), DOOR_ENTER);
	assert_int_equal(ask(fd, &p, room), DOOR_CHALLENGE);
	return fd;
}

static int
log_in(const char *client, char pass[64])
{
	struct door_packet p = { .kind = DOOR_SECRET, .field = {
	    STR("PLAIN"), STR("smtp"), STR("user"), STR("pencil") } };
	char room[DOOR_PACKET_MAX];
	int fd = connect_door(), kind = knock(fd, client);

	if (kind == DOOR_ENTER)
		kind = ask(fd, &p, room);
	if (kind == DOOR_YES && pass != NULL)
		snprintf(pass, 64, "%.*s", STR_ARG(p.field[2]));
	close(fd);
	return kind;
}

static int
spend(const char *pass)
{
	struct door_packet p = { .kind = DOOR_SPEND, .field = { STR("user"),
	    str_of(pass), str_span("\1\0\0\0", 4), STR("12345678") } };
	char room[DOOR_PACKET_MAX];
	int fd = connect_door(), kind = ask(fd, &p, room);

	close(fd);
	return kind;
}

/* T-28: a login that a session tells of is believed where it can be true. */
static void
test_told_logins(void **state)
{
	(void)state;
	start("xclient for 192.0.2.1\nlogin-messages-per-hour 100\n",
	    "192.0.2.1");
	assert_int_equal(spend(""), DOOR_WITHIN);
	stop(NULL);
	start("xclient for 192.0.2.2\nlogin-messages-per-hour 100\n",
	    "192.0.2.1");
	assert_int_equal(spend(""), 0);
}

static const char *
client_of(int i)
{
	static char text[32];

	snprintf(text, sizeof(text), "10.%d.%d.1", 1 + i / 250, i % 250);
	return text;
}

static bool
has_ended(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* A word that comes while a younger master is about to write down some child is
 * heard when it has; one that nobody waits for, too. */
static void
test_words_wait(void **state)
{
	struct door_packet p = { .kind = DOOR_SPEND, .field = { STR("user"),
	    STR(""), str_span("\1\0\0\0", 4), STR("12345678") } };
	struct door_packet told = { .kind = DOOR_REPORTED,
	    .flags = DOOR_OWED, .field = { STR("user"), STR("") } };
	char room[DOOR_PACKET_MAX], pass[64];
	struct children young;
	int64_t begun;
	int fd;

	(void)state;
	start("xclient for 192.0.2.1\nlogin-messages-per-hour 2\n",
	    "192.0.2.1");
	assert_int_equal(log_in("198.51.100.1", pass), DOOR_YES);
	rosters_turn(&rosters);
	children_init(&young, 4, roster_open(&rosters), rosters.serial);
	assert_int_equal(spend(""), DOOR_WITHIN);
	children_expect(&young);
	begun = clock_mono_ms();
	fd = connect_door();
	assert_int_equal(door_send(fd, &p), 0);
	/* With a pass it need not be known who that is. */
	assert_int_equal(spend(pass), DOOR_WITHIN);
	if (clock_mono_ms() - begun < 4000)
		assert_false(has_ended(fd));
	children_expect_no_more(&young);
	assert_int_equal(hear(fd, room, &p), DOOR_OVER);
	assert_int_equal(p.flags & DOOR_OWED, DOOR_OWED);
	close(fd);
	/* Whom it has been told to is owed nothing any more, and who is then
	 * owed it was told of behind another question. */
	assert_int_equal(spend(""), DOOR_OVER);
	children_expect(&young);
	fd = connect_door();
	assert_int_equal(door_send(fd, &told), 0);
	close(fd);
	usleep(100 * 1000);
	fd = connect_door();
	usleep(100 * 1000);
	children_expect_no_more(&young);
	usleep(100 * 1000);
	close(fd);
	p = (struct door_packet){ .kind = DOOR_SPEND, .field = { STR("user"),
	    STR(""), str_span("\1\0\0\0", 4), STR("12345678") } };
	fd = connect_door();
	assert_int_equal(ask(fd, &p, room), DOOR_OVER);
	assert_int_equal(p.flags & DOOR_OWED, DOOR_OWED);
	close(fd);
	children_free(&young);
}

/* T-32: exchanges that have fallen silent, in all seats there are and more: who
 * comes then logs in, the oldest of them ends, and who has logged in may send. */
static void
test_silent_exchanges(void **state)
{
	static int fd[SEATS];
	struct door_packet p;
	char room[DOOR_PACKET_MAX], pass[64];

	(void)state;
	start("xclient for 192.0.2.1\nlogin-messages-per-hour 100\n",
	    "192.0.2.1");
	assert_int_equal(log_in("198.51.100.1", pass), DOOR_YES);
	for (int i = 0; i < SEATS; i++)
		fd[i] = begin_exchange(client_of(i));
	assert_int_equal(spend(pass), DOOR_WITHIN);
	assert_int_equal(log_in("198.51.100.2", NULL), DOOR_YES);
	assert_int_equal(spend(pass), DOOR_WITHIN);
	/* The first are told that it is over, in their order. */
	assert_int_equal(hear(fd[0], room, &p), DOOR_LATER);
	assert_int_equal(hear(fd[SEATS - ATTEMPTS], room, &p), DOOR_LATER);
	assert_false(has_ended(fd[SEATS - 1]));
	for (int i = 0; i < SEATS; i++)
		close(fd[i]);
}

/* Many who connect and say nothing. */
static void
test_silent_knocks(void **state)
{
	int ready[2];
	char byte, pass[64];
	pid_t pid[SEATS + 20];
	int n = SEATS + 20;

	(void)state;
	start("xclient for 192.0.2.1\nlogin-messages-per-hour 100\n",
	    "192.0.2.1");
	assert_int_equal(log_in("198.51.100.1", pass), DOOR_YES);
	assert_int_equal(pipe(ready), 0);
	for (int i = 0; i < n; i++) {
		if ((pid[i] = fork()) == 0) {
			(void)connect_door();
			(void)!write(ready[1], "x", 1);
			for (;;)
				pause();
		}
		assert_int_equal(read(ready[0], &byte, 1), 1);
	}
	assert_int_equal(spend(pass), DOOR_WITHIN);
	assert_int_equal(log_in("198.51.100.2", NULL), DOOR_YES);
	for (int i = 0; i < n; i++) {
		kill(pid[i], SIGKILL);
		(void)waitpid(pid[i], NULL, 0);
	}
}

/* One process has one place before the door. */
static void
test_one_place(void **state)
{
	char room[DOOR_PACKET_MAX];
	struct door_packet p;
	int first, second;

	(void)state;
	start("xclient for 192.0.2.1\n", "192.0.2.1");
	first = connect_door();
	second = connect_door();
	assert_int_equal(hear(first, room, &p), 0);
	assert_int_equal(knock(second, "198.51.100.1"), DOOR_ENTER);
	close(first);
	close(second);
}

static int
knock_only(const char *client)
{
	struct door_packet p = { .kind = DOOR_KNOCK,
	    .field = { str_of(client), STR("192.0.2.250") } };
	int fd = connect_door();

	assert_int_equal(door_send(fd, &p), 0);
	return fd;
}

/* All who may reckon do, and say nothing.  The next is who has waited for longest,
 * wherever he waits.  (They are given five seconds to ask.) */
static void
test_the_oldest_is_next(void **state)
{
	int busy[CHILDREN], first, second, young;
	int64_t begun = clock_mono_ms();
	struct door_packet p;
	char room[DOOR_PACKET_MAX];

	(void)state;
	start("xclient for 192.0.2.1\n", "192.0.2.1");
	for (int i = 0; i < CHILDREN; i++) {
		busy[i] = knock_only(client_of(i));
		assert_int_equal(hear(busy[i], room, &p), DOOR_ENTER);
	}
	first = knock_only(client_of(CHILDREN));
	second = knock_only(client_of(CHILDREN + 1));
	/* The first one's place is taken, and another one's is free. */
	close(busy[0]);
	assert_int_equal(hear(first, room, &p), DOOR_ENTER);
	young = knock_only(client_of(CHILDREN + 2));
	assert_int_equal(spend(""), DOOR_WITHIN);
	close(busy[1]);
	assert_int_equal(hear(second, room, &p), DOOR_ENTER);
	if (clock_mono_ms() - begun < 4000)
		assert_false(has_ended(young));
	assert_int_equal(hear(young, room, &p), DOOR_ENTER);
	for (int i = 2; i < CHILDREN; i++)
		close(busy[i]);
	close(first);
	close(second);
	close(young);
}

/* Only who may says for whom it comes, and only what he may. */
static void
test_lies(void **state)
{
	static const struct {
		const char	*client, *told;
		int		 answer;
	} rows[] = {
		{ "192.0.2.1", "", DOOR_ENTER },
		{ "192.0.2.1", "198.51.100.1", DOOR_ENTER },
		{ "192.0.2.1", "unknown", DOOR_ENTER },
		{ "192.0.2.2", "", DOOR_ENTER },
		{ "192.0.2.2", "unknown", DOOR_ENTER },
		{ "192.0.2.2", "198.51.100.1", 0 },
		{ "192.0.2.3", "", DOOR_ENTER },
		{ "192.0.2.3", "192.0.2.3", 0 },
		{ "192.0.2.3", "198.51.100.1", 0 },
		{ "192.0.2.3", "unknown", 0 },
	};
	struct budget_seat seat;
	struct ip ip;
	int fd;

	(void)state;
	start("xclient for 192.0.2.1\n"
	    "listen smtp on 127.0.0.1:2525 proxy from 192.0.2.2\n",
	    "192.0.2.1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(ip_parse(str_of(rows[i].client), &ip));
		assert_true(children_remove(&children, getpid(), &seat));
		children_add(&children, getpid(), &ip, &seat, 0);
		fd = connect_door();
		if (knock(fd, rows[i].told) != rows[i].answer)
			fail_msg("row %zu", i);
		close(fd);
	}
	/* What the master has heard from the proxy's session is true. */
	assert_true(ip_parse(STR("198.51.100.7"), &ip));
	children_tell(&children, getpid(), &ip, false);
	fd = connect_door();
	assert_int_equal(knock(fd, "198.51.100.7"), DOOR_ENTER);
	close(fd);
	fd = connect_door();
	assert_int_equal(knock(fd, "198.51.100.8"), 0);
	close(fd);
	/* He who may name others may do so again. */
	children_tell(&children, getpid(), &ip, true);
	fd = connect_door();
	assert_int_equal(knock(fd, "198.51.100.8"), DOOR_ENTER);
	close(fd);
}

/* Its master has not come to write it down; then it has. */
static void
test_very_young(void **state)
{
	struct door_packet p = { .kind = DOOR_KNOCK };
	char room[DOOR_PACKET_MAX];
	struct budget_seat seat;
	struct ip ip;
	int fd;

	(void)state;
	start("", "192.0.2.1");
	assert_true(children_remove(&children, getpid(), &seat));
	fd = connect_door();
	assert_int_equal(door_send(fd, &p), 0);
	(void)poll(NULL, 0, 100);
	assert_false(has_ended(fd));
	assert_true(ip_parse(STR("192.0.2.1"), &ip));
	children_add(&children, getpid(), &ip, &seat, 0);
	assert_int_equal(hear(fd, room, &p), DOOR_ENTER);
	close(fd);
	/* Of a process that nobody has forked this is waited for in vain. */
	assert_true(children_remove(&children, getpid(), &seat));
	fd = connect_door();
	assert_int_equal(knock(fd, ""), DOOR_LATER);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_silent_exchanges, stop),
		cmocka_unit_test_teardown(test_silent_knocks, stop),
		cmocka_unit_test_teardown(test_one_place, stop),
		cmocka_unit_test_teardown(test_the_oldest_is_next, stop),
		cmocka_unit_test_teardown(test_lies, stop),
		cmocka_unit_test_teardown(test_told_logins, stop),
		cmocka_unit_test_teardown(test_words_wait, stop),
		cmocka_unit_test_teardown(test_very_young, stop),
	};
	struct rlimit files = { 4096, 4096 };
	int failed;

	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (mkdtemp(dir) == NULL || log_open("/dev/null") < 0)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	proc_null_stdio(false);
	return failed;
}
