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

#include <errno.h>
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
		uint32_t left = greylist_judge(&rows[i].triplet,
		    &rows[i].network, DELAY, NOW);

		if (left != rows[i].left)
			fail_msg("row %zu: %u", i, left);
	}
}

/* Before each test. */
static int
begin(void **state)
{
	char path[100];

	(void)state;
	snprintf(path, sizeof(path), "%s/" GREY_FILE, spool);
	return unlink(path) < 0 && errno != ENOENT ? -1 : 0;
}

static struct grey
open_grey(void)
{
	struct grey g;
	struct fault why;
	bool anew;

	assert_int_equal(grey_make(spool, (uid_t)-1, (gid_t)-1, &anew, &why),
	    0);
	assert_int_equal(grey_open(&g, spool, true, &why), 0);
	return g;
}

static struct grey_tags
tags_of(const struct grey *g, const char *ip, const char *local,
    const char *to)
{
	struct address from = { .local = str_of(local),
	    .domain = STR("b.test") };
	struct address rcpt = { .local = str_of(to), .domain = STR("a.test") };
	struct grey_tags tags;
	struct ip client;

	assert_true(ip_parse(str_of(ip), &client));
	greylist_tags(g, &client, &from, &rcpt, &tags);
	return tags;
}

/* What is asked, at which second, and how long it has to wait. */
static uint32_t
attempt(const struct grey *g, const char *ip, const char *local, uint32_t at)
{
	struct grey_tags tags = tags_of(g, ip, local, "alice");
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
	/* The same name in either form. */
	assert_int_equal(attempt(&g, "192.0.2.1", "jo\u0308rg", 0), 300);
	assert_int_equal(attempt(&g, "192.0.2.1", "J\u00f6rg", 300), 0);
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

/* All of one site, and of a host of its own. */
static struct grey_tags
plain(uint64_t tag)
{
	return (struct grey_tags){ tag, UINT64_MAX - 1, 7, tag };
}

static void
save(const struct grey *g, const struct grey_tags *tags, uint32_t first,
    uint32_t last, uint32_t passes)
{
	struct grey_slot slot = { tags->triplet, first, last, passes };

	assert_true(grey_save(g, tags, &slot));
}

static bool
is_there(const struct grey *g, const struct grey_tags *tags)
{
	struct grey_slot slot, network;

	assert_true(grey_find(g, tags, &slot, &network));
	return slot.tag != 0;
}

/* What has had its time makes room first, whoever has it. */
static void
test_dead_first(void **state)
{
	struct grey g = open_grey();
	struct grey_tags tags;

	(void)state;
	for (uint64_t i = 1; i <= 64; i++) {
		tags = plain(i);
		save(&g, &tags, NOW - (i == 9 ? 3 * DAY : 0), NOW, 0);
	}
	tags = plain(65);
	save(&g, &tags, NOW, NOW, 0);
	for (uint64_t i = 1; i <= 65; i++) {
		tags = plain(i);
		assert_int_equal(is_there(&g, &tags), i != 9);
	}
	grey_close(&g);
	tags = plain(1);
	assert_false(grey_find(&g, &tags, &(struct grey_slot){ 0 },
	    &(struct grey_slot){ 0 }));
}

/* Of one host those that came first stay, so that all of a great sender's mail
 * is not new for ever; what did not come again goes after some hours. */
static void
test_first_stay(void **state)
{
	struct grey g = open_grey();
	struct grey_tags tags = plain(1);
	uint32_t there = 0;

	(void)state;
	for (uint64_t i = 1; i <= 10000; i++) {
		tags.triplet = i;
		save(&g, &tags, NOW + (uint32_t)i / 100, NOW +
		    (uint32_t)i / 100, 0);
	}
	for (uint64_t i = 1; i <= 10000; i++) {
		tags.triplet = i;
		there += is_there(&g, &tags);
		assert_true(i > 63 || is_there(&g, &tags));
	}
	assert_int_equal(there, 64);
	for (uint64_t i = 1; i <= 64; i++) {
		tags.triplet = 20000 + i;
		save(&g, &tags, NOW + DAY / 4, NOW + DAY / 4, 0);
	}
	for (uint64_t i = 1; i <= 64; i++) {
		tags.triplet = 20000 + i;
		assert_true(is_there(&g, &tags));
	}
	grey_close(&g);
}

/* A site that comes again and again, and is passed, has no more of the room for
 * that than its share. */
static void
test_share_of_passed(void **state)
{
	struct grey g = open_grey();
	struct grey_tags honest = { 1, UINT64_MAX, 7, 1 },
	    bad = { 0, UINT64_MAX, 7 | UINT64_C(1) << 32, 2 };

	(void)state;
	save(&g, &honest, NOW, NOW, 0);
	for (uint64_t i = 2; i < 10; i++) {
		honest.triplet = i;
		save(&g, &honest, NOW, NOW, 1);
	}
	for (uint64_t i = 100; i < 1000; i++) {
		bad.triplet = i;
		bad.host = i << 32;
		save(&g, &bad, NOW + 1, NOW + 1, 0);
		save(&g, &bad, NOW + 1, NOW + 1, 1);
	}
	for (uint64_t i = 1; i < 10; i++) {
		honest.triplet = i;
		assert_true(is_there(&g, &honest));
	}
	grey_close(&g);
}

enum { HONEST = 2000, FLOOD = 100000, MANY = 300000 };

struct flood {
	unsigned	networks;	/* or sites, of IPv6 */
	bool		six;
	unsigned	attempts, seconds;
	unsigned	least;		/* of HONEST, who are not harmed */
};

/* The address of the i-th attempt. */
static void
put_flooder(char out[40], unsigned i, const struct flood *f)
{
	unsigned n = i % f->networks, host = i / f->networks;

	if (f->six)
		snprintf(out, 40, "2001:%x:%x:%x::1", n >> 16, n & 0xffff,
		    host & 0xffff);
	else
		snprintf(out, 40, "10.%u.%u.%u", n / 256 % 256, n % 256,
		    host % 254 + 1);
}

static struct grey_tags
flooder(const struct grey *g, unsigned i, const struct flood *f)
{
	char ip[40], name[20];

	put_flooder(ip, i, f);
	snprintf(name, sizeof(name), "f%u", i);
	return tags_of(g, ip, name, "alice");
}

static struct grey_tags
honest(const struct grey *g, unsigned i)
{
	char ip[40], name[20];

	snprintf(ip, sizeof(ip), "172.%u.%u.9", 16 + i / 256, i % 256);
	snprintf(name, sizeof(name), "h%u", i);
	return tags_of(g, ip, name, "alice");
}

/* How many who come now and then during the flood are found when they come again
 * after the delay. */
static unsigned
survive(const struct flood *f)
{
	struct grey g = open_grey();
	unsigned found = 0, next = 0, again = 0, now = NOW;
	struct grey_tags tags;

	for (unsigned i = 0; now < NOW + f->seconds + DELAY; i++) {
		/* After the flood, a second a step. */
		if (i < f->attempts)
			now = NOW + (unsigned)((uint64_t)i * f->seconds /
			    f->attempts);
		else
			now++;
		while (next < HONEST && NOW + next * f->seconds / HONEST <=
		    now) {
			tags = honest(&g, next++);
			greylist_note(&g, &tags, DELAY, now);
		}
		while (again < next && NOW + again * f->seconds / HONEST +
		    DELAY <= now) {
			tags = honest(&g, again++);
			found += greylist_ask(&g, &tags, DELAY, now) == 0;
		}
		tags = flooder(&g, i, f);
		if (i < f->attempts)
			greylist_note(&g, &tags, DELAY, now);
	}
	assert_int_equal(again, HONEST);
	grey_close(&g);
	return found;
}

/* A flood of made-up attempts costs those who have nothing to do with it
 * nothing, whether it comes from one network or from very many.  There is room
 * for 131072; as long as fewer networks come in the time of the delay, hardly
 * anybody is lost. */
static void
test_flood(void **state)
{
	static const struct flood floods[] = {
		{ 1, false, FLOOD, 300, HONEST },
		{ 1, true, FLOOD, 300, HONEST },
		{ 256, false, FLOOD, 300, HONEST },
		{ 20000, true, FLOOD, 300, HONEST },
		{ MANY, true, MANY, 900, HONEST * 9 / 10 },
	};

	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		unsigned found = survive(&floods[i]);

		assert_int_equal(begin(state), 0);
		if (found < floods[i].least)
			fail_msg("%u networks: %u", floods[i].networks, found);
		print_message("%u networks: %u of %d\n", floods[i].networks,
		    found, HONEST);
	}
}

