/* SPDX-License-Identifier: ISC */
/*
 * Compiled maps in Berkeley DB hash files, the format of Postfix's "hash:" and
 * of sendmail, so that either can be put in the place of the other.
 *
 * Reading: the first page is checked by ourselves before the library sees the
 * file, because the library trusts some of what it says.  Everything that is
 * odd, here or later, is a temporary fault and never "not found".  A file that
 * was written here has a checksum on every page, so that a flipped bit cannot
 * hide a name.  Files of other programs have none; the library would follow a
 * damaged index out of its page, so it is made to verify the structure of
 * such a file before it is used.
 *
 * A small file is read whole when it is opened: who asks it then, a session for
 * each recipient, needs neither the library nor the pages that it works in.
 *
 * Writing: always a whole new file beside the old one, synced and renamed.  A
 * reader has the old one or the new one, never half of either.
 *
 * No environment is ever opened with a home directory, so no DB_CONFIG is read
 * from anywhere (SECURITY R-17), and the library's own messages are silenced:
 * what is to be said is in the fault.  This is the only file that includes
 * <db.h>.  Called by map/build and route/alias.
 */
#include "map/db.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "os/file.h"

#define CACHE_READ	((uint32_t)32 * 1024)
#define CACHE_PAGES	8	/* the library needs a few at once */
#define CACHE_WRITE	((uint32_t)4 * 1024 * 1024)
#define CACHE_VERIFY	((uint32_t)1024 * 1024)
#define VALUE_MAX	((uint32_t)1024 * 1024)
#define RANDOM_DIGITS	10
#define WHOLE_MAX	(128 * 1024)	/* bytes of a small file */

/* The first page of a file (DBMETA and HMETA of the library's file format). */
#define META_SIZE	512
#define META_MAGIC_AT	12
#define META_VERSION_AT	16
#define META_PAGESIZE_AT 20
#define META_FLAGS_AT	26
#define META_LAST_AT	32
#define META_SUM_AT	492
#define META_MAGIC	0x061561U	/* a hash */
#define META_VERSION	9U
#define META_FLAG_SUM	0x01

struct pair {
	struct str	 key, value;		/* without a NUL at the end */
};

struct db_map {
	struct map	 map;
	DB		*db;		/* NULL: all of it is in pairs */
	struct pair	*pairs;		/* sorted */
	size_t		 n;
	struct stat	 file;		/* as it was when opened */
	bool		 nul_known;	/* some key has been found */
	bool		 nul;		/* and it was with its NUL */
	char		 path[];
};

struct db_writer {
	DB	*db;
	char	*path;
	char	*temporary;
};

static void
ignore_error(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)env;
	(void)prefix;
	(void)text;
}

static void
ignore_message(const DB_ENV *env, const char *text)
{
	(void)env;
	(void)text;
}

static int
fail(struct fault *why, const char *path, int err)
{
	if (err > 0)
		return fault_system(why, err, "%s", path);
	return fault_temporary(why, 451, 3, 0, "%s: %s", path,
	    db_strerror(err));
}

static int
fail_corrupt(struct fault *why, const char *path, const char *what)
{
	return fault_temporary(why, 451, 3, 0,
	    "%s: not a sound database: %s", path, what);
}

/* A handle that says nothing and has the given cache. */
static int
make_handle(DB **db, uint32_t cache, const char *path, struct fault *why)
{
	DB_ENV *env;
	int r;

	if ((r = db_create(db, NULL, 0)) != 0) {
		*db = NULL;
		return fail(why, path, r);
	}
	(*db)->set_errcall(*db, ignore_error);
	(*db)->set_msgcall(*db, ignore_message);
	/* Or else it looks for a place for temporary files, at each open. */
	env = (*db)->get_env(*db);
	if ((r = env->set_tmp_dir(env, "/")) == 0)
		r = (*db)->set_cachesize(*db, 0, cache, 1);
	if (r != 0) {
		(*db)->close(*db, 0);
		*db = NULL;
		return fail(why, path, r);
	}
	return 0;
}

/* The number at this place, whatever the byte order of its writer. */
static uint32_t
meta_number(const unsigned char *meta, size_t at, bool big)
{
	return big ? bytes_get_be32(meta + at) : bytes_get_le32(meta + at);
}

