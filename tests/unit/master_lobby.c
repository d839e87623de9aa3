/* SPDX-License-Identifier: ISC */
/* master/lobby on a clock of our own: who waited, who spoke, who left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/lobby.h"

#define GUESTS	6

static int far[GUESTS];

static struct lobby *
fill(int64_t from)
{
	struct lobby *l = lobby_new(1000);
	struct lobby_guest g = { 0 };
	int pair[2];

	assert_int_equal(lobby_due(l, from), -1);
	for (int i = 0; i < GUESTS; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		g.fd = pair[0];
		far[i] = pair[1];
		g.since = from + i * 100;
		g.seat.at[0] = (uint32_t)i;
		assert_true(lobby_add(l, &g));
	}
	assert_int_equal(lobby_count(l), GUESTS);
	return l;
}

static void
close_far(void)
{
	for (int i = 0; i < GUESTS; i++)
		close(far[i]);
}

static void
expect(struct lobby *l, int64_t now, enum lobby_news news, uint32_t who,
    int bytes)
{
	struct lobby_guest g;
	int said = 0;

	assert_int_equal(lobby_next(l, now, &g, &said), news);
	if (news == LOBBY_NONE)
		return;
	assert_int_equal(g.seat.at[0], who);
	assert_int_equal(said, bytes);
	close(g.fd);
}

static void
test_news(void **state)
{
	struct lobby *l = fill(5000);

	(void)state;
	expect(l, 5999, LOBBY_NONE, 0, 0);
	assert_int_equal(lobby_due(l, 5999), 1);
	expect(l, 6000, LOBBY_WAITED, 0, 0);
	assert_int_equal(lobby_due(l, 6000), 100);
	/* One in the middle speaks, one leaves; each is told once. */
	assert_int_equal(write(far[2], "hello", 5), 5);
	close(far[3]);
	expect(l, 6000, LOBBY_SPOKE, 2, 5);
	expect(l, 6000, LOBBY_LEFT, 3, 0);
	expect(l, 6000, LOBBY_NONE, 0, 0);
	/* The holes are passed over. */
	expect(l, 9000, LOBBY_WAITED, 1, 0);
	assert_int_equal(lobby_due(l, 6000), 400);
	/* Who has said something and waited long enough has spoken. */
	assert_int_equal(write(far[5], "x", 1), 1);
	expect(l, 9000, LOBBY_SPOKE, 5, 1);
	expect(l, 9000, LOBBY_WAITED, 4, 0);
	expect(l, 9000, LOBBY_NONE, 0, 0);
	assert_int_equal(lobby_count(l), 0);
	assert_int_equal(lobby_due(l, 9000), -1);
	far[3] = -1;
	close_far();
	lobby_free(l);
}

static void
test_full(void **state)
{
	struct lobby *l = lobby_new(1000);
	struct lobby_guest g = { .fd = -1 }, out;
	int pair[2], said;
	size_t n = 0;

	(void)state;
	/* Few descriptors, so that they are the same again and again. */
	for (int round = 0; round < 5000; round++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		g.fd = pair[0];
		g.since = round;
		assert_true(lobby_add(l, &g));
		n++;
		close(pair[1]);
		assert_int_equal(lobby_next(l, round, &out, &said),
		    LOBBY_LEFT);
		close(out.fd);
	}
	g.fd = 1 << 20;
	assert_false(lobby_add(l, &g));
	assert_int_equal(n, 5000);
	lobby_free(l);
}

/* One waits all the time, and thousands come and go behind him: there is room as
 * before, and the order in which they may go in is that of their coming. */
static void
test_who_goes_early_leaves_room(void **state)
{
	struct lobby *l = fill(0);
	struct lobby_guest g = { .since = 500 };
	int pair[2];

	(void)state;
	for (uint32_t round = 0; round < 5000; round++) {
		g.seat.at[0] = 100 + round;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		g.fd = pair[0];
		if (!lobby_add(l, &g))
			fail_msg("no room in round %u", (unsigned)round);
		assert_int_equal(write(pair[1], "hello", 5), 5);
		expect(l, 600, LOBBY_SPOKE, 100 + round, 5);
		close(pair[1]);
	}
	assert_int_equal(lobby_count(l), GUESTS);
	for (uint32_t i = 0; i < GUESTS; i++)
		expect(l, 9000, LOBBY_WAITED, i, 0);
	expect(l, 9000, LOBBY_NONE, 0, 0);
	close_far();
	lobby_free(l);
}

/* As many as there may be; and an event about one who has gone meanwhile is
 * none about whoever has his place now. */
static void
test_as_many_as_may_be(void **state)
{
	struct lobby *l = lobby_new(1000);
	struct lobby_guest g = { .since = 0 }, out;
	struct rlimit files;
	int pair[2], said;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (uint32_t i = 0; i <= LOBBY_MAX; i++) {
		g.fd = fcntl(pair[0], F_DUPFD_CLOEXEC, 3);
		assert_true(g.fd >= 0);
		g.seat.at[0] = i;
		g.since = i;
		assert_int_equal(lobby_add(l, &g), i < LOBBY_MAX);
	}
	close(g.fd);
	assert_int_equal(lobby_count(l), LOBBY_MAX);
	/* Now all have spoken; of one it is heard, and a new one comes. */
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(lobby_next(l, 0, &out, &said), LOBBY_SPOKE);
	close(out.fd);
	close(pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	g.fd = pair[0];
	g.seat.at[0] = 5000;
	g.since = 5000;
	assert_true(lobby_add(l, &g));
	for (uint32_t i = 1; i < LOBBY_MAX; i++) {
		assert_int_equal(lobby_next(l, 0, &out, &said), LOBBY_SPOKE);
		assert_in_range(out.seat.at[0], 0, LOBBY_MAX - 1);
		close(out.fd);
	}
	expect(l, 5999, LOBBY_NONE, 0, 0);
	expect(l, 6000, LOBBY_WAITED, 5000, 0);
	close(pair[1]);
	lobby_free(l);
}

/* A child keeps nothing of it, and all else. */
static void
test_child(void **state)
{
	bool before[100];
	struct lobby_guest g;
	struct lobby *l;
	int status, said;
	pid_t pid;

	(void)state;
	for (int fd = 0; fd < 100; fd++)
		before[fd] = fcntl(fd, F_GETFD) != -1;
	l = fill(0);
	assert_int_equal(lobby_next(l, 1000, &g, &said), LOBBY_WAITED);
	pid = fork();
	if (pid == 0) {
		bool ok = true;

		lobby_leave(l);
		for (int fd = 3; fd < 100; fd++) {
			bool ours = before[fd] || fd == g.fd;

			for (int i = 0; i < GUESTS; i++)
				ours |= fd == far[i];
			if ((fcntl(fd, F_GETFD) != -1) != ours)
				ok = false;
		}
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* Those of its parent are as they were. */
	expect(l, 1100, LOBBY_WAITED, 1, 0);
	close_far();
	lobby_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_news),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_who_goes_early_leaves_room),
		cmocka_unit_test(test_as_many_as_may_be),
		cmocka_unit_test(test_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