/* Nor do they lose whose neighbour in the same network floods. */
static void
test_neighbour(void **state)
{
	struct grey g = open_grey();
	char name[20];

	(void)state;
	assert_int_equal(attempt(&g, "192.0.2.1", "joe", 0), 300);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		attempt(&g, "192.0.2.2", name, 1);
	}
	assert_int_equal(attempt(&g, "192.0.2.3", "jim", 2), 300);
	assert_int_equal(attempt(&g, "192.0.2.1", "joe", 300), 0);
	assert_int_equal(attempt(&g, "192.0.2.3", "jim", 302), 0);
	grey_close(&g);
}

/* What is no such file is made anew; what is one stays. */
static void
test_make(void **state)
{
	struct grey g = open_grey(), other;
	struct grey_tags tags = plain(77);
	struct fault why;
	char path[100];
	bool anew;
	int fd;

	(void)state;
	save(&g, &tags, NOW, NOW, 0);
	other = open_grey();
	assert_true(is_there(&other, &tags));
	assert_int_equal(g.key[0], other.key[0]);
	grey_close(&g);
	grey_close(&other);
	snprintf(path, sizeof(path), "%s/" GREY_FILE, spool);
	assert_int_equal(grey_make(spool, (uid_t)-1, (gid_t)-1, &anew, &why),
	    0);
	assert_false(anew);
	/* That of another version is as long. */
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "godwit greylist", 16, 0), 16);
	close(fd);
	assert_int_equal(grey_open(&g, spool, false, &why), -1);
	assert_int_equal(g.fd, -1);
	assert_int_equal(grey_make(spool, (uid_t)-1, (gid_t)-1, &anew, &why),
	    0);
	assert_true(anew);
	g = open_grey();
	assert_false(is_there(&g, &tags));
	grey_close(&g);
	unlink(path);
	assert_int_equal(grey_open(&g, spool, false, &why), -1);
	assert_int_equal(grey_make(spool, (uid_t)-1, (gid_t)-1, &anew, &why),
	    0);
	assert_false(anew);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(grey_make(spool, (uid_t)-1, (gid_t)-1, &anew, &why),
	    -1);
	unlink(path);
}

