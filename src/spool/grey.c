/* SPDX-License-Identifier: ISC */
/*
 * Slots of the greylist in a file of fixed size.
 *
 *	magic, key │ bucket: 4 slots of 32 bytes │ bucket │ ...
 *
 * The tag of a slot is a hash under a key that lies in the file, so nobody
 * outside can choose which slots are overwritten, and no address is kept.  A
 * bucket is read with one call.  The runner is the only writer, and sessions
 * read while it writes: a slot that is half old and half new has the wrong
 * times at worst.
 *
 * Nothing is synced or locked, and a file that is damaged or of another make is
 * made anew: a greylist is a habit, not a promise.  Its blocks are there from
 * the start, so that a full disk does not hinder it; where a slot cannot be
 * written all the same, the file is cut off, and who cannot read his slot does
 * not wait.  Which slot means what is policy/greylist's to say.
 */
#include "spool/grey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/table.h"

enum {
	HEADER_SIZE = 32,
	SLOT_SIZE = 32,
	BUCKET_SLOTS = 4,
	BUCKET_SIZE = BUCKET_SLOTS * SLOT_SIZE,
	BUCKETS = 32768,
	PATH_ROOM = 1100,
};

#define FILE_SIZE	(HEADER_SIZE + (off_t)BUCKETS * BUCKET_SIZE)

static const char magic[16] = "godwit greylist";

static int
open_file(const char *spool, int flags)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/" GREY_FILE, spool);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Reads the key; false: it is no such file. */
static bool
read_header(int fd, uint64_t key[2])
{
	uint8_t p[HEADER_SIZE];
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size != FILE_SIZE ||
	    pread(fd, p, sizeof(p), 0) != sizeof(p) ||
	    memcmp(p, magic, sizeof(magic)) != 0)
		return false;
	key[0] = bytes_get_le64(p + 16);
	key[1] = bytes_get_le64(p + 24);
	return true;
}

static bool
write_header(int fd)
{
	uint8_t p[HEADER_SIZE];
	uint64_t key[2];

	table_draw_key(key);
	memcpy(p, magic, sizeof(magic));
	bytes_put_le64(p + 16, key[0]);
	bytes_put_le64(p + 24, key[1]);
	if (ftruncate(fd, 0) < 0 || (errno = posix_fallocate(fd, 0,
	    FILE_SIZE)) != 0)
		return false;
	return pwrite(fd, p, sizeof(p), 0) == sizeof(p);
}

int
grey_make(const char *spool, uid_t uid, gid_t gid, struct fault *why)
{
	uint64_t key[2];
	int err = 0, fd = open_file(spool, O_RDWR | O_CREAT);

	if (fd < 0)
		return fault_system(why, errno, "%s/%s", spool, GREY_FILE);
	if ((uid != (uid_t)-1 && fchown(fd, uid, gid) < 0) ||
	    (!read_header(fd, key) && !write_header(fd)))
		err = errno;
	close(fd);
	return err == 0 ? 0 : fault_system(why, err, "%s/%s", spool,
	    GREY_FILE);
}

int
grey_open(struct grey *g, const char *spool, bool writable,
    struct fault *why)
{
	g->fd = open_file(spool, writable ? O_RDWR : O_RDONLY);
	if (g->fd < 0)
		return fault_system(why, errno, "%s/%s", spool, GREY_FILE);
	if (read_header(g->fd, g->key))
		return 0;
	grey_close(g);
	return fault_temporary(why, 451, 3, 0, "%s/%s is damaged", spool,
	    GREY_FILE);
}

void
grey_close(struct grey *g)
{
	if (g->fd != -1)
		close(g->fd);
	g->fd = -1;
}

uint64_t
grey_tag(const struct grey *g, struct str about)
{
	uint64_t tag = table_hash(g->key, about);

	return tag == 0 ? 1 : tag;
}

static off_t
place_of(uint64_t tag)
{
	return HEADER_SIZE + (off_t)(tag % BUCKETS) * BUCKET_SIZE;
}

static void
unpack(const uint8_t *p, struct grey_slot *slot)
{
	slot->tag = bytes_get_le64(p);
	slot->first = bytes_get_le32(p + 8);
	slot->last = bytes_get_le32(p + 12);
	slot->passes = bytes_get_le32(p + 16);
}

static bool
read_bucket(const struct grey *g, uint64_t tag,
    struct grey_slot slot[BUCKET_SLOTS])
{
	uint8_t p[BUCKET_SIZE];

	if (g->fd == -1 ||
	    pread(g->fd, p, sizeof(p), place_of(tag)) != sizeof(p))
		return false;
	for (size_t i = 0; i < BUCKET_SLOTS; i++)
		unpack(p + i * SLOT_SIZE, &slot[i]);
	return true;
}

int
grey_find(const struct grey *g, uint64_t tag, struct grey_slot *out)
{
	struct grey_slot slot[BUCKET_SLOTS];

	if (!read_bucket(g, tag, slot))
		return -1;
	for (size_t i = 0; i < BUCKET_SLOTS; i++)
		if (slot[i].tag == tag) {
			*out = slot[i];
			return 1;
		}
	return 0;
}

/* Would rather a be lost than b? */
static bool
is_cheaper(const struct grey_slot *a, const struct grey_slot *b)
{
	if ((a->tag == 0) != (b->tag == 0))
		return a->tag == 0;
	if ((a->passes == 0) != (b->passes == 0))
		return a->passes == 0;
	return a->last < b->last;
}

bool
grey_save(const struct grey *g, const struct grey_slot *slot)
{
	struct grey_slot old[BUCKET_SLOTS];
	uint8_t p[SLOT_SIZE] = { 0 };
	size_t at = 0;

	if (!read_bucket(g, slot->tag, old))
		return false;
	for (size_t i = 1; i < BUCKET_SLOTS; i++)
		if (is_cheaper(&old[i], &old[at]))
			at = i;
	for (size_t i = 0; i < BUCKET_SLOTS; i++)
		if (old[i].tag == slot->tag)
			at = i;
	bytes_put_le64(p, slot->tag);
	bytes_put_le32(p + 8, slot->first);
	bytes_put_le32(p + 12, slot->last);
	bytes_put_le32(p + 16, slot->passes);
	return pwrite(g->fd, p, sizeof(p),
	    place_of(slot->tag) + (off_t)at * SLOT_SIZE) == sizeof(p);
}

void
grey_spoil(struct grey *g)
{
	(void)!ftruncate(g->fd, HEADER_SIZE);
	grey_close(g);
}
