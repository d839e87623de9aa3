/* SPDX-License-Identifier: ISC */
/*
 * Who is known from before a reload: an array of sets, found by a keyed hash, in
 * which of four neighbours the one that did well longest ago gives way, and first
 * who has brought mail only: anybody can, from as many addresses as he has, and
 * must not put out those from where users have logged in within a day.  Its key is
 * drawn by whoever writes first.
 *
 * An old master and a new one may write at once.  The prefix is written last, and
 * taken away first, so what is read belongs together but for the narrowest chance;
 * then an address has another's merits, which are a better seat for a day.
 *
 * Called by master/budget; what it is worth is decided there.
 */
#include "master/regulars.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/table.h"

enum {
	SETS = 4096,
	WAYS = 4,
};

struct regular {
	uint64_t		prefix;
	uint32_t		kind;
	uint32_t		is_there;
	struct regular_deeds	did;
};

struct regulars {
	uint64_t	key[2];		/* 0: nobody is there */
	struct regular	set[SETS][WAYS];
};

_Static_assert(sizeof(struct regulars) <= REGULARS_ROOM, "more than its room");

static size_t
set_of(const struct regulars *r, uint32_t kind, uint64_t prefix)
{
	uint64_t words[2] = { prefix, kind };

	return table_hash(r->key, str_span((const char *)words,
	    sizeof(words))) % SETS;
}

static bool
is_that(const struct regular *r, uint32_t kind, uint64_t prefix)
{
	return __atomic_load_n(&r->is_there, __ATOMIC_ACQUIRE) != 0 &&
	    r->kind == kind && r->prefix == prefix;
}

struct regular_deeds
regulars_find(const struct regulars *r, uint32_t kind, uint64_t prefix)
{
	const struct regular *set;

	if (r->key[0] == 0)
		return (struct regular_deeds){ 0, 0 };
	set = r->set[set_of(r, kind, prefix)];
	for (int i = 0; i < WAYS; i++)
		if (is_that(&set[i], kind, prefix))
			return set[i].did;
	return (struct regular_deeds){ 0, 0 };
}

static int64_t
latest(const struct regular_deeds *d)
{
	return d->good_at > d->login_at ? d->good_at : d->login_at;
}

static bool
is_login(const struct regular_deeds *d, int64_t now)
{
	return d->login_at != 0 && now - d->login_at < REGULARS_DAY;
}

/* Does a give way before b? */
static bool
is_less(const struct regular_deeds *a, const struct regular_deeds *b,
    int64_t now)
{
	bool login = is_login(a, now);

	return login != is_login(b, now) ? !login : latest(a) < latest(b);
}

void
regulars_note(struct regulars *r, uint32_t kind, uint64_t prefix,
    const struct regular_deeds *did)
{
	struct regular *set, *to;
	int64_t now = latest(did);

	if (r->key[0] == 0)
		table_draw_key(r->key);
	set = to = r->set[set_of(r, kind, prefix)];
	for (int i = 0; i < WAYS; i++) {
		if (is_that(&set[i], kind, prefix)) {
			to = &set[i];
			break;
		}
		if (is_less(&set[i].did, &to->did, now))
			to = &set[i];
	}
	if (!is_that(to, kind, prefix) && is_less(did, &to->did, now))
		return;
	__atomic_store_n(&to->is_there, 0, __ATOMIC_SEQ_CST);
	to->prefix = prefix;
	to->kind = kind;
	to->did = *did;
	__atomic_store_n(&to->is_there, 1, __ATOMIC_RELEASE);
}
