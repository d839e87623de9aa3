/* SPDX-License-Identifier: ISC */
/* One attempt, asked in packets as a session asks, and answered from a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/desk.h"
#include "auth/passwords.h"
#include "auth/scram.h"
#include "os/sock.h"
#include "priv/door.h"

#define L(lit)	{ (lit), sizeof(lit) - 1 }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* All of these have the password "pencil". */
#define SCRAM	"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define SHA512	"$6$rounds=1000$lH79HvILSxHBvhv.$uCLg76ZtsyQaYltHmPELZrQFna" \
	"NgOQe3MlB2LNdq3s9OOu6Z/3.ADyYD1JahxzazIrIpO9k7/HxZ7iDO0sidN0"

static const char text[] =
    "# who may\n\n"
    "user:" SCRAM "\n"
    "old:" SHA512 "\r\n"
    "locked:!" SHA512 "\n"
    "broken:SCRAM-SHA-256$none\n"
    "empty:\n"
    "nothing\n";

static char path[] = "/tmp/godwit-desk-XXXXXX";
static struct backend backend = { .ops = &passwords_backend };

static int
set_up(void **state)
{
	struct fault why;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1),
	    (ssize_t)sizeof(text) - 1);
	close(fd);
	backend.place = str_of(path);
	return passwords_backend.open(&backend, &why);
}

static int
tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

/* A desk in a child; returns our end. */
static int
open_desk(pid_t *pid)
{
	static const struct spending_key key = { { 1, 2, 3, 4 } };
	struct ip ip = { .family = 4, .b = { 192, 0, 2, 1 } };
	char room[DOOR_PACKET_MAX];
	struct door_packet p;
	struct fault why;
	int fd[2];

	assert_int_equal(sock_pair(SOCK_SEQPACKET, fd, &why), 0);
	if ((*pid = fork()) == 0) {
		close(fd[0]);
		_exit((int)desk_serve(&backend, fd[1], -1, &ip, &ip,
		    &key));
	}
	close(fd[1]);
	assert_int_equal(door_receive(fd[0], room, &p), 0);
	assert_int_equal(p.kind, DOOR_ENTER);
	return fd[0];
}

static enum desk_result
end(int fd, pid_t pid)
{
	int status;

	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (enum desk_result)WEXITSTATUS(status);
}

static const struct {
	enum door_kind		kind;
	struct str		field[5];
	enum door_kind		answer;
	struct str		first;		/* field of the answer */
	enum desk_result	result;
} rows[] = {
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("user"), L("pencil") },
	    DOOR_YES, L("user"), DESK_YES },
	{ DOOR_SECRET, { L("LOGIN"), L("smtp"), L("old"), L("pencil") },
	    DOOR_YES, L("old"), DESK_YES },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("user"), L("pen") },
	    DOOR_NO, L("user"), DESK_NO },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("old"), L("pen") },
	    DOOR_NO, L("old"), DESK_NO },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("ghost"), L("pencil") },
	    DOOR_NO, L("ghost"), DESK_NO },
	/* Names are what they are. */
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("User"), L("pencil") },
	    DOOR_NO, L("User"), DESK_NO },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("use"), L("pencil") },
	    DOOR_NO, L("use"), DESK_NO },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("# who may"),
	    L("pencil") }, DOOR_NO, L("# who may"), DESK_NO },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("locked"), L("pencil") },
	    DOOR_NO, L("locked"), DESK_NO },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("broken"), L("pencil") },
	    DOOR_LATER, L(""), DESK_LATER },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("nothing"), L("") },
	    DOOR_NO, L("nothing"), DESK_NO },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("nothing"), L("x") },
	    DOOR_LATER, L(""), DESK_LATER },
	/* What no honest session says. */
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L(""), L("pencil") },
	    DOOR_NO, L(""), DESK_NO },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("us\0er"), L("pencil") },
	    DOOR_NO, L(""), DESK_NO },
	{ DOOR_SECRET, { L("PLAIN"), L("smtp"), L("user"), L("pencil\0") },
	    DOOR_NO, L("user"), DESK_NO },
	{ DOOR_SECRET, { L("GUESS"), L("smtp"), L("user"), L("pencil") },
	    DOOR_NO, L(""), DESK_NO },
	{ DOOR_RESPONSE, { L("user") }, DOOR_NO, L(""), DESK_NO },
	{ DOOR_YES, { L("user"), L("") }, DOOR_NO, L(""), DESK_NO },
	{ DOOR_TOKEN, { L("XOAUTH2"), L("smtp"), L("user"), L("pencil") },
	    DOOR_LATER, L(""), DESK_LATER },
	{ DOOR_BEGIN, { L("SCRAM-SHA-256"), L("smtp"), L(""), L(""),
	    L("n,,n=user,r=abc") }, DOOR_CHALLENGE, L(""), DESK_LATER },
	/* A stranger, and one without a record, get a challenge as well. */
	{ DOOR_BEGIN, { L("SCRAM-SHA-256"), L("smtp"), L(""), L(""),
	    L("n,,n=ghost,r=abc") }, DOOR_CHALLENGE, L(""), DESK_LATER },
	{ DOOR_BEGIN, { L("SCRAM-SHA-256"), L("smtp"), L(""), L(""),
	    L("n,,n=old,r=abc") }, DOOR_CHALLENGE, L(""), DESK_LATER },
	{ DOOR_BEGIN, { L("SCRAM-SHA-256"), L("smtp"), L(""), L(""),
	    L("nonsense") }, DOOR_NO, L(""), DESK_NO },
	{ DOOR_BEGIN, { L("SCRAM-SHA-256-PLUS"), L("smtp"), L(""), L(""),
	    L("p=tls-exporter,,n=user,r=abc") }, DOOR_NO, L("user"),
	    DESK_NO },
	{ DOOR_BEGIN, { L("PLAIN"), L("smtp"), L(""), L(""), L("x") },
	    DOOR_LATER, L(""), DESK_LATER },
};

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct door_packet p = { .kind = rows[i].kind };
		char room[DOOR_PACKET_MAX];
		pid_t pid;
		int fd = open_desk(&pid);

		memcpy(p.field, rows[i].field, sizeof(p.field));
		assert_int_equal(door_send(fd, &p), 0);
		assert_int_equal(door_receive(fd, room, &p), 0);
		if (p.kind != rows[i].answer || (rows[i].first.n > 0 &&
		    !str_eq(p.field[0], rows[i].first)))
			fail_msg("row %zu: %d %.*s", i, (int)p.kind,
			    STR_ARG(p.field[0]));
		if (end(fd, pid) != rows[i].result)
			fail_msg("row %zu: another result", i);
	}
}

