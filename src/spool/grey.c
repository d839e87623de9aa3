/* SPDX-License-Identifier: ISC */
/*
 * Slots of the greylist in a file of fixed size.
 *
 *	magic, key │ bucket: 64 slots of 32 bytes │ bucket │ ...
 *
 * Everything of one site (a /24, or a /48 of IPv6) lies in one bucket, which is
 * read with one call; so a flood from there reaches a 2048th of the others.  And
 * it pushes out none of these: when a bucket is full, a slot of the site that has
 * most is taken, and within it of the host that has most, be that the one for
 * which room is made.  Before that go those that are free or too old to count;
 * those that were passed, a few of each site, go last.  Of one host the first
 * stay, so that a great sender whose mail comes all at once is found when it
 * comes again; after STALE they go first.
 *
 * Tags are hashes under a key that lies in the file, so nobody outside can
 * choose what meets in a bucket, and no address is kept.  The runner is the only
 * writer, and sessions read while it writes: a slot that is half old and half
 * new has the wrong times at worst.  Nothing is synced or locked, and a file that
 * is damaged or of another make is made anew: a greylist is a habit, not a
 * promise.  Its blocks are there from the start, so that a full disk does not
 * hinder it; where a slot cannot be written all the same, the file is cut off,
 * and who cannot read his slot does not wait.
 */
#include "spool/grey.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/table.h"
#include "base/text.h"

enum {
	HEADER_SIZE = 32,
	SLOT_SIZE = 32,
	BUCKET_SLOTS = 64,
	BUCKET_SIZE = BUCKET_SLOTS * SLOT_SIZE,
	BUCKETS = 2048,
	PATH_ROOM = 1100,
	CLOCK_SLACK = 300,		/* seconds */
	STALE = 4 * 3600,		/* who tries again has by then */
	SITE_PASSED = 8,		/* slots that nobody takes from it */
};

/* A slot as it lies in its bucket; marks are halves of a tag. */
struct row {
	struct grey_slot slot;
	uint32_t	site, host;
};

#define FILE_SIZE	(HEADER_SIZE + (off_t)BUCKETS * BUCKET_SIZE)

/* The number is that of the layout. */
static const char magic[16] = "godwit grey 2";

