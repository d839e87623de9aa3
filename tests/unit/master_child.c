/* SPDX-License-Identifier: ISC */
/*
 * master/child: the seat of each process, against a plain table; numbers as the
 * kernel gives them, and numbers that all want the same slot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <string.h>
#include <unistd.h>

#include "master/child.h"
#include "os/pane.h"

enum {
	PROCESSES = 300,
	OPERATIONS = 20000,
};

static const struct ip nobody;

static struct budget_seat
seat_of(unsigned i)
{
	return (struct budget_seat){ .at = { i + 1, i + 2, 0 },
	    .rank = i % 2 == 0 ? RANK_CALLER : RANK_OURS };
}

/* Adds and removes at random; pid_of gives each process its number. */
static void
compare(pid_t (*pid_of)(unsigned))
{
	bool alive[PROCESSES] = { false }, used[PROCESSES] = { false };
	uint32_t number[PROCESSES];
	struct budget_seat seat, want;
	struct children c;
	uint32_t seed = 1;
	unsigned n = 0;

	children_init(&c, PROCESSES, NULL, 1);
	for (int k = 0; k < OPERATIONS; k++) {
		unsigned i;

		seed = seed * 1664525 + 1013904223;
		i = (seed >> 8) % PROCESSES;
		want = seat_of(i);
		if (!alive[i]) {
			uint32_t next = children_next(&c);

			assert_true(next < PROCESSES && !used[next]);
			used[number[i] = next] = true;
			assert_false(children_remove(&c, pid_of(i), &seat));
			assert_null(children_find(&c, pid_of(i)));
			children_add(&c, pid_of(i), &nobody, &want, 0);
			n++;
		} else {
			memset(&seat, 0, sizeof(seat));
			assert_memory_equal(children_find(&c, pid_of(i))->seat.at,
			    want.at, sizeof(want.at));
			assert_true(children_remove(&c, pid_of(i), &seat));
			used[number[i]] = false;
			assert_memory_equal(seat.at, want.at, sizeof(seat.at));
			assert_int_equal(seat.rank, want.rank);
			n--;
		}
		alive[i] = !alive[i];
		assert_int_equal(c.n, n);
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		assert_int_equal(children_remove(&c, pid_of(i), &seat),
		    alive[i]);
	assert_int_equal(c.n, 0);
	children_free(&c);
}

static pid_t
in_a_row(unsigned i)
{
	return (pid_t)(i + 4194304 - PROCESSES);
}

static pid_t
far_apart(unsigned i)
{
	return (pid_t)(i * 7919 + 1);
}

/* Multiples of a large power of two are not scattered well. */
static pid_t
crowded(unsigned i)
{
	return (pid_t)((i + 1) << 22);
}

static void
test_model(void **state)
{
	(void)state;
	compare(in_a_row);
	compare(far_apart);
	compare(crowded);
}

static void
test_full(void **state)
{
	struct budget_seat seat = seat_of(1);
	struct children c;

	(void)state;
	for (size_t max = 1; max < 10; max++) {
		children_init(&c, max, NULL, 1);
		assert_false(children_remove(&c, 1, &seat));
		for (size_t i = 0; i < max; i++)
			children_add(&c, (pid_t)(100 + i), &nobody,
			    &seat, 0);
		assert_int_equal(c.n, c.max);
		assert_false(children_remove(&c, 99, &seat));
		for (size_t i = 0; i < max; i++)
			assert_true(children_remove(&c, (pid_t)(100 + i),
			    &seat));
		assert_false(children_remove(&c, 100, &seat));
		children_free(&c);
	}
}

/* A session that was broken into finds nothing of this. */
static void
test_no_child_has_it(void **state)
{
	struct children c;
	int status;
	pid_t pid;

	(void)state;
	children_init(&c, PROCESSES, NULL, 1);
	pid = fork();
	if (pid == 0) {
		/* Asks the kernel: a write from an address that is not there
		 * fails. */
		int fd[2];

		_exit(pipe(fd) == 0 && write(fd[1], c.table, 1) == -1 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	children_free(&c);
}

static struct ip
ip_of(unsigned i)
{
	return ip_of_bytes((const uint8_t[]){ 192, 0, (uint8_t)(i >> 8),
	    (uint8_t)i }, 4);
}

static bool
ask(const void *room, pid_t pid, struct child *child, uint64_t *serial)
{
	struct child_sight seen;

	children_ask(room, pid, &seen);
	*child = seen.child;
	*serial = seen.serial;
	return seen.found;
}

/* What another process reads of one's children, and of his predecessor's. */
static void
test_asked(void **state)
{
	struct budget_seat seat = { .at = { 0 } };
	struct ip ip, proxied = ip_of(7);
	struct children c, next;
	struct child child;
	struct fault why;
	uint64_t serial = 0;
	int fd = pane_file(CHILDREN_ROOM, &why);
	void *room = pane_look(fd, CHILDREN_ROOM, true);
	const void *seen = pane_look(fd, CHILDREN_ROOM, false);

	(void)state;
	assert_false(ask(seen, 100, &child, &serial));
	children_init(&c, PROCESSES, room, 3);
	for (unsigned i = 0; i < PROCESSES; i++) {
		ip = ip_of(i);
		children_add(&c, crowded(i), &ip, &seat, 0);
	}
	children_tell(&c, crowded(5), &proxied, false);
	assert_true(children_remove(&c, crowded(6), &seat));
	for (unsigned i = 0; i < PROCESSES; i++) {
		ip = i == 5 ? proxied : ip_of(i);
		if (i == 6) {
			assert_false(ask(seen, crowded(i), &child,
			    &serial));
			continue;
		}
		assert_true(ask(seen, crowded(i), &child, &serial));
		assert_int_equal(serial, 3);
		assert_true(ip_eq(&child.ip, &ip));
		assert_int_equal(child.told, i == 5);
	}
	assert_false(ask(seen, 0, &child, &serial));
	assert_false(ask(seen, -1, &child, &serial));
	/* In the middle of a change: not now. */
	c.shown->turn++;
	assert_false(ask(seen, crowded(5), &child, &serial));
	children_init(&next, 2, room, 4);
	assert_false(ask(seen, crowded(5), &child, &serial));
	children_add(&next, 9, &proxied, &seat, 0);
	/* The one who was there before has lost it, and goes on without. */
	assert_true(children_remove(&c, crowded(7), &seat));
	children_add(&c, 10, &proxied, &seat, 0);
	children_tell(&c, crowded(8), &proxied, false);
	assert_non_null(children_find(&c, crowded(9)));
	assert_int_equal(c.n, PROCESSES - 1);
	assert_true(ask(seen, 9, &child, &serial));
	assert_int_equal(serial, 4);
	assert_false(ask(seen, 10, &child, &serial));
	assert_false(ask(seen, crowded(8), &child, &serial));
	children_free(&c);
	children_free(&next);
	close(fd);
}

/* While they change: what is read is one that was there. */
static void
test_asked_meanwhile(void **state)
{
	struct budget_seat seat = { .at = { 0 } };
	struct children c;
	struct child child;
	struct fault why;
	uint64_t serial;
	int fd = pane_file(CHILDREN_ROOM, &why), status;
	void *room = pane_look(fd, CHILDREN_ROOM, true);
	const void *seen;
	struct ip ip;
	pid_t pid;

	(void)state;
	children_init(&c, PROCESSES, room, 1);
	if ((pid = fork()) == 0) {
		room = pane_look(fd, CHILDREN_ROOM, true);
		children_init(&c, PROCESSES, room, 1);
		for (unsigned n = 0; n < 200000; n++) {
			unsigned i = n % 64;

			ip = ip_of(i);
			children_add(&c, crowded(i), &ip, &seat, 0);
			if (n >= 20)
				(void)children_remove(&c,
				    crowded((n - 20) % 64), &seat);
		}
		_exit(0);
	}
	seen = pane_look(fd, CHILDREN_ROOM, false);
	for (unsigned n = 0; waitpid(pid, &status, WNOHANG) == 0; n++) {
		unsigned i = n % 64;

		if (!ask(seen, crowded(i), &child, &serial))
			continue;
		ip = ip_of(i);
		assert_int_equal(child.pid, crowded(i));
		assert_true(ip_eq(&child.ip, &ip));
	}
	assert_int_equal(status, 0);
	assert_true(ask(seen, crowded(199999 % 64), &child, &serial));
	children_free(&c);
	close(fd);
}

/* One master after the other takes the room while the one before is busy in it;
 * whatever that one is in the middle of ends nothing of the next one's. */
static void
test_ousted_in_a_change(void **state)
{
	enum { TURNS = 200 };
	struct budget_seat seat = { .at = { 0 } };
	struct ip ip = ip_of(7);
	struct children c, next;
	struct child child;
	struct fault why;
	uint64_t serial = 0;
	int fd = pane_file(CHILDREN_ROOM, &why), ready[2], status;
	void *room = pane_look(fd, CHILDREN_ROOM, true);
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	for (unsigned i = 1; i < 2 * TURNS; i += 2) {
		if ((pid = fork()) == 0) {
			room = pane_look(fd, CHILDREN_ROOM, true);
			children_init(&c, 2, room, i);
			(void)!write(ready[1], "x", 1);
			while (c.shown != NULL) {
				children_add(&c, 100, &ip, &seat, 0);
				(void)children_remove(&c, 100, &seat);
			}
			_exit(0);
		}
		assert_int_equal(read(ready[0], &byte, 1), 1);
		children_init(&next, 2, room, i + 1);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		children_add(&next, 9, &ip, &seat, 0);
		assert_true(ask(room, 9, &child, &serial));
		assert_int_equal(serial, i + 1);
		children_free(&next);
	}
	close(ready[0]);
	close(ready[1]);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_no_child_has_it),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_asked_meanwhile),
		cmocka_unit_test(test_ousted_in_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
