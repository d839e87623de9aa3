/* SPDX-License-Identifier: ISC */
/*
 * spool/notify: a word arrives or is lost, never waits, and never says
 * anything that was not a name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/sock.h"
#include "spool/notify.h"

#define NAME	"01ARZ3NDEKTSV4RRFF"

static int fd[2];

static int
open_pair(void **state)
{
	struct fault why;

	(void)state;
	return sock_pair(SOCK_DGRAM, fd, &why);
}

static int
close_pair(void **state)
{
	(void)state;
	close(fd[0]);
	close(fd[1]);
	return 0;
}

static void
test_kinds(void **state)
{
	static const enum notify_kind kinds[] = { NOTIFY_NEW, NOTIFY_VOID,
	    NOTIFY_TEMP, NOTIFY_FLUSH };
	static const char *const names[] = { NAME, "", NAME "-b1",
	    NAME "-b12345-b12345" };
	struct notify n;

	(void)state;
	notify_send(fd[0], NOTIFY_DOMAIN, "@a.example");
	assert_int_equal(notify_receive(fd[1], &n), 1);
	assert_int_equal(n.kind, NOTIFY_DOMAIN);
	assert_string_equal(n.name, "@a.example");
	for (size_t i = 0; i < 16; i++) {
		if (strlen(names[i % 4]) >= SPOOL_NAME_MAX)
			continue;
		notify_send(fd[0], kinds[i / 4], names[i % 4]);
		memset(&n, 0xff, sizeof(n));
		assert_int_equal(notify_receive(fd[1], &n), 1);
		assert_int_equal(n.kind, kinds[i / 4]);
		assert_string_equal(n.name, names[i % 4]);
		assert_int_equal(notify_receive(fd[1], &n), 0);
	}
}

static void
test_nobody_there(void **state)
{
	struct notify n;

	(void)state;
	notify_send(-1, NOTIFY_NEW, NAME);
	assert_int_equal(notify_receive(-1, &n), 0);
	close(fd[1]);
	notify_send(fd[0], NOTIFY_NEW, NAME);	/* and no SIGPIPE */
	fd[1] = dup(fd[0]);
}

/* A reader who sleeps does not keep a session waiting. */
static void
test_full(void **state)
{
	struct notify n;
	int got = 0;

	(void)state;
	for (int i = 0; i < 100000; i++)
		notify_send(fd[0], NOTIFY_NEW, NAME);
	while (notify_receive(fd[1], &n) == 1)
		got++;
	assert_true(got > 0 && got < 100000);
	notify_send(fd[0], NOTIFY_NEW, NAME);
	assert_int_equal(notify_receive(fd[1], &n), 1);
}

static const struct {
	const char	*name;
	struct str	 packet;
} malformed[] = {
	{ "unknown kind", { "X" NAME, 19 } },
	{ "kind 0", { "\0" NAME, 19 } },
	{ "short name", { "N01ARZ3NDEKTSV4RRF", 18 } },
	{ "path", { "N../../etc/passwd...", 20 } },
	{ "slash", { "N01ARZ3NDEK/SV4RRFF", 19 } },
	{ "NUL first", { "N\0" NAME, 20 } },
	{ "NUL inside", { "N01ARZ3NDE\0TSV4RRFF", 19 } },
	{ "domain with a NUL", { "Da.example\0x", 12 } },
	{ "domain of nothing", { "D", 1 } },
	{ "domain, two signs", { "D@@a.example", 12 } },
	{ "domain, path", { "D../../etc", 10 } },
	{ "domain for an entry", { "Na.example", 10 } },
	{ "blank", { "N" NAME " ", 20 } },
	{ "odd tail", { "N" NAME "-b0", 22 } },
	{ "32 bytes of name", { "N" NAME "-b123456789012", 33 } },
	{ "longer than a packet", { "N" NAME "-b1234567890123456789", 40 } },
};

static void
test_malformed(void **state)
{
	struct notify n;

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		assert_int_equal(send(fd[0], malformed[i].packet.p,
		    malformed[i].packet.n, 0), malformed[i].packet.n);
		if (notify_receive(fd[1], &n) != 0)
			fail_msg("%s", malformed[i].name);
	}
	assert_int_equal(send(fd[0], "", 0, 0), 0);
	assert_int_equal(notify_receive(fd[1], &n), 0);
	notify_send(fd[0], NOTIFY_VOID, NAME);
	assert_int_equal(notify_receive(fd[1], &n), 1);
}

/* A name that is none goes out cut and comes in as nothing. */
static void
test_long_name(void **state)
{
	char name[2 * NOTIFY_NAME_MAX];
	struct notify n;

	(void)state;
	memset(name, 'A', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	notify_send(fd[0], NOTIFY_NEW, name);
	assert_int_equal(notify_receive(fd[1], &n), 0);
}

static void
test_grey(void **state)
{
	static const struct grey_tags tags = { 0x0102030405060708, UINT64_MAX,
	    3, 1 }, none[] = { { 0, 1, 1, 1 }, { 1, 0, 1, 1 } };
	static const char bad[][36] = { "G", "G2345678901234567",
	    "G2345678901234567890123456789012",
	    "G234567890123456789012345678901234" };
	struct notify n;

	(void)state;
	notify_send_grey(fd[0], &tags);
	assert_int_equal(notify_receive(fd[1], &n), 1);
	assert_int_equal(n.kind, NOTIFY_GREY);
	assert_string_equal(n.name, "");
	assert_memory_equal(&n.grey, &tags, sizeof(tags));
	/* No tag is 0. */
	for (size_t i = 0; i < 2; i++) {
		notify_send_grey(fd[0], &none[i]);
		assert_int_equal(notify_receive(fd[1], &n), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(send(fd[0], bad[i], strlen(bad[i]), 0) > 0);
		assert_int_equal(notify_receive(fd[1], &n), 0);
	}
	notify_send_grey(-1, &tags);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, open_pair, close_pair)
	const struct CMUnitTest tests[] = {
		WITH(test_kinds),
		WITH(test_grey),
		WITH(test_nobody_there),
		WITH(test_full),
		WITH(test_malformed),
		WITH(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