/* The whole of SCRAM with a wrong proof; what the challenge was. */
static enum desk_result
exchange(const char *name, struct str *said, struct arena *a)
{
	struct door_packet p = { .kind = DOOR_BEGIN, .field = {
	    STR("SCRAM-SHA-256"), STR("smtp"), STR(""), STR(""), STR_NONE } };
	char room[DOOR_PACKET_MAX];
	pid_t pid;
	int fd = open_desk(&pid);

	p.field[4] = arena_printf(a, "n,,n=%s,r=abc", name);
	assert_int_equal(door_send(fd, &p), 0);
	assert_int_equal(door_receive(fd, room, &p), 0);
	assert_int_equal(p.kind, DOOR_CHALLENGE);
	*said = arena_str(a, p.field[0]);
	p = (struct door_packet){ .kind = DOOR_RESPONSE, .field = {
	    arena_printf(a, "c=biws,%.*s,p=AAAA", STR_ARG(str_slice(*said, 0,
	    str_find(*said, ',')))) } };
	assert_int_equal(door_send(fd, &p), 0);
	assert_int_equal(door_receive(fd, room, &p), 0);
	assert_int_equal(p.kind, DOOR_NO);
	assert_true(str_eq(p.field[0], str_of(name)));
	return end(fd, pid);
}

/* T-38: salt and rounds of a stranger are the same each time, and look like
 * those of a user. */
static void
test_strangers_salt(void **state)
{
	struct arena a = { 0 };
	struct str one, two, other, user;

	(void)state;
	assert_int_equal(exchange("ghost", &one, &a), DESK_NO);
	assert_int_equal(exchange("ghost", &two, &a), DESK_NO);
	assert_int_equal(exchange("other", &other, &a), DESK_NO);
	assert_int_equal(exchange("user", &user, &a), DESK_NO);
	one = str_from(one, str_find(one, ','));
	two = str_from(two, str_find(two, ','));
	other = str_from(other, str_find(other, ','));
	user = str_from(user, str_find(user, ','));
	assert_true(str_eq(one, two));
	assert_false(str_eq(one, other));
	assert_int_equal(one.n, user.n);
	assert_true(str_ends(one, STR("==,i=4096")));
	assert_true(str_ends(user, STR("==,i=4096")));
	arena_free(&a);
}

/* Who says nothing, or goes in the middle, has not failed. */
static void
test_silence(void **state)
{
	pid_t pid;
	int fd = open_desk(&pid);

	(void)state;
	assert_int_equal(end(fd, pid), DESK_LATER);
	fd = open_desk(&pid);
	assert_int_equal(send(fd, "garbage", 7, 0), 7);
	assert_int_equal(end(fd, pid), DESK_LATER);
}

static void
test_lines(void **state)
{
	static const struct {
		const char		*name;
		enum password_kind	 kind;
		unsigned		 line;
	} want[] = {
		{ "user", PASSWORD_SCRAM, 3 }, { "old", PASSWORD_CRYPT, 4 },
		{ "locked", PASSWORD_BAD, 5 }, { "broken", PASSWORD_BAD, 6 },
		{ "empty", PASSWORD_BAD, 7 }, { "nothing", PASSWORD_BAD, 8 },
	};
	struct arena a = { 0 };
	password_vec all = { NULL, 0, 0 };

	(void)state;
	passwords_parse(&a, str_of(text), &all);
	assert_int_equal(all.n, COUNT(want));
	for (size_t i = 0; i < all.n; i++) {
		assert_true(str_eq(all.p[i].name, str_of(want[i].name)));
		assert_int_equal(all.p[i].kind, want[i].kind);
		assert_int_equal(all.p[i].line, want[i].line);
		assert_true((password_fault(&all.p[i]) == NULL) ==
		    (want[i].kind != PASSWORD_BAD));
	}
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_strangers_salt),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