static int
open_file(const char *spool, int flags)
{
	char path[PATH_ROOM];

	text_print(path, sizeof(path), "%s/" GREY_FILE, spool);
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
grey_make(const char *spool, uid_t uid, gid_t gid, bool *anew,
    struct fault *why)
{
	uint64_t key[2];
	struct stat st;
	int err = 0, fd = open_file(spool, O_RDWR | O_CREAT);

	*anew = false;
	if (fd < 0)
		return fault_system(why, errno, "%s/%s", spool, GREY_FILE);
	if (uid != (uid_t)-1 && fchown(fd, uid, gid) < 0) {
		err = errno;
	} else if (!read_header(fd, key)) {
		*anew = fstat(fd, &st) == 0 && st.st_size > 0;
		if (!write_header(fd))
			err = errno;
	}
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

bool
grey_is_alive(const struct grey_slot *slot, uint32_t now)
{
	uint32_t keep = GREY_KEEP, from = slot->last;

	if (slot->tag == 0 || slot->first > now + CLOCK_SLACK)
		return false;
	if (slot->passes == 0) {
		keep = GREY_FORGET;
		from = slot->first;
	}
	return now <= from || now - from < keep;
}

static off_t
place_of(uint64_t site)
{
	return HEADER_SIZE + (off_t)(site % BUCKETS) * BUCKET_SIZE;
}

static uint32_t
mark(uint64_t tag)
{
	return (uint32_t)(tag >> 32);
}

static void
unpack(const uint8_t *p, struct row *row)
{
	row->slot.tag = bytes_get_le64(p);
	row->slot.first = bytes_get_le32(p + 8);
	row->slot.last = bytes_get_le32(p + 12);
	row->slot.passes = bytes_get_le32(p + 16);
	row->site = bytes_get_le32(p + 20);
	row->host = bytes_get_le32(p + 24);
}

static bool
read_bucket(const struct grey *g, uint64_t site,
    struct row row[BUCKET_SLOTS])
{
	uint8_t p[BUCKET_SIZE];

	if (g->fd == -1 ||
	    pread(g->fd, p, sizeof(p), place_of(site)) != sizeof(p))
		return false;
	for (size_t i = 0; i < BUCKET_SLOTS; i++)
		unpack(p + i * SLOT_SIZE, &row[i]);
	return true;
}

bool
grey_find(const struct grey *g, const struct grey_tags *tags,
    struct grey_slot *triplet, struct grey_slot *network)
{
	struct row row[BUCKET_SLOTS];

	triplet->tag = network->tag = 0;
	if (!read_bucket(g, tags->site, row))
		return false;
	for (size_t i = 0; i < BUCKET_SLOTS; i++)
		if (row[i].slot.tag == tags->triplet)
			*triplet = row[i].slot;
		else if (row[i].slot.tag == tags->network)
			*network = row[i].slot;
	return true;
}

/* ------------------------------------------------------------ eviction --- */

/* For whom room is made, and among whom. */
struct contest {
	const struct row *row;
	const struct row *new;
	bool		 in[BUCKET_SLOTS];
};

/* How much a slot's site and host have of what is contested, with what is to
 * come. */
struct share {
	unsigned	site, host;
	bool		own;		/* it is to come from this site */
};

static unsigned
count_passed(const struct row row[BUCKET_SLOTS], uint32_t site)
{
	unsigned n = 0;

	for (size_t i = 0; i < BUCKET_SLOTS; i++)
		n += row[i].site == site && row[i].slot.passes > 0;
	return n;
}

/* Those that were never passed, and of a site that has more than it needs the
 * others too; all, where there are none of these. */
static void
gather(struct contest *c)
{
	bool any = false;

	for (size_t i = 0; i < BUCKET_SLOTS; i++) {
		c->in[i] = c->row[i].slot.passes == 0 ||
		    count_passed(c->row, c->row[i].site) > SITE_PASSED;
		any |= c->in[i];
	}
	for (size_t i = 0; i < BUCKET_SLOTS && !any; i++)
		c->in[i] = true;
}

static struct share
measure(const struct contest *c, const struct row *of)
{
	struct share s = { 0, 0, of->site == c->new->site };

	s.site = s.own;
	s.host = s.own && of->host == c->new->host;
	for (size_t i = 0; i < BUCKET_SLOTS; i++) {
		if (!c->in[i] || c->row[i].site != of->site)
			continue;
		s.site++;
		s.host += c->row[i].host == of->host;
	}
	return s;
}

/* Above 0: a has more, and rather loses one. */
static int
compare(const struct share *a, const struct share *b)
{
	if (a->site != b->site)
		return a->site > b->site ? 1 : -1;
	/* Who wants room makes it rather himself. */
	if (a->own != b->own)
		return a->own ? 1 : -1;
	if (a->host != b->host)
		return a->host > b->host ? 1 : -1;
	return 0;
}

static uint32_t
age(const struct contest *c, const struct grey_slot *slot)
{
	uint32_t at = slot->passes > 0 ? slot->last : slot->first;

	return c->new->slot.last > at ? c->new->slot.last - at : 0;
}

/* Of those who have as much as each other. */
static bool
is_cheaper(const struct contest *c, const struct row *a, const struct row *b)
{
	uint32_t old_a = age(c, &a->slot), old_b = age(c, &b->slot);

	if ((a->slot.passes == 0) != (b->slot.passes == 0))
		return a->slot.passes == 0;
	/* Of one host the first stay, as long as they may come again. */
	if (a->site == b->site && a->host == b->host &&
	    a->slot.passes == 0 && old_a < STALE && old_b < STALE)
		return old_a <= old_b;
	return old_a > old_b;
}

static size_t
choose(const struct row row[BUCKET_SLOTS], const struct row *new)
{
	struct contest c = { .row = row, .new = new };
	struct share best = { 0 }, one;
	size_t at = 0;
	int r;

	for (size_t i = 0; i < BUCKET_SLOTS; i++)
		if (!grey_is_alive(&row[i].slot, new->slot.last))
			return i;
	gather(&c);
	for (size_t i = 0; i < BUCKET_SLOTS; i++) {
		if (!c.in[i])
			continue;
		one = measure(&c, &row[i]);
		r = compare(&one, &best);
		if (r > 0 || (r == 0 && is_cheaper(&c, &row[i], &row[at]))) {
			best = one;
			at = i;
		}
	}
	return at;
}

bool
grey_save(const struct grey *g, const struct grey_tags *tags,
    const struct grey_slot *slot)
{
	struct row row[BUCKET_SLOTS], new = { *slot, mark(tags->site),
	    mark(tags->host) };
	uint8_t p[SLOT_SIZE] = { 0 };
	size_t at = 0;

	if (!read_bucket(g, tags->site, row))
		return false;
	while (at < BUCKET_SLOTS && row[at].slot.tag != slot->tag)
		at++;
	if (at == BUCKET_SLOTS)
		at = choose(row, &new);
	bytes_put_le64(p, slot->tag);
	bytes_put_le32(p + 8, slot->first);
	bytes_put_le32(p + 12, slot->last);
	bytes_put_le32(p + 16, slot->passes);
	bytes_put_le32(p + 20, new.site);
	bytes_put_le32(p + 24, new.host);
	return pwrite(g->fd, p, sizeof(p),
	    place_of(tags->site) + (off_t)at * SLOT_SIZE) == sizeof(p);
}

void
grey_spoil(struct grey *g)
{
	(void)!ftruncate(g->fd, HEADER_SIZE);
	grey_close(g);
}
