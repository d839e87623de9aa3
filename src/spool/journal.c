/* SPDX-License-Identifier: ISC */
/*
 * The second place for a mark.  A delivery is marked in its entry; where that
 * block of the disk cannot be written, it is noted here.  The queue runner alone
 * writes it, reads it when it starts, tries to bring the marks to their places,
 * and wipes them out when all are there.
 *
 * The file is made at start, full of zeros, and its blocks are overwritten in
 * place, so that a note wants no new block where the file system writes in
 * place (ext4, xfs; btrfs does not).  Two runners may be there for a while, when
 * one ends and one has begun: whoever writes has it locked, and looks for a
 * place that is free.
 */

#include "spool/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "os/crc.h"
#include "os/file.h"

enum {
	RECORD_SIZE = 64,
	INDEX_AT = SPOOL_NAME_MAX,
	CRC_AT = RECORD_SIZE - 4,
	JOURNAL_MAX = 16 * 1024 * 1024,
};

static void
remember(struct journal *j, const char *name, uint32_t index)
{
	struct str key = arena_printf(&j->arena, "%s %u", name,
	    (unsigned)index);

	if (table_put(&j->done, key, j) == NULL)
		j->n++;
}

/* False: it is none. */
static bool
read_record(const uint8_t *p, char name[SPOOL_NAME_MAX], uint32_t *index)
{
	memcpy(name, p, SPOOL_NAME_MAX);
	name[SPOOL_NAME_MAX - 1] = '\0';
	*index = bytes_get_le32(p + INDEX_AT);
	return bytes_get_le32(p + CRC_AT) == crc32c(0, p, CRC_AT) &&
	    spool_name_is_valid(str_of(name));
}

