/* SPDX-License-Identifier: ISC */
/*
 * Recovery is this walk: every directory of the queue, every name in it that
 * can be an entry's.  What is no entry's name is not ours and is left alone,
 * but for temporary names that nobody needs any more: the runner's walk, and
 * only his, takes them away.  The order is that of the directories, which is no
 * order; whoever wants one sorts by time, which the names begin with.
 *
 * Who walks again and again need not read what has not changed: a directory's
 * time of change tells.  It is believed only when it was some time ago, as seen
 * from the moment when the walk began: what happens within the same tick of the
 * file system's clock changes nothing in it.  A directory with a temporary name
 * in it is read each time, since that may grow old.
 */

#include "spool/scan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.h"
#include "spool/temp.h"

enum {
	TICK = 2,	/* seconds: more than any file system's clock rests */
};

void
scan_start(struct scan *s, const struct spool *spool, bool sweep)
{
	s->spool = spool;
	s->sweep = sweep;
	s->memory = NULL;
	s->shard = 0;
	s->open = s->missed = false;
}

void
scan_remember(struct scan *s, struct scan_memory *memory, int64_t wall)
{
	s->memory = memory;
	s->begun = wall;
}

static struct timespec
changed_at(const struct scan *s, const char *name)
{
	struct stat st;

	if (s->memory == NULL ||
	    fstatat(s->spool->q, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_ctim.tv_sec + TICK > s->begun)
		return (struct timespec){ 0 };
	return st.st_ctim;
}

static bool
is_unchanged(const struct scan *s, unsigned shard)
{
	const struct timespec *before;

	if (s->memory == NULL || s->changed.tv_sec == 0)
		return false;
	before = &s->memory->changed[shard];
	return before->tv_sec == s->changed.tv_sec &&
	    before->tv_nsec == s->changed.tv_nsec;
}

/* Those that were begun there; nobody else walks over it. */
static void
sweep_hold(const struct scan *s)
{
	struct dir_walk walk;
	struct fault ignored;
	const char *name;

	if (dir_walk_open(&walk, s->spool->hold, ".", &ignored) < 0)
		return;
	while ((name = dir_walk_next(&walk)) != NULL)
		if (temp_entry(name) != NULL)
			(void)temp_sweep_at(s->spool->hold, name, TEMP_AGE);
	dir_walk_close(&walk);
}

static bool
open_next(struct scan *s, struct fault *why)
{
	char name[3];

	if (s->sweep && s->shard == 0 && s->spool->temporaries)
		sweep_hold(s);
	while (s->shard < SPOOL_SHARDS) {
		text_print(name, sizeof(name), "%02x", s->shard++);
		s->changed = changed_at(s, name);
		if (is_unchanged(s, scan_shard(s)))
			continue;
		if (dir_walk_open(&s->walk, s->spool->q, name, why) == 0) {
			s->open = true;
			return true;
		}
		s->changed = (struct timespec){ 0 };
		s->missed = true;
	}
	return false;
}

static void
end_shard(struct scan *s)
{
	if (s->memory != NULL)
		s->memory->changed[scan_shard(s)] = s->walk.broken ?
		    (struct timespec){ 0 } : s->changed;
	s->missed = s->missed || s->walk.broken;
	dir_walk_close(&s->walk);
	s->open = false;
}

static void
sweep(struct scan *s, const char *name)
{
	if (temp_entry(name) == NULL)
		return;
	(void)temp_sweep(s->spool, temp_entry(name), TEMP_AGE);
	s->changed = (struct timespec){ 0 };
}

const char *
scan_next(struct scan *s, struct fault *why)
{
	const char *name;

	fault_clear(why);
	for (;;) {
		if (!s->open && !open_next(s, why))
			return NULL;
		while ((name = dir_walk_next(&s->walk)) != NULL) {
			if (spool_name_is_valid(str_of(name)))
				return name;
			if (s->sweep)
				sweep(s, name);
		}
		end_shard(s);
	}
}

unsigned
scan_shard(const struct scan *s)
{
	return s->shard == 0 ? 0 : s->shard - 1;
}

void
scan_stop(struct scan *s)
{
	if (s->open)
		dir_walk_close(&s->walk);
	s->open = false;
	s->shard = SPOOL_SHARDS;
}
