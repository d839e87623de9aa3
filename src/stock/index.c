/* SPDX-License-Identifier: ISC */
/*
 * The index of what waits, a file for each directory of the queue, so that a
 * start need not open a million entries to learn that none is due.
 *
 *	magic 8 │ records 4 │ 0 4 │ wall seconds 8 │ crc 4 │ 0 4
 *	name 12 │ due, seconds after that time 4		a record
 *
 * It is a hint and no second truth.  A name that is in it and not in the
 * directory means nothing; one that is in the directory and not in it is
 * opened; and one in both is opened when its time has come, where its slots say
 * what is so.  The time in it is the one in the slots, as of the writing: it
 * can only be too late when an attempt was made before it had come, which
 * happens when an operator flushes, and then the file is dropped first.
 *
 * It is written in place and never synced: a torn one has a wrong checksum, and
 * counts as none.
 */

#include "stock/index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/crc.h"
#include "os/file.h"

enum {
	HEAD_SIZE = 32,
	COUNT_AT = 8,
	WALL_AT = 16,
	CRC_AT = 24,
	RECORD_SIZE = PACK_SIZE + 4,
	PATH_SIZE = 16,
	INDEX_MAX = 256 * 1024 * 1024,
	WALL_BITS = 40,			/* more seconds than we shall see */
};

static const char magic[8] = { 'g', 'o', 'd', 'w', 'i', 'x', '\r', '\n' };

static const char *
path_of(unsigned shard, char path[PATH_SIZE])
{
	text_print(path, PATH_SIZE, SPOOL_INDEX "/%02x", shard % SPOOL_SHARDS);
	return path;
}

/* Of everything but itself. */
static uint32_t
checksum(const uint8_t *p, size_t n)
{
	return crc32c(crc32c(0, p, CRC_AT), p + CRC_AT + 4, n - CRC_AT - 4);
}

static void
encode(const struct dormant *d, unsigned shard, struct buf *out)
{
	uint8_t head[HEAD_SIZE] = { 0 }, record[RECORD_SIZE];
	uint32_t at = 0, n = 0, now = (uint32_t)(clock_boot_ms() / 1000);
	const struct dormant_record *r;

	buf_put(out, head, sizeof(head));
	while ((r = dormant_next(d, shard, &at)) != NULL) {
		if (r->due <= now)
			continue;
		memcpy(record, r->name, PACK_SIZE);
		bytes_put_le32(record + PACK_SIZE, r->due - now);
		buf_put(out, record, sizeof(record));
		n++;
	}
	memcpy(head, magic, sizeof(magic));
	bytes_put_le32(head + COUNT_AT, n);
	bytes_put_le64(head + WALL_AT, (uint64_t)clock_wall());
	memcpy(out->p, head, sizeof(head));
	bytes_put_le32((uint8_t *)out->p + CRC_AT,
	    checksum((const uint8_t *)out->p, out->n));
}

int
index_save(const struct spool *spool, const struct dormant *d, unsigned shard,
    struct fault *why)
{
	char path[PATH_SIZE];
	struct buf b = { 0 };
	int fd, r;

	fd = openat(spool->root, path_of(shard, path), O_WRONLY | O_CREAT |
	    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault_system(why, errno, "open %s", path);
	encode(d, shard, &b);
	r = file_pwrite(fd, b.p, b.n, 0, why);
	buf_free(&b);
	close(fd);
	return r;
}

static bool
is_whole(const uint8_t *p, size_t size, size_t *used)
{
	if (size < HEAD_SIZE || memcmp(p, magic, sizeof(magic)) != 0 ||
	    bytes_get_le64(p + WALL_AT) >> WALL_BITS != 0)
		return false;
	*used = HEAD_SIZE + (size_t)bytes_get_le32(p + COUNT_AT) * RECORD_SIZE;
	return *used <= size &&
	    bytes_get_le32(p + CRC_AT) == checksum(p, *used);
}

/* A clock that jumped must not put it off for years. */
static void
enter(struct dormant *d, unsigned shard, const uint8_t *record, int64_t wall,
    int64_t most)
{
	int64_t left = wall + (int64_t)bytes_get_le32(record + PACK_SIZE) -
	    clock_wall();
	char name[SPOOL_NAME_MAX];

	if (left <= 0 || pack_shard(record) != shard ||
	    !pack_open(record, name))
		return;
	if (left > most)
		left = most;
	(void)dormant_restore(d, name,
	    (uint32_t)(clock_boot_ms() / 1000 + left));
}

int
index_load(const struct spool *spool, struct dormant *d, unsigned shard,
    int64_t most, struct fault *why)
{
	char path[PATH_SIZE];
	struct buf b = { 0 };
	const uint8_t *p;
	size_t used = 0;
	int r = 0;

	if (faccessat(spool->root, path_of(shard, path), F_OK, 0) < 0 &&
	    errno == ENOENT)
		return 0;
	if (file_load(spool->root, path, INDEX_MAX, &b, why) < 0) {
		buf_free(&b);
		return -1;
	}
	p = (const uint8_t *)b.p;
	if (!is_whole(p, b.n, &used))
		r = fault_temporary(why, 451, 3, 0, "%s is damaged", path);
	for (size_t at = HEAD_SIZE; r == 0 && at < used; at += RECORD_SIZE)
		enter(d, shard, p + at, (int64_t)bytes_get_le64(p + WALL_AT),
		    most);
	buf_free(&b);
	return r;
}

void
index_drop(const struct spool *spool, unsigned shard)
{
	char path[PATH_SIZE];

	(void)unlinkat(spool->root, path_of(shard, path), 0);
}

void
index_drop_all(const struct spool *spool)
{
	for (unsigned i = 0; i < SPOOL_SHARDS; i++)
		index_drop(spool, i);
}