static struct timespec
changed_at(const struct spool *s)
{
	struct stat st;

	if (fstatat(s->root, SPOOL_JOURNAL, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return (struct timespec){ 0 };
	return st.st_mtim;
}

/* Adds what is there to what is known. */
static int
read_all(struct journal *j, const struct spool *s, struct fault *why)
{
	struct buf b = { 0 };
	char name[SPOOL_NAME_MAX];
	uint32_t index;

	if (faccessat(s->root, SPOOL_JOURNAL, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	j->read_at = changed_at(s);
	if (file_load(s->root, SPOOL_JOURNAL, JOURNAL_MAX, &b, why) < 0) {
		buf_free(&b);
		return -1;
	}
	for (size_t at = 0; at + RECORD_SIZE <= b.n; at += RECORD_SIZE)
		if (read_record((const uint8_t *)b.p + at, name, &index))
			remember(j, name, index);
	buf_free(&b);
	return 0;
}

int
journal_load(struct journal *j, const struct spool *s, struct fault *why)
{
	memset(j, 0, sizeof(*j));
	table_init(&j->done);
	return read_all(j, s, why);
}

bool
journal_update(struct journal *j, const struct spool *s)
{
	struct timespec now = changed_at(s);
	struct fault ignored;
	size_t before = j->n;

	if (now.tv_sec == j->read_at.tv_sec &&
	    now.tv_nsec == j->read_at.tv_nsec)
		return false;
	(void)read_all(j, s, &ignored);
	return j->n > before;
}

void
journal_free(struct journal *j)
{
	table_free(&j->done);
	arena_free(&j->arena);
}

/* Writes zeros over [from, to): blocks that are only promised (unwritten
 * extents) would want more room when they are used. */
static int
fill(int fd, int64_t from, int64_t to, struct fault *why)
{
	static const uint8_t zero[4096];

	while (from < to) {
		int64_t n = to - from < (int64_t)sizeof(zero) ? to - from :
		    (int64_t)sizeof(zero);

		if (file_pwrite(fd, zero, (size_t)n, from, why) < 0)
			return -1;
		from += n;
	}
	return 0;
}

/* For writing, and nobody else has it. */
static int
open_alone(const struct spool *s, struct fault *why)
{
	int fd = openat(s->root, SPOOL_JOURNAL, O_RDWR | O_CREAT | O_NOFOLLOW |
	    O_CLOEXEC, 0600);

	if (fd < 0)
		return fault_system(why, errno, "open " SPOOL_JOURNAL);
	if (flock(fd, LOCK_EX) == 0)
		return fd;
	fault_system(why, errno, "lock " SPOOL_JOURNAL);
	close(fd);
	return -1;
}

int
journal_reserve(const struct spool *s, struct fault *why)
{
	struct stat st;
	int fd, r = 0;

	if (fstatat(s->root, SPOOL_JOURNAL, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size >= JOURNAL_ROOM)
		return 0;
	fd = open_alone(s, why);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || (st.st_size < JOURNAL_ROOM &&
	    fallocate(fd, 0, st.st_size, JOURNAL_ROOM - st.st_size) < 0 &&
	    errno != EOPNOTSUPP))
		r = fault_system(why, errno, "reserve " SPOOL_JOURNAL);
	if (r == 0)
		r = fill(fd, st.st_size, JOURNAL_ROOM, why);
	if (r == 0)
		r = file_sync(fd, why);
	if (r == 0)
		r = file_sync_dir(s->root, why);
	close(fd);
	return r;
}

static bool
is_free(const uint8_t record[RECORD_SIZE])
{
	static const uint8_t zero[RECORD_SIZE];

	return memcmp(record, zero, RECORD_SIZE) == 0;
}

/* The first place from there on that holds none; behind the end, if need be.
 * -1: the disk does not answer. */
static int64_t
find_place(int fd, int64_t at, struct fault *why)
{
	uint8_t record[RECORD_SIZE];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fault_system(why, errno, "stat " SPOOL_JOURNAL);
	for (; at + RECORD_SIZE <= (int64_t)st.st_size; at += RECORD_SIZE) {
		if (file_pread(fd, record, RECORD_SIZE, at, why) < 0)
			return -1;
		if (is_free(record))
			break;
	}
	return at;
}

int
journal_add(struct journal *j, const struct spool *s, const char *name,
    uint32_t index, struct fault *why)
{
	uint8_t record[RECORD_SIZE] = { 0 };
	int64_t at;
	int fd, r;

	/* Whatever the disk says, this runner knows. */
	remember(j, name, index);
	memcpy(record, name, strnlen(name, SPOOL_NAME_MAX - 1));
	bytes_put_le32(record + INDEX_AT, index);
	bytes_put_le32(record + CRC_AT, crc32c(0, record, CRC_AT));
	fd = open_alone(s, why);
	if (fd < 0)
		return -1;
	at = find_place(fd, j->next, why);
	r = at < 0 ? -1 : file_pwrite(fd, record, sizeof(record), at, why);
	if (r == 0)
		r = file_sync(fd, why);
	if (r == 0)
		r = file_sync_dir(s->root, why);
	close(fd);
	if (r < 0)
		return -1;
	j->next = at + RECORD_SIZE;
	return 0;
}

bool
journal_has(const struct journal *j, const char *name, uint32_t index)
{
	char key[SPOOL_NAME_MAX + 16];

	if (j->n == 0)
		return false;
	text_print(key, sizeof(key), "%s %u", name, (unsigned)index);
	return table_find(&j->done, str_of(key)) != NULL;
}

/* What this runner knows, and what nobody can read. */
static bool
is_settled(const struct journal *j, const uint8_t *record)
{
	char name[SPOOL_NAME_MAX];
	uint32_t index;

	return !read_record(record, name, &index) ||
	    journal_has(j, name, index);
}

static int
wipe(const struct journal *j, int fd, struct fault *why)
{
	uint8_t record[RECORD_SIZE];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fault_system(why, errno, "stat " SPOOL_JOURNAL);
	for (int64_t at = 0; at + RECORD_SIZE <= (int64_t)st.st_size;
	    at += RECORD_SIZE) {
		if (file_pread(fd, record, RECORD_SIZE, at, why) < 0)
			return -1;
		if (!is_free(record) && is_settled(j, record) &&
		    fill(fd, at, at + RECORD_SIZE, why) < 0)
			return -1;
	}
	return file_sync(fd, why);
}

/* An entry on hold is met by no walk: its mark has not come to its place. */
static bool
concerns_held(const struct journal *j, const struct spool *s)
{
	char path[SPOOL_PATH_MAX];
	struct str key, name;
	size_t at = 0;
	void *value;

	while (table_next(&j->done, &at, &key, &value)) {
		(void)str_word(&key, &name);
		text_print(path, sizeof(path), "hold/%.*s", STR_ARG(name));
		if (faccessat(s->root, path, F_OK, 0) == 0 || errno != ENOENT)
			return true;
	}
	return false;
}

int
journal_clear(struct journal *j, const struct spool *s, struct fault *why)
{
	int fd, r;

	if (j->n == 0 || concerns_held(j, s))
		return 0;
	fd = open_alone(s, why);
	if (fd < 0)
		return -1;
	r = wipe(j, fd, why);
	close(fd);
	if (r < 0)
		return -1;
	journal_free(j);
	memset(j, 0, sizeof(*j));
	table_init(&j->done);
	return 0;
}
