/* SPDX-License-Identifier: ISC */
/*
 * Under stress those who have come in numbers and sent nothing make room, sooner
 * than their time is over.  The master knows of its sessions whose they are and
 * since when, and not what they say; so it asks, on the board, and an honest
 * session that has come to its first MAIL does not mind (visit/term).  No session
 * has to tell the master anything, and a stolen one that stays has gained no
 * more than it has anyway, a session's time.
 *
 * Asked by master/master some times in a second while stress lasts.  Costs a walk
 * over all sessions.
 */
#include "master/eviction.h"

static bool
may_go(const struct child *c, int64_t now)
{
	switch (c->seat.rank) {
	case RANK_STRANGER:
	case RANK_CALLER:
		return !c->asked && c->seat.at[0] != 0 &&
		    now - c->since >= EVICTION_AGE;
	case RANK_OURS:
		break;
	}
	return false;
}

int
eviction_next(struct children *all, const struct budget *b, int64_t now)
{
	struct child *c, *found = NULL;
	uint64_t n, most = 0;
	size_t at = 0;

	while ((c = children_walk(all, &at)) != NULL) {
		if (!may_go(c, now))
			continue;
		n = budget_neighbours(b, &c->seat);
		if (found == NULL || n > most ||
		    (n == most && c->since < found->since)) {
			found = c;
			most = n;
		}
	}
	if (found == NULL)
		return -1;
	found->asked = true;
	return (int)found->number;
}
