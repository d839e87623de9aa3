/* SPDX-License-Identifier: ISC */
/*
 * deliver/job: a job with its entry goes out whole, and what comes back from a
 * worker is checked before it is believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "deliver/job.h"
#include "os/sock.h"

#define NAME	"01ARZ3NDEKTSV4RRFF-b1"

static int fd[2];

static int
open_pair(void **state)
{
	struct fault why;

	(void)state;
	return sock_pair(SOCK_SEQPACKET, fd, &why);
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
test_job(void **state)
{
	struct job in = { .name = NAME, .sole = true, .again = true }, out;
	int entry;
	char c = 0;
	int pipe_ends[2];

	(void)state;
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
	for (in.n = 1; in.n <= JOB_RECIPIENTS_MAX; in.n++) {
		in.index[in.n - 1] = 100000 - in.n;
		in.sole = !in.sole;
		assert_int_equal(job_send(fd[0], &in, pipe_ends[1]), 0);
		memset(&out, 0xff, sizeof(out));
		assert_int_equal(job_receive(fd[1], &out, &entry), 1);
		assert_string_equal(out.name, in.name);
		assert_int_equal(out.sole, in.sole);
		assert_int_equal(out.again, in.again);
		assert_int_equal(out.n, in.n);
		assert_memory_equal(out.index, in.index,
		    in.n * sizeof(in.index[0]));
		assert_true((fcntl(entry, F_GETFD) & FD_CLOEXEC) != 0);
		assert_int_equal(write(entry, "x", 1), 1);
		assert_int_equal(read(pipe_ends[0], &c, 1), 1);
		close(entry);
	}
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static void
test_job_ends(void **state)
{
	struct job j = { .name = NAME, .n = 1 };
	int entry;

	(void)state;
	close(fd[0]);
	assert_int_equal(job_receive(fd[1], &j, &entry), 0);
	/* The other has gone: an error, no signal. */
	assert_int_equal(job_send(fd[1], &j, 0), -1);
	assert_int_equal(errno, EPIPE);
	fd[0] = dup(fd[1]);
}

static struct done
make_done(uint32_t n)
{
	struct done d = { .name = NAME, .unmarked = true, .n = n };

	for (uint32_t i = 0; i < n && i < JOB_RECIPIENTS_MAX; i++) {
		d.recipient[i].index = 7 * i;
		d.recipient[i].kind = (enum outcome_kind)(i % 4);
		d.recipient[i].next = 1790000000 + i;
	}
	return d;
}

static size_t
length(uint32_t n)
{
	struct done *d = NULL;

	return offsetof(struct done, recipient) + n * sizeof(d->recipient[0]);
}

static void
test_done(void **state)
{
	struct done in, out;

	(void)state;
	for (uint32_t n = 0; n <= JOB_RECIPIENTS_MAX; n++) {
		in = make_done(n);
		in.dead = n % 2 == 0;
		in.damaged = n % 3 == 0;
		assert_int_equal(done_send(fd[0], &in), 0);
		memset(&out, 0xff, sizeof(out));
		assert_int_equal(done_receive(fd[1], &out), 1);
		assert_string_equal(out.name, NAME);
		assert_true(out.unmarked);
		assert_int_equal(out.dead, in.dead);
		assert_int_equal(out.damaged, in.damaged);
		assert_int_equal(out.n, n);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(out.recipient[i].index, 7 * i);
			assert_int_equal(out.recipient[i].kind, i % 4);
			assert_int_equal(out.recipient[i].next,
			    1790000000 + i);
		}
	}
}

static int
offer(const struct done *d, size_t n)
{
	struct done out;

	assert_int_equal(send(fd[0], d, n, 0), n);
	return done_receive(fd[1], &out);
}

static void
test_done_lengths(void **state)
{
	struct done d = make_done(3);

	(void)state;
	for (size_t n = 1; n <= length(5); n++)
		assert_int_equal(offer(&d, n), n == length(3));
	d = make_done(JOB_RECIPIENTS_MAX);
	for (uint32_t n = JOB_RECIPIENTS_MAX - 1; n < 1000; n++) {
		d.n = n;
		assert_int_equal(offer(&d, sizeof(d)),
		    n == JOB_RECIPIENTS_MAX);
	}
	d.n = UINT32_MAX;
	assert_int_equal(offer(&d, sizeof(d)), 0);
	d.n = UINT32_MAX / sizeof(d.recipient[0]) + 2;
	assert_int_equal(offer(&d, sizeof(d)), 0);
}

/* An outcome that is none would pass for "nothing left to do". */
static void
test_done_kinds(void **state)
{
	struct done d = make_done(2);

	(void)state;
	for (unsigned kind = 0; kind < 300; kind++) {
		memcpy(&d.recipient[1].kind, &kind, sizeof(kind));
		assert_int_equal(offer(&d, length(2)), kind < 4);
	}
}

static void
test_done_name(void **state)
{
	struct done d = make_done(1), out;

	(void)state;
	memset(d.name, 'A', sizeof(d.name));
	assert_int_equal(send(fd[0], &d, length(1), 0), length(1));
	assert_int_equal(done_receive(fd[1], &out), 1);
	assert_int_equal(strlen(out.name), SPOOL_NAME_MAX - 1);
}

static void
test_done_nothing(void **state)
{
	struct done out;

	(void)state;
	assert_int_equal(done_receive(fd[1], &out), 0);
	assert_int_equal(send(fd[0], "", 0, 0), 0);
	assert_int_equal(done_receive(fd[1], &out), 0);
	close(fd[0]);
	assert_int_equal(done_receive(fd[1], &out), 0);
	fd[0] = dup(fd[1]);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, open_pair, close_pair)
	const struct CMUnitTest tests[] = {
		WITH(test_job),
		WITH(test_job_ends),
		WITH(test_done),
		WITH(test_done_lengths),
		WITH(test_done_kinds),
		WITH(test_done_name),
		WITH(test_done_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
