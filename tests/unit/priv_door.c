/* SPDX-License-Identifier: ISC */
/* The packets between sessions and the doorkeeper, whole and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/sock.h"
#include "priv/door.h"

struct pair {
	int	fd[2];
};

static int
open_pair(void **state)
{
	struct pair *p = malloc(sizeof(*p));
	struct fault why;

	assert_int_equal(sock_pair(SOCK_SEQPACKET, p->fd, &why), 0);
	*state = p;
	return 0;
}

static int
close_pair(void **state)
{
	struct pair *p = *state;

	close(p->fd[0]);
	close(p->fd[1]);
	free(p);
	return 0;
}

static void
test_all_kinds(void **state)
{
	static const struct {
		enum door_kind	kind;
		int		fields;
	} rows[] = {
		{ DOOR_ENTER, 0 }, { DOOR_KNOCK, 2 }, { DOOR_SECRET, 4 }, { DOOR_TOKEN, 4 }, { DOOR_BEGIN, 5 },
		{ DOOR_RESPONSE, 1 }, { DOOR_CHALLENGE, 1 }, { DOOR_YES, 3 },
		{ DOOR_NO, 2 }, { DOOR_LATER, 1 }, { DOOR_WAIT, 1 },
		{ DOOR_SPEND, 4 }, { DOOR_REPORTED, 2 }, { DOOR_WITHIN, 0 }, { DOOR_OVER, 1 },
	};
	struct pair *pair = *state;
	char room[DOOR_PACKET_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct door_packet in = { .kind = rows[i].kind, .flags = 3,
		    .field = { STR("a"), STR(""), STR("c\0c"), STR("dd"),
		    STR("e") } }, out;
		assert_int_equal(door_send(pair->fd[0], &in), 0);
		assert_int_equal(door_look(pair->fd[1], room, &out), 0);
		assert_int_equal(out.kind, in.kind);
		assert_int_equal(door_receive(pair->fd[1], room, &out),
		    0);
		assert_int_equal(out.kind, in.kind);
		assert_int_equal(out.flags, 3);
		for (int j = 0; j < DOOR_FIELDS; j++)
			assert_true(str_eq(out.field[j], j < rows[i].fields ?
			    in.field[j] : STR("")));
	}
}

/* A descriptor that comes along is nobody's: none is kept. */
static void
test_descriptor(void **state)
{
	struct door_packet out;
	struct pair *pair = *state;
	char room[DOOR_PACKET_MAX];
	int next = dup(0);

	close(next);
	assert_int_equal(sock_send(pair->fd[0], str_span("\1\0\1\0x\0\0", 7),
	    &pair->fd[0], 1, 0), 0);
	assert_int_equal(door_look(pair->fd[1], room, &out), 0);
	assert_int_equal(door_receive(pair->fd[1], room, &out), 0);
	assert_int_equal(out.kind, DOOR_KNOCK);
	assert_true(str_eq(out.field[0], STR("x")));
	assert_int_equal(dup(0), next);
	close(next);
}

static void
test_malformed(void **state)
{
	static const struct {
		const char	*bytes;
		size_t		 n;
	} rows[] = {
		{ "\0", 1 }, { "\2", 1 }, { "\0\0", 2 }, { "\6\0", 2 },
		{ "\377\0", 2 }, { "\4\0", 2 }, { "\4\0\0", 3 },
		{ "\4\0\1\0", 4 }, { "\4\0\0\0x", 5 }, { "\4\0\377\377x", 5 },
		{ "\2\0\0\0\0\0\0\0", 8 }, { "\2\0\0\0\0\0\0\0\1\0", 10 },
		{ "\21\0\0\0", 4 }, { "\1\0x", 3 },
		{ "\1\0\0\0", 4 },
	};
	struct pair *pair = *state;
	char room[DOOR_PACKET_MAX];
	struct door_packet p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(send(pair->fd[0], rows[i].bytes, rows[i].n,
		    0), (ssize_t)rows[i].n);
		if (door_receive(pair->fd[1], room, &p) == 0)
			fail_msg("row %zu was taken", i);
	}
	shutdown(pair->fd[0], SHUT_WR);
	assert_int_equal(door_receive(pair->fd[1], room, &p), -1);
}

static void
test_size(void **state)
{
	static char big[DOOR_PACKET_MAX];
	struct pair *pair = *state;
	char room[DOOR_PACKET_MAX];
	struct door_packet p = { .kind = DOOR_RESPONSE }, out;

	memset(big, 'x', sizeof(big));
	p.field[0] = str_span(big, DOOR_PACKET_MAX - 4);
	assert_int_equal(door_send(pair->fd[0], &p), 0);
	assert_int_equal(door_receive(pair->fd[1], room, &out), 0);
	assert_int_equal(out.field[0].n, DOOR_PACKET_MAX - 4);
	p.field[0] = str_span(big, DOOR_PACKET_MAX - 3);
	assert_int_equal(door_send(pair->fd[0], &p), -1);
	assert_int_equal(errno, EMSGSIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_kinds, open_pair,
		    close_pair),
		cmocka_unit_test_setup_teardown(test_descriptor, open_pair,
		    close_pair),
		cmocka_unit_test_setup_teardown(test_malformed, open_pair,
		    close_pair),
		cmocka_unit_test_setup_teardown(test_size, open_pair,
		    close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
