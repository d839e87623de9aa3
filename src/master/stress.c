/* SPDX-License-Identifier: ISC */
/*
 * When the master calls it stress, and when it is over.  It begins at once, as
 * soon as sessions, processors or anything else run short; it ends when all of
 * it has been well below that for a while, so that a server at the limit does
 * not go to and fro between two ways of treating its clients.
 *
 * Asked by the master when somebody comes and, while it lasts, once a second.
 * What follows from it is the sessions' matter (visit/session), who see it on a
 * page that only the master writes (os/pane).
 */
#include "master/stress.h"

#include "base/die.h"

enum {
	LEAVE_PERCENT = 75,		/* of what began it */
	CALM_MS = 10 * 1000,
	LACK_MS = 30 * 1000,		/* for how long a lack counts */
	LATE_MS = 200,			/* to wait to be accepted, */
	LATE_TIMES = 2,			/* twice in succession */
};

void
stress_init(struct stress *s, const struct conf_budget *c)
{
	*s = (struct stress){ .enter = c->most * c->stress / 100 };
	if (c->stress == 0)
		return;
	if (s->enter == 0)
		s->enter = 1;
	s->leave = s->enter * LEAVE_PERCENT / 100;
	if (s->leave == 0)
		s->leave = 1;
}

void
stress_lack(struct stress *s, int64_t now)
{
	s->lack_at = now;
}

void
stress_waited(struct stress *s, unsigned ms, int64_t now)
{
	if (ms < LATE_MS) {
		s->late = 0;
		return;
	}
	s->late++;
	s->late_at = now;
}

/* Of sessions fewer are enough once it has begun. */
static enum stress_reason
look(const struct stress *s, uint64_t open, int64_t now)
{
	if (open >= (s->reason != STRESS_NONE ? s->leave : s->enter))
		return STRESS_SESSIONS;
	if (s->lack_at != 0 && now - s->lack_at < LACK_MS)
		return STRESS_LACK;
	if (s->late >= LATE_TIMES && now - s->late_at < LACK_MS)
		return STRESS_LATE;
	return STRESS_NONE;
}

bool
stress_judge(struct stress *s, uint64_t open, int64_t now)
{
	enum stress_reason found;

	if (s->enter == 0)
		return false;
	found = look(s, open, now);
	if (s->reason == STRESS_NONE) {
		s->reason = found;
		s->calm_since = 0;
		return found != STRESS_NONE;
	}
	if (found != STRESS_NONE) {
		s->calm_since = 0;
		return false;
	}
	if (s->calm_since == 0)
		s->calm_since = now;
	if (now - s->calm_since < CALM_MS)
		return false;
	s->reason = STRESS_NONE;
	return true;
}

const char *
stress_text(enum stress_reason reason)
{
	switch (reason) {
	case STRESS_NONE:
		return "all is well";
	case STRESS_SESSIONS:
		return "most sessions are taken";
	case STRESS_LACK:
		return "memory, processes or descriptors run short";
	case STRESS_LATE:
		return "the processors are overloaded";
	}
	bug("no reason");
}