/* What cannot be written down makes nobody wait, in no process, until it is made
 * anew; what cannot be read, neither. */
static void
test_spoilt(void **state)
{
	struct grey g = open_grey(), reader;
	struct grey_tags tags = tags_of(&g, "192.0.2.1", "joe", "alice");
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

/* Without room for all of it there is none, and nobody waits; once there is
 * room, it is made. */
static void
test_no_room(void **state)
{
	struct rlimit before, small;
	struct grey g;
	struct fault why;
	bool anew;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 1 << 20;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(grey_make(spool, (uid_t)-1, (gid_t)-1, &anew, &why),
	    -1);
	assert_int_equal(grey_open(&g, spool, false, &why), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	g = open_grey();
	grey_close(&g);
}

enum { WRITERS = 2, STEPS = 4000 };

/* All in one bucket. */
static struct grey_tags
tag_of(unsigned i, unsigned who)
{
	return plain((uint64_t)(i * WRITERS + who + 1) << 32);
}

static _Noreturn void
write_much(unsigned who)
{
	struct grey g = open_grey();

	for (uint32_t i = 0; i < STEPS; i++) {
		struct grey_tags tags = tag_of(i % 3, who);
		struct grey_slot slot = { tags.triplet, NOW + i, NOW + i,
		    who };

		if (!grey_save(&g, &tags, &slot))
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
			struct grey_slot slot = { 0 }, network;
			struct grey_tags tags = tag_of(i / WRITERS,
			    i % WRITERS);

			assert_true(grey_find(&g, &tags, &slot, &network));
			if (slot.tag == 0)
				continue;
			assert_int_equal(slot.tag, tags.triplet);
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
	return begin(state) < 0 ? -1 : rmdir(spool);
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
#define FRESH(test)	cmocka_unit_test_setup(test, begin)
	const struct CMUnitTest tests[] = {
		FRESH(test_rows),
		FRESH(test_story),
		FRESH(test_dead_first),
		FRESH(test_first_stay),
		FRESH(test_share_of_passed),
		FRESH(test_flood),
		FRESH(test_neighbour),
		FRESH(test_spoilt),
		FRESH(test_no_room),
		FRESH(test_two_writers),
		FRESH(test_make),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
