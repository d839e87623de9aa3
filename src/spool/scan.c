/* SPDX-License-Identifier: ISC */
/*
 * Recovery is this walk: every directory of the queue, every name in it that
 * can be an entry's.  There is no index to rebuild and no second place that
 * could disagree with the first.  What is no entry's name is not ours and is
 * left alone, but for temporary names that nobody needs any more: the runner's
 * walk, and only his, takes them away.  The order is that of the directories, which is no order; whoever
 * wants one sorts by time, which the names begin with.
 */

#include "spool/scan.h"

#include <stdio.h>

#include "spool/temp.h"

void
scan_start(struct scan *s, const struct spool *spool, bool sweep)
{
	s->spool = spool;
	s->sweep = sweep;
	s->shard = 0;
	s->open = false;
}

static bool
open_next(struct scan *s, struct fault *why)
{
	char name[3];

	while (s->shard < SPOOL_SHARDS) {
		snprintf(name, sizeof(name), "%02x", s->shard++);
		if (dir_walk_open(&s->walk, s->spool->q, name, why) == 0) {
			s->open = true;
			return true;
		}
	}
	return false;
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
			if (s->sweep && temp_entry(name) != NULL)
				(void)temp_sweep(s->spool, temp_entry(name),
				    TEMP_AGE);
		}
		dir_walk_close(&s->walk);
		s->open = false;
	}
}

void
scan_stop(struct scan *s)
{
	if (s->open)
		dir_walk_close(&s->walk);
	s->open = false;
	s->shard = SPOOL_SHARDS;
}
