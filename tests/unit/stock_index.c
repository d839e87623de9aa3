/* SPDX-License-Identifier: ISC */
/*
 * stock/index: what was written is read, in this boot or the next, however the
 * clock has jumped meanwhile; and a file that is not whole counts as none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_spool.h"
#include "os/clock.h"
#include "os/crc.h"
#include "stock/index.h"

#define ID	"01ARZ3NDEKTSV4RRFF"
#define FILE_OF_ID	"index/ef"

enum {
	MOST = 5000,
	HEAD = 32,
	RECORD = 16,
	WALL_AT = 16,
	CRC_AT = 24,
};

struct world {
	struct fake_spool	f;
	struct dormant		d, back;
	unsigned		shard;		/* of ID */
	int64_t			start;		/* boot clock, seconds */
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	uint8_t packed[PACK_SIZE];

	fake_spool_open(&w->f);
	dormant_init(&w->d);
	dormant_init(&w->back);
	assert_true(pack_name(ID, packed));
	w->shard = pack_shard(packed);
	w->start = clock_boot_ms() / 1000;
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	dormant_clear(&w->d);
	dormant_clear(&w->back);
	fake_spool_close(&w->f);
	free(w);
	return 0;
}

static uint32_t
boot(int64_t later)
{
	return (uint32_t)(clock_boot_ms() / 1000 + later);
}

static void
save(struct world *w)
{
	struct fault why;

	if (index_save(&w->f.spool, &w->d, w->shard, &why) < 0)
		fail_msg("%s", why.text);
}

static int
load(struct world *w)
{
	struct fault why;

	dormant_clear(&w->back);
	return index_load(&w->f.spool, &w->back, w->shard, MOST, &why);
}

static struct buf
bytes(struct world *w)
{
	struct buf b = { 0 };
	struct fault why;

	if (file_load(w->f.spool.root, FILE_OF_ID, 1 << 20, &b, &why) < 0)
		fail_msg("%s", why.text);
	return b;
}

static void
put(struct world *w, const void *p, size_t n)
{
	struct fault why;

	if (file_save(w->f.spool.root, FILE_OF_ID, str_span(p, n), 0600,
	    &why) < 0)
		fail_msg("%s", why.text);
}

/* As somebody would write it who can count. */
static void
seal(struct buf *b)
{
	uint32_t crc = crc32c(crc32c(0, b->p, CRC_AT), b->p + CRC_AT + 4,
	    b->n - CRC_AT - 4);

	for (int i = 0; i < 4; i++)
		b->p[CRC_AT + i] = (char)(crc >> (8 * i));
}

/*
 * So many seconds after the start of the test, or after now, which may be later
 * by what the disk took; either clock may have been cut to a second.
 */
static void
assert_due(struct world *w, const char *name, int64_t later)
{
	int64_t due = dormant_find(&w->back, name);
	int64_t least = w->start + later - 2, most = boot(later) + 2;

	if (due < least || due > most)
		fail_msg("%s: due %lld, not %lld to %lld", name, (long long)due,
		    (long long)least, (long long)most);
}

static void
test_there_and_back(void **state)
{
	struct world *w = *state;

	assert_int_equal(load(w), 0);
	assert_int_equal(w->back.n, 0);
	save(w);
	assert_int_equal(load(w), 0);
	assert_int_equal(w->back.n, 0);
	dormant_put(&w->d, ID, boot(100));
	dormant_put(&w->d, ID "-b1", boot(200));
	dormant_put(&w->d, ID "-b2", DORMANT_NOW);
	dormant_put(&w->d, ID "-b3", boot(MOST + 1000));
	/* Of another directory. */
	dormant_put(&w->d, "01ARZ3NDEKTSV4RRFG", boot(100));
	save(w);
	assert_int_equal(load(w), 0);
	assert_int_equal(w->back.n, 3);
	assert_due(w, ID, 100);
	assert_due(w, ID "-b1", 200);
	assert_due(w, ID "-b3", MOST);
	assert_int_equal(w->back.shard[w->shard].news, 0);
	/* A shorter one in its place. */
	assert_true(dormant_remove(&w->d, ID "-b1"));
	save(w);
	assert_int_equal(load(w), 0);
	assert_int_equal(w->back.n, 2);
	assert_int_equal(dormant_find(&w->back, ID "-b1"), 0);
	index_drop(&w->f.spool, w->shard);
	assert_false(fake_exists(&w->f, FILE_OF_ID));
	assert_int_equal(load(w), 0);
	assert_int_equal(w->back.n, 0);
	save(w);
	index_drop_all(&w->f.spool);
	assert_false(fake_exists(&w->f, FILE_OF_ID));
}

