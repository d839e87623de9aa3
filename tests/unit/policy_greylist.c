/* SPDX-License-Identifier: ISC */
/*
 * policy/greylist on a clock of our own, and spool/grey, the file in which it
 * lies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/greylist.h"

#define NOW	1700000000u
#define DELAY	300u
#define DAY	86400u

static char spool[] = "/tmp/grey-XXXXXX";

static const struct {
	struct grey_slot triplet, network;	/* tag 0: there is none */
	uint32_t	 left;
} rows[] = {
	{ { 0 }, { 0 }, DELAY },
	{ { 1, NOW, NOW, 0 }, { 0 }, DELAY },
	{ { 1, NOW - 1, NOW, 0 }, { 0 }, DELAY - 1 },
	{ { 1, NOW - 299, NOW, 0 }, { 0 }, 1 },
	{ { 1, NOW - 300, NOW, 0 }, { 0 }, 0 },
	{ { 1, NOW - 2 * DAY + 1, NOW, 0 }, { 0 }, 0 },
	{ { 1, NOW - 2 * DAY, NOW, 0 }, { 0 }, DELAY },	/* forgotten */
	{ { 1, NOW - 2 * DAY, NOW - 10, 1 }, { 0 }, 0 },
	{ { 1, NOW - 90 * DAY, NOW - 36 * DAY + 1, 1 }, { 0 }, 0 },
	{ { 1, NOW - 90 * DAY, NOW - 36 * DAY, 1 }, { 0 }, DELAY },
	/* The clock was set back: a little, and much. */
	{ { 1, NOW + 200, NOW + 200, 0 }, { 0 }, DELAY },
	{ { 1, NOW + 200, NOW + 200, 1 }, { 0 }, 0 },
	{ { 1, NOW + DAY, NOW + DAY, 1 }, { 0 }, DELAY },
	{ { 0 }, { 2, NOW - DAY, NOW - 10, 4 }, DELAY },
	{ { 0 }, { 2, NOW - DAY, NOW - 10, 5 }, 0 },
	{ { 0 }, { 2, NOW - 90 * DAY, NOW - 36 * DAY, 99 }, DELAY },
	{ { 0 }, { 2, NOW + DAY, NOW + DAY, 99 }, DELAY },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t left = greylist_judge(
		    rows[i].triplet.tag != 0 ? &rows[i].triplet : NULL,
		    rows[i].network.tag != 0 ? &rows[i].network : NULL,
		    DELAY, NOW);

		if (left != rows[i].left)
			fail_msg("row %zu: %u", i, left);
	}
}

static struct grey
open_grey(void)
{
	struct grey g;
	struct fault why;

	assert_int_equal(grey_make(spool, (uid_t)-1, (gid_t)-1, &why), 0);
	assert_int_equal(grey_open(&g, spool, true, &why), 0);
	return g;
}

static struct greylist_tags
tags_of(const struct grey *g, const char *ip, const char *local,
    const char *to)
{
	struct address from = { .local = str_of(local),
	    .domain = STR("b.test") };
	struct address rcpt = { .local = str_of(to), .domain = STR("a.test") };
	struct greylist_tags tags;
	struct ip client;

	assert_true(ip_parse(str_of(ip), &client));
	greylist_tags(g, &client, &from, &rcpt, &tags);
	return tags;
}

/* What is asked, at which second, and how long it has to wait. */
static uint32_t
attempt(const struct grey *g, const char *ip, const char *local, uint32_t at)
{
	struct greylist_tags tags = tags_of(g, ip, local, "alice");
	uint32_t left = greylist_ask(g, &tags, DELAY, NOW + at);

	greylist_note(g, &tags, DELAY, NOW + at);
	return left;
}

