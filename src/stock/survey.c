/* SPDX-License-Identifier: ISC */
/*
 * Looking over the whole spool, in steps between which fresh mail is served.
 *
 * The first walk is the start: every name is met, and what the index says to
 * be far from due is not opened.  Later ones are for words that were lost, too
 * many at once, or a session that has outlived the warden whose runner it
 * knows.  They follow soon after the start and then once a minute, and pass over
 * what has not changed; in a great crowd they come more seldom, so that they
 * never cost more than some thousandths of a processor.
 *
 * Behind each walk the index is written, of the directories where much is new,
 * one between two waits (in the first walk as soon as each is passed); and of
 * all where anything is, when the runner ends.
 * An index that cannot be written or read costs time and nothing else.
 *
 * Called by queue/runner.
 */

#include "stock/survey.h"

#include <string.h>

#include "os/clock.h"
#include "os/log.h"
#include "stock/index.h"

enum {
	STEP = 4096,			/* names between two waits, */
	OPENED = 16,			/* of which one that is opened is
					 * worth so many */
	SOON_MS = 10 * 1000,		/* from the start to the second walk */
	REST_MS = 60 * 1000,
	NAMES_A_SECOND = 4096,		/* of a walk, in the long run */
	NEWS_MIN = 64,			/* of a directory: worth writing, with */
	NEWS_PART = 8,			/* this part of all that is in it */
};

void
survey_init(struct survey *s, struct stock *stock)
{
	memset(s, 0, sizeof(*s));
	s->stock = stock;
	dormant_init(&s->index);
	s->loaded = s->saving = SPOOL_SHARDS;
}

/* An operator wants mail to be taken and to stay: nobody looks at it. */
static bool
keeps_all(const struct survey *s)
{
	return s->stock->conf->workers == 0;
}

bool
survey_start_due(struct survey *s)
{
	int64_t now = clock_boot_ms();

	if (now < s->due || s->walking)
		return false;
	s->due = now + (s->due == 0 ? SOON_MS : REST_MS);
	if (keeps_all(s))
		return true;
	scan_start(&s->scan, s->stock->spool, true);
	scan_remember(&s->scan, &s->memory, clock_wall());
	s->walking = true;
	s->names = 0;
	return true;
}

static void
end_walk(struct survey *s)
{
	int64_t rest = (int64_t)s->names * 1000 / NAMES_A_SECOND;

	scan_stop(&s->scan);
	s->walking = false;
	s->ended_once = true;
	dormant_clear(&s->index);
	s->loaded = SPOOL_SHARDS;
	s->saving = 0;
	/* What was missed is read by the next, and the others need not be. */
	if (!s->scan.missed)
		stock_has_seen_all(s->stock);
	if (rest > REST_MS)
		s->due = clock_boot_ms() + rest;
}

static bool
is_worth_saving(const struct dormant_shard *d)
{
	return d->news >= NEWS_MIN + d->n / NEWS_PART;
}

static void
save(struct survey *s, unsigned shard)
{
	struct dormant *d = &s->stock->dormant;
	struct fault why;

	/* What fails now will fail for the next, too. */
	d->shard[shard].news = 0;
	if (index_save(s->stock->spool, d, shard, &why) < 0)
		log_warning("index: %s", why.text);
}

/* The first walk has come to another directory.  What it had to open in the
 * last one need not be opened again by the next runner, should this one die. */
static void
load_index(struct survey *s, unsigned shard)
{
	struct fault why;

	if (s->loaded == shard || s->ended_once)
		return;
	if (s->loaded < SPOOL_SHARDS &&
	    is_worth_saving(&s->stock->dormant.shard[s->loaded]))
		save(s, s->loaded);
	dormant_clear(&s->index);
	s->loaded = shard;
	if (index_load(s->stock->spool, &s->index, shard,
	    (int64_t)s->stock->conf->retry.most * 5 / 4, &why) < 0)
		log_warning("%s; its entries will be opened", why.text);
}

static void
walk(struct survey *s)
{
	const char *name;
	struct fault why;

	for (int left = STEP; s->walking && left > 0; left--) {
		name = scan_next(&s->scan, &why);
		if (why.kind != FAULT_NONE)
			log_error("scan: %s", why.text);
		if (name == NULL) {
			end_walk(s);
			return;
		}
		s->names++;
		load_index(s, scan_shard(&s->scan));
		if (stock_found(s->stock, name,
		    dormant_find(&s->index, name)))
			left -= OPENED - 1;
	}
}

/* One that is worth it, behind all that are not. */
static void
save_next(struct survey *s)
{
	while (s->saving < SPOOL_SHARDS) {
		unsigned shard = s->saving++;

		if (is_worth_saving(&s->stock->dormant.shard[shard])) {
			save(s, shard);
			return;
		}
	}
}

void
survey_step(struct survey *s)
{
	walk(s);
	if (!s->walking)
		save_next(s);
}

void
survey_end(struct survey *s)
{
	/* What was not seen yet stands in the old index, if anywhere. */
	unsigned seen = s->ended_once ? SPOOL_SHARDS :
	    s->walking ? scan_shard(&s->scan) : 0;

	if (s->walking)
		scan_stop(&s->scan);
	s->walking = false;
	dormant_clear(&s->index);
	for (unsigned i = 0; i < seen; i++)
		if (s->stock->dormant.shard[i].news > 0)
			save(s, i);
}

int64_t
survey_patience(const struct survey *s)
{
	int64_t now = clock_boot_ms();

	if (s->walking || s->saving < SPOOL_SHARDS)
		return 0;
	return s->due > now ? s->due - now : 0;
}