/* Written when the clock showed something else. */
static void
test_clock(void **state)
{
	static const struct {
		int64_t	jump;		/* of the clock, since then */
		int64_t	left;		/* of 100 seconds; 0: it is due */
	} rows[] = {
		{ 0, 100 }, { 40, 60 }, { 80, 20 }, { 101, 0 },
		{ 86400, 0 }, { 400 * 86400, 0 }, { -40, 140 },
		{ -86400, MOST }, { -400 * 86400, MOST },
	};
	struct world *w = *state;

	dormant_put(&w->d, ID, boot(100));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t wall = (uint64_t)(clock_wall() - rows[i].jump);
		struct buf b;

		save(w);
		b = bytes(w);
		for (int k = 0; k < 8; k++)
			b.p[WALL_AT + k] = (char)(wall >> (8 * k));
		seal(&b);
		put(w, b.p, b.n);
		buf_free(&b);
		assert_int_equal(load(w), 0);
		if (rows[i].left == 0)
			assert_int_equal(w->back.n, 0);
		else
			assert_due(w, ID, rows[i].left);
	}
}

static void
assert_damaged(struct world *w, const void *p, size_t n, const char *what)
{
	put(w, p, n);
	if (load(w) == 0)
		fail_msg("not damaged: %s", what);
	assert_int_equal(w->back.n, 0);
}

static void
test_damaged(void **state)
{
	struct world *w = *state;
	struct buf b;

	dormant_put(&w->d, ID, boot(100));
	dormant_put(&w->d, ID "-b1", boot(100));
	save(w);
	b = bytes(w);
	assert_int_equal(b.n, HEAD + 2 * RECORD);
	for (size_t n = 0; n < b.n; n++)
		assert_damaged(w, b.p, n, "cut short");
	for (size_t i = 0; i < b.n; i++) {
		/* Behind the checksum nothing is said. */
		b.p[i] ^= 0x40;
		assert_damaged(w, b.p, b.n, "one bit");
		b.p[i] ^= 0x40;
	}
	put(w, b.p, b.n);
	assert_int_equal(load(w), 0);
	assert_int_equal(w->back.n, 2);
	buf_free(&b);
}

/* The sum is right, and the rest makes no sense. */
static void
test_nonsense(void **state)
{
	struct world *w = *state;
	struct buf b;

	dormant_put(&w->d, ID, boot(100));
	save(w);
	b = bytes(w);
	/* More records than there are. */
	b.p[8] = 2;
	seal(&b);
	assert_damaged(w, b.p, b.n, "count");
	memset(b.p + 8, 0xff, 4);
	seal(&b);
	assert_damaged(w, b.p, b.n, "a great count");
	memcpy(b.p + 8, "\1\0\0", 4);
	memset(b.p + WALL_AT, 0xff, 8);
	seal(&b);
	assert_damaged(w, b.p, b.n, "a time beyond all times");
	buf_free(&b);
	save(w);
	b = bytes(w);
	/* A name that there is not, and one of another directory. */
	b.p[HEAD + 11] = 1;
	seal(&b);
	put(w, b.p, b.n);
	assert_int_equal(load(w), 0);
	assert_int_equal(w->back.n, 0);
	b.p[HEAD + 11] = 0x40;
	seal(&b);
	put(w, b.p, b.n);
	assert_int_equal(load(w), 0);
	assert_int_equal(w->back.n, 0);
	buf_free(&b);
}

/* What lies there is no file of ours. */
static void
test_in_the_way(void **state)
{
	struct world *w = *state;
	struct fault why;

	dormant_put(&w->d, ID, boot(100));
	assert_int_equal(mkdirat(w->f.spool.root, FILE_OF_ID, 0700), 0);
	assert_int_equal(index_save(&w->f.spool, &w->d, w->shard, &why), -1);
	assert_int_equal(load(w), -1);
	assert_int_equal(w->back.n, 0);
	assert_int_equal(unlinkat(w->f.spool.root, FILE_OF_ID,
	    AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("/dev/null", w->f.spool.root, FILE_OF_ID),
	    0);
	assert_int_equal(index_save(&w->f.spool, &w->d, w->shard, &why), -1);
	assert_int_equal(load(w), -1);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_there_and_back),
		WITH(test_clock),
		WITH(test_damaged),
		WITH(test_nonsense),
		WITH(test_in_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