static void
test_story(void **state)
{
	struct grey g = open_grey();
	static const char *const five[] = { "a", "b", "c", "d", "e" };

	(void)state;
	assert_int_equal(attempt(&g, "192.0.2.1", "joe", 0), 300);
	assert_int_equal(attempt(&g, "192.0.2.1", "joe", 100), 200);
	assert_int_equal(attempt(&g, "192.0.2.1", "jim", 200), 300);
	assert_int_equal(attempt(&g, "192.0.3.1", "joe", 300), 300);
	/* Any host of the network, and any number of a list. */
	assert_int_equal(attempt(&g, "192.0.2.77", "JOE+17", 300), 0);
	assert_int_equal(attempt(&g, "192.0.2.1", "joe=x", 301), 0);
	assert_int_equal(attempt(&g, "192.0.2.1", "joe", 30 * DAY), 0);
	assert_int_equal(attempt(&g, "192.0.2.1", "joe", 60 * DAY), 0);
	assert_int_equal(attempt(&g, "192.0.2.1", "joe", 96 * DAY), 300);
	/* Five that came again, and the sixth need not. */
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(attempt(&g, "2001:db8::1", five[i], 0), 300);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(attempt(&g, "2001:db8::2", "new", 400 + i),
		    i == 0 ? 300 : 300 - i);
		assert_int_equal(attempt(&g, "2001:db8::3", five[i], 500), 0);
	}
	assert_int_equal(attempt(&g, "2001:db8::2", "other", 600), 0);
	assert_int_equal(attempt(&g, "2001:db8:0:1::2", "other", 600), 300);
	grey_close(&g);
}

/* The file fills up: what was passed stays, and nothing is read outside. */
static void
test_full(void **state)
{
	struct grey g = open_grey();
	struct grey_slot slot, kept = { 1u << 20, NOW, NOW, 1 };

	(void)state;
	assert_true(grey_save(&g, &kept));
	for (uint64_t i = 2; i < 10; i++) {
		slot = (struct grey_slot){ i << 20, NOW, NOW + (uint32_t)i,
		    0 };
		grey_save(&g, &slot);
		assert_int_equal(grey_find(&g, i << 20, &slot), 1);
	}
	assert_int_equal(grey_find(&g, 1u << 20, &slot), 1);
	assert_int_equal(slot.last, kept.last);
	assert_int_equal(slot.passes, 1);
	assert_int_equal(grey_find(&g, 2u << 20, &slot), 0);
	for (uint64_t i = 0; i < 20; i++) {
		slot = (struct grey_slot){ UINT64_MAX - i, NOW, NOW, 0 };
		grey_save(&g, &slot);
		assert_int_equal(grey_find(&g, UINT64_MAX - i, &slot), 1);
	}
	grey_close(&g);
	assert_int_equal(grey_find(&g, 1u << 20, &slot), -1);
}

/* What is no such file is made anew; what is one stays. */
static void
test_make(void **state)
{
	struct grey g = open_grey(), other;
	struct grey_slot slot = { 77, NOW, NOW, 0 };
	struct fault why;
	char path[100];
	int fd;

	(void)state;
	grey_save(&g, &slot);
	other = open_grey();
	assert_int_equal(grey_find(&other, 77, &slot), 1);
	assert_int_equal(g.key[0], other.key[0]);
	grey_close(&g);
	grey_close(&other);
	snprintf(path, sizeof(path), "%s/" GREY_FILE, spool);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	close(fd);
	assert_int_equal(grey_open(&g, spool, false, &why), -1);
	assert_int_equal(g.fd, -1);
	g = open_grey();
	assert_int_equal(grey_find(&g, 77, &slot), 0);
	grey_close(&g);
	unlink(path);
	assert_int_equal(grey_open(&g, spool, false, &why), -1);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(grey_make(spool, (uid_t)-1, (gid_t)-1, &why), -1);
	unlink(path);
}

/* What cannot be written down makes nobody wait, in no process, until it is made
 * anew; what cannot be read, neither. */
