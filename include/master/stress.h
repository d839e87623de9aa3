/* SPDX-License-Identifier: ISC */
#ifndef MASTER_STRESS_H
#define MASTER_STRESS_H

#include <stdbool.h>
#include <stdint.h>
#include "conf/conf.h"

/*
 * Is there little left?  Then who is not ours is given less time and less
 * patience (SECURITY 4.6).  Pure: times are clock_boot_ms(), what there is
 * comes in as numbers.
 */
enum stress_reason {
	STRESS_NONE,
	STRESS_SESSIONS,	/* most sessions are taken */
	STRESS_LACK,		/* of memory, processes, descriptors */
	STRESS_LATE,		/* of processors: who comes has to wait */
};

struct stress {
	uint64_t		enter, leave;	/* sessions; 0: never */
	int64_t			lack_at;	/* 0: never */
	unsigned		late;		/* looks that found it so */
	int64_t			late_at;
	int64_t			calm_since;	/* 0: it is not calm */
	enum stress_reason	reason;		/* now */
};

void	stress_init(struct stress *, const struct conf_budget *);
/* There was no memory, no process or no descriptor for somebody. */
void	stress_lack(struct stress *, int64_t now);
/* So many ms one has waited to be accepted, who was asked. */
void	stress_waited(struct stress *, unsigned ms, int64_t now);
/* Looks at it, with so many open sessions.  True when it has begun or ended. */
bool	stress_judge(struct stress *, uint64_t open, int64_t now);
const char *stress_text(enum stress_reason);

#endif