static bool
is_all_zero(const unsigned char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* NULL when the first page is sound, else what is wrong with it. */
static const char *
judge_meta(const unsigned char *meta, uint64_t size, uint32_t *pagesize)
{
	bool big;
	uint64_t pages;

	big = meta_number(meta, META_MAGIC_AT, false) != META_MAGIC;
	if (meta_number(meta, META_MAGIC_AT, big) != META_MAGIC)
		return "it is no hash";
	if (meta_number(meta, META_VERSION_AT, big) != META_VERSION)
		return "unknown version";
	*pagesize = meta_number(meta, META_PAGESIZE_AT, big);
	if (*pagesize < 512 || *pagesize > 65536 ||
	    (*pagesize & (*pagesize - 1)) != 0)
		return "impossible page size";
	pages = (uint64_t)meta_number(meta, META_LAST_AT, big) + 1;
	if (size % *pagesize != 0 || size / *pagesize < pages)
		return "it is cut short";
	/* Without the flag the library would not look at the checksum. */
	if ((meta[META_FLAGS_AT] & META_FLAG_SUM) == 0 &&
	    !is_all_zero(meta + META_SUM_AT, META_SIZE - META_SUM_AT))
		return "damaged first page";
	return NULL;
}

/* Our own look at the file; remembers which file it was. */
static int
inspect(int fd, struct db_map *m, uint32_t *pagesize, bool *summed,
    struct fault *why)
{
	struct stat st;
	unsigned char meta[META_SIZE];
	const char *wrong;

	if (fstat(fd, &st) == -1)
		return fail(why, m->path, errno);
	if (!S_ISREG(st.st_mode))
		return fail_corrupt(why, m->path, "it is no regular file");
	if (st.st_size < META_SIZE)
		return fail_corrupt(why, m->path, "it is too short");
	if (file_pread(fd, meta, sizeof(meta), 0, why) == -1)
		return -1;
	m->file = st;
	wrong = judge_meta(meta, (uint64_t)st.st_size, pagesize);
	if (wrong != NULL)
		return fail_corrupt(why, m->path, wrong);
	*summed = (meta[META_FLAGS_AT] & META_FLAG_SUM) != 0;
	return 0;
}

/* Are all pages what they should be?  As slow as the file is long. */
static int
verify(const char *path, struct fault *why)
{
	DB *db;
	int r;

	if (make_handle(&db, CACHE_VERIFY, path, why) == -1)
		return -1;
	/* This takes the handle in every case. */
	r = db->verify(db, path, NULL, NULL, 0);
	if (r == DB_VERIFY_BAD)
		return fail_corrupt(why, path, "its structure is damaged");
	return r == 0 ? 0 : fail(why, path, r);
}

static struct str
without_nul(const DBT *d)
{
	struct str s = str_span(d->data, d->size);

	if (s.n > 0 && s.p[s.n - 1] == '\0')
		s.n--;
	return s;
}

static struct str
keep(char **room, struct str s)
{
	char *p = *room;

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	*room += s.n;
	return str_span(p, s.n);
}

/* Goes over all of it: how many pairs, and how many bytes they have; with room
 * for both, copies them.  False: as much as that is not there (any more). */
static bool
go_over(DB *db, struct pair *pairs, char *room, size_t *n, size_t *bytes)
{
	size_t n_max = *n, bytes_max = *bytes;
	DBT key = { 0 }, value = { 0 };
	struct str k, v;
	DBC *cursor;
	int r;

	*n = *bytes = 0;
	if (db->cursor(db, NULL, &cursor, 0) != 0)
		return false;
	while ((r = cursor->get(cursor, &key, &value, DB_NEXT)) == 0) {
		k = without_nul(&key);
		v = without_nul(&value);
		*bytes += k.n + v.n;
		if (pairs != NULL && (*n == n_max || *bytes > bytes_max))
			break;
		if (pairs != NULL)
			pairs[*n] = (struct pair){ keep(&room, k),
			    keep(&room, v) };
		++*n;
	}
	return cursor->close(cursor) == 0 && r == DB_NOTFOUND;
}

static int
compare(const void *a, const void *b)
{
	return str_cmp(((const struct pair *)a)->key,
	    ((const struct pair *)b)->key);
}

/* Makes the library superfluous; where that cannot be, it stays. */
static void
read_whole(struct db_map *m)
{
	struct pair *pairs;
	size_t n, bytes;

	if (m->file.st_size > WHOLE_MAX ||
	    !go_over(m->db, NULL, NULL, &n, &bytes) ||
	    (pairs = mem_try(n * sizeof(*pairs) + bytes)) == NULL)
		return;
	if (!go_over(m->db, pairs, (char *)(pairs + n), &n, &bytes)) {
		mem_free(pairs);
		return;
	}
	qsort(pairs, n, sizeof(*pairs), compare);
	/* One key with a NUL and one without is for the library. */
	for (size_t i = 1; i < n; i++)
		if (str_eq(pairs[i - 1].key, pairs[i].key)) {
			mem_free(pairs);
			return;
		}
	m->db->close(m->db, DB_NOSYNC);
	m->db = NULL;
	m->pairs = pairs;
	m->n = n;
}

static int
open_reader(struct db_map *m, bool *missing, struct fault *why)
{
	uint32_t pagesize = 0, cache;
	bool summed = false;
	int fd, r;

	fd = open(m->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1) {
		*missing = errno == ENOENT;
		return fail(why, m->path, errno);
	}
	r = inspect(fd, m, &pagesize, &summed, why);
	close(fd);
	if (r == -1 || (!summed && verify(m->path, why) == -1))
		return -1;
	cache = pagesize * CACHE_PAGES;
	if (cache < CACHE_READ)
		cache = CACHE_READ;
	if (make_handle(&m->db, cache, m->path, why) == -1)
		return -1;
	r = m->db->open(m->db, NULL, m->path, NULL, DB_HASH, DB_RDONLY, 0);
	if (r != 0)
		return fail(why, m->path, r);
	read_whole(m);
	return 0;
}

static int
get(struct db_map *m, char *key, size_t n, DBT *value)
{
	DBT k;

	memset(&k, 0, sizeof(k));
	memset(value, 0, sizeof(*value));
	k.data = key;
	k.size = (uint32_t)n;
	return m->db->get(m->db, NULL, &k, value, 0);
}

static int
find_pair(const struct db_map *m, struct arena *arena, struct str key,
    struct str *value)
{
	size_t low = 0, high = m->n, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = str_cmp(key, m->pairs[middle].key);
		if (order == 0) {
			*value = arena_str(arena, m->pairs[middle].value);
			return 1;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

static int
find_key(struct map *map, struct arena *arena, struct str key,
    struct str *value, struct fault *why)
{
	struct db_map *m = (struct db_map *)map;
	char k[DB_KEY_LONGEST + 1];
	DBT v;
	bool nul;
	int r;

	if (key.n == 0 || key.n > DB_KEY_LONGEST)
		return 0;
	if (m->pairs != NULL)
		return find_pair(m, arena, key, value);
	memcpy(k, key.p, key.n);
	k[key.n] = '\0';
	nul = !m->nul_known || m->nul;
	r = get(m, k, key.n + nul, &v);
	if (r == DB_NOTFOUND && !m->nul_known) {
		nul = false;
		r = get(m, k, key.n, &v);
	}
	if (r == DB_NOTFOUND)
		return 0;
	if (r != 0)
		return fail(why, m->path, r);
	if (v.size > VALUE_MAX)
		return fail_corrupt(why, m->path, "a value is too long");
	m->nul_known = true;
	m->nul = nul;
	*value = arena_str(arena, without_nul(&v));
	return 1;
}

static void
close_map(struct map *map)
{
	struct db_map *m = (struct db_map *)map;

	if (m->db != NULL)
		m->db->close(m->db, DB_NOSYNC);
	mem_free(m->pairs);
	mem_free(m);
}

static const struct map_ops db_ops = { find_key, close_map };

struct map *
db_open(const char *path, bool *missing, struct fault *why)
{
	size_t n = strlen(path) + 1;
	struct db_map *m = mem_try(sizeof(*m) + n);

	*missing = false;
	if (m == NULL) {
		(void)fail(why, path, ENOMEM);
		return NULL;
	}
	m->map.ops = &db_ops;
	memcpy(m->path, path, n);
	if (open_reader(m, missing, why) == -1) {
		close_map(&m->map);
		return NULL;
	}
	return &m->map;
}

bool
db_is_current(const struct map *map)
{
	const struct db_map *m = (const struct db_map *)map;
	struct stat st;

	return stat(m->path, &st) == 0 && file_is_same(&st, &m->file);
}

static void
free_writer(struct db_writer *w)
{
	mem_free(w->path);
	mem_free(w->temporary);
	mem_free(w);
}

void
db_writer_abort(struct db_writer *w)
{
	if (w == NULL)
		return;
	if (w->db != NULL)
		w->db->close(w->db, DB_NOSYNC);
	unlink(w->temporary);
	free_writer(w);
}

/* path.RANDOM */
static char *
name_temporary(const char *path)
{
	struct buf b;
	uint64_t random = 0;
	char digits[RANDOM_DIGITS];
	char *name;

	/* Without randomness names may clash, and DB_EXCL sees that. */
	(void)!getrandom(&random, sizeof(random), 0);
	num_base32(digits, RANDOM_DIGITS, random >> (64 - 5 * RANDOM_DIGITS));
	buf_init(&b);
	buf_putz(&b, path);
	buf_putc(&b, '.');
	buf_put(&b, digits, sizeof(digits));
	name = mem_copy(b.p, b.n);
	buf_free(&b);
	return name;
}

struct db_writer *
db_writer_new(const char *path, struct fault *why)
{
	struct db_writer *w;
	int r;

	w = mem_alloc(sizeof(*w));
	w->path = mem_copy(path, strlen(path));
	w->temporary = name_temporary(path);
	if (make_handle(&w->db, CACHE_WRITE, path, why) == -1)
		goto out;
	r = w->db->set_flags(w->db, DB_CHKSUM);
	if (r == 0)
		r = w->db->open(w->db, NULL, w->temporary, NULL, DB_HASH,
		    DB_CREATE | DB_EXCL, 0644);
	if (r == 0)
		return w;
	fail(why, w->temporary, r);
	w->db->close(w->db, DB_NOSYNC);
	if (r != EEXIST)
		unlink(w->temporary);
out:
	free_writer(w);
	return NULL;
}

int
db_writer_put(struct db_writer *w, struct str key, struct str value,
    bool *duplicate, struct fault *why)
{
	DBT k, v;
	char *kz, *vz;
	int r;

	*duplicate = false;
	if (key.n > DB_KEY_LONGEST || value.n >= VALUE_MAX)
		return fault_permanent(why, 550, 3, 5,
		    "an entry is too long for %s", w->path);
	kz = mem_copy(key.p, key.n);
	vz = mem_copy(value.p, value.n);
	memset(&k, 0, sizeof(k));
	memset(&v, 0, sizeof(v));
	k.data = kz;
	k.size = (uint32_t)key.n + 1;
	v.data = vz;
	v.size = (uint32_t)value.n + 1;
	r = w->db->put(w->db, NULL, &k, &v, DB_NOOVERWRITE);
	mem_free(kz);
	mem_free(vz);
	if (r == DB_KEYEXIST) {
		*duplicate = true;
		return 0;
	}
	return r == 0 ? 0 : fail(why, w->temporary, r);
}

/* The file is complete: makes it lasting and readable for all. */
static int
settle(const char *path, struct fault *why)
{
	int fd, r = 0;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return fail(why, path, errno);
	if (fchmod(fd, 0644) == -1)
		r = fail(why, path, errno);
	else if (fsync(fd) == -1)
		r = fail(why, path, errno);
	close(fd);
	return r;
}

static int
sync_parent(const char *path, struct fault *why)
{
	struct str s = str_of(path);
	char *dir;
	int fd, r;

	s = str_slice(s, 0, str_rfind(s, '/'));
	if (s.n == strlen(path))
		s = STR(".");
	else if (s.n == 0)
		s = STR("/");
	dir = mem_copy(s.p, s.n);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd == -1 ? fail(why, dir, errno) : file_sync_dir(fd, why);
	if (fd != -1)
		close(fd);
	mem_free(dir);
	return r;
}

int
db_writer_commit(struct db_writer *w, struct fault *why)
{
	int r;

	r = w->db->close(w->db, 0);
	w->db = NULL;
	r = r == 0 ? settle(w->temporary, why) : fail(why, w->temporary, r);
	if (r == 0 && rename(w->temporary, w->path) == -1)
		r = fail(why, w->path, errno);
	if (r == -1) {
		db_writer_abort(w);
		return -1;
	}
	r = sync_parent(w->path, why);
	free_writer(w);
	return r;
}