static void
test_spoilt(void **state)
{
	struct grey g = open_grey(), reader;
	struct greylist_tags tags = tags_of(&g, "192.0.2.1", "joe", "alice");
	struct fault why;
	struct stat st;

	(void)state;
	assert_int_equal(fstat(g.fd, &st), 0);
	assert_true(st.st_blocks * 512 >= st.st_size);
	assert_int_equal(grey_open(&reader, spool, false, &why), 0);
	assert_int_equal(greylist_ask(&reader, &tags, DELAY, NOW), DELAY);
	/* The reader cannot write. */
	assert_false(greylist_note(&reader, &tags, DELAY, NOW));
	grey_spoil(&g);
	assert_int_equal(g.fd, -1);
	assert_int_equal(greylist_ask(&g, &tags, DELAY, NOW), 0);
	assert_int_equal(greylist_ask(&reader, &tags, DELAY, NOW), 0);
	assert_int_equal(grey_open(&g, spool, true, &why), -1);
	g = open_grey();
	assert_int_equal(greylist_ask(&g, &tags, DELAY, NOW), DELAY);
	assert_true(greylist_note(&g, &tags, DELAY, NOW));
	assert_int_equal(greylist_ask(&g, &tags, DELAY, NOW + DELAY), 0);
	grey_close(&g);
	grey_close(&reader);
}

static int
truncate_file(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/" GREY_FILE, spool);
	return truncate(path, 0);
}

/* Without room for all of it there is none, and nobody waits; once there is
 * room, it is made. */
static void
test_no_room(void **state)
{
	struct rlimit before, small;
	struct grey g;
	struct fault why;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 1 << 20;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(truncate_file(), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(grey_make(spool, (uid_t)-1, (gid_t)-1, &why), -1);
	assert_int_equal(grey_open(&g, spool, false, &why), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	g = open_grey();
	grey_close(&g);
}

enum { WRITERS = 2, STEPS = 4000 };

/* All in one bucket. */
static uint64_t
tag_of(unsigned i, unsigned who)
{
	return (uint64_t)(i * WRITERS + who + 1) << 32;
}

static _Noreturn void
write_much(unsigned who)
{
	struct grey g = open_grey();

	for (uint32_t i = 0; i < STEPS; i++) {
		struct grey_slot slot = { tag_of(i % 3, who), NOW + i,
		    NOW + i, who };

		if (!grey_save(&g, &slot))
			_exit(1);
	}
	_exit(0);
}

/* Two that write in the same bucket, which may be while one generation takes
 * over from another, and one is killed: who reads meanwhile finds only what was
 * written, and the file is as long as ever. */
static void
test_two_writers(void **state)
{
	struct grey g = open_grey();
	pid_t pid[WRITERS];
	int status, left = WRITERS;

	(void)state;
	for (unsigned i = 0; i < WRITERS; i++)
		if ((pid[i] = fork()) == 0)
			write_much(i);
	for (unsigned round = 0; left > 0; round++) {
		for (unsigned i = 0; i < 3 * WRITERS; i++) {
			struct grey_slot slot = { 0 };
			uint64_t tag = tag_of(i / WRITERS, i % WRITERS);

			if (grey_find(&g, tag, &slot) != 1)
				continue;
			assert_int_equal(slot.tag, tag);
			assert_in_range(slot.first, NOW, NOW + STEPS);
			assert_in_range(slot.last, NOW, NOW + STEPS);
			assert_in_range(slot.passes, 0, WRITERS - 1);
		}
		if (round == 50)
			(void)kill(pid[0], SIGKILL);
		while (left > 0 && waitpid(-1, &status, WNOHANG) > 0)
			left--;
	}
	grey_close(&g);
	g = open_grey();
	grey_close(&g);
}

static int
clean(void **state)
{
	(void)state;
	return rmdir(spool);
}

static int
make(void **state)
{
	(void)state;
	return mkdtemp(spool) == NULL ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_story),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_two_writers),
		cmocka_unit_test(test_make),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
