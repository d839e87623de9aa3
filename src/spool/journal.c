/* SPDX-License-Identifier: ISC */
/*
 * The second place for a mark.  A delivery is marked in its entry; where that
 * block of the disk cannot be written, it is noted here, in a file of its own
 * that is hardly ever there.  The queue runner alone writes it, reads it when
 * it starts, tries to bring the marks to their places, and empties it when all
 * are there.
 */

#include "spool/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/crc.h"
#include "os/file.h"

#define JOURNAL_FILE	"journal"

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

static void
read_record(struct journal *j, const uint8_t *p)
{
	char name[SPOOL_NAME_MAX];

	memcpy(name, p, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	if (bytes_get_le32(p + CRC_AT) == crc32c(0, p, CRC_AT) &&
	    spool_name_is_valid(str_of(name)))
		remember(j, name, bytes_get_le32(p + INDEX_AT));
}

int
journal_load(struct journal *j, const struct spool *s, struct fault *why)
{
	struct buf b = { 0 };

	memset(j, 0, sizeof(*j));
	table_init(&j->done);
	if (faccessat(s->root, JOURNAL_FILE, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	if (file_load(s->root, JOURNAL_FILE, JOURNAL_MAX, &b, why) < 0) {
		buf_free(&b);
		return -1;
	}
	for (size_t at = 0; at + RECORD_SIZE <= b.n; at += RECORD_SIZE)
		read_record(j, (const uint8_t *)b.p + at);
	buf_free(&b);
	return 0;
}

void
journal_free(struct journal *j)
{
	table_free(&j->done);
	arena_free(&j->arena);
}

int
journal_add(struct journal *j, const struct spool *s, const char *name,
    uint32_t index, struct fault *why)
{
	uint8_t record[RECORD_SIZE] = { 0 };
	int fd, r;

	memcpy(record, name, strnlen(name, SPOOL_NAME_MAX - 1));
	bytes_put_le32(record + INDEX_AT, index);
	bytes_put_le32(record + CRC_AT, crc32c(0, record, CRC_AT));
	fd = openat(s->root, JOURNAL_FILE, O_WRONLY | O_CREAT | O_APPEND |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault_system(why, errno, "open " JOURNAL_FILE);
	r = file_write(fd, record, sizeof(record), why);
	if (r == 0)
		r = file_sync(fd, why);
	if (r == 0)
		r = file_sync_dir(s->root, why);
	close(fd);
	if (r == 0)
		remember(j, name, index);
	return r;
}

bool
journal_has(const struct journal *j, const char *name, uint32_t index)
{
	char key[SPOOL_NAME_MAX + 16];

	if (j->n == 0)
		return false;
	snprintf(key, sizeof(key), "%s %u", name, (unsigned)index);
	return table_find(&j->done, str_of(key)) != NULL;
}

int
journal_clear(struct journal *j, const struct spool *s, struct fault *why)
{
	if (j->n == 0)
		return 0;
	if (unlinkat(s->root, JOURNAL_FILE, 0) < 0 && errno != ENOENT)
		return fault_system(why, errno, "unlink " JOURNAL_FILE);
	journal_free(j);
	memset(j, 0, sizeof(*j));
	table_init(&j->done);
	return 0;
}
