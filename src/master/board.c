/* SPDX-License-Identifier: ISC */
/*
 * The board on which the master writes for its sessions.  They cannot write on
 * it, and nothing on it is what one of them has said about itself alone: that
 * the disk has failed needs two who say so (spool/health), and passes in a
 * minute.
 *
 * Written by the master's one thread; a session sees a change at its next look,
 * which costs no system call.
 */
#include "master/board.h"

#include <stdatomic.h>

#include "os/clock.h"
#include "os/log.h"

enum {
	FEW = 8,			/* part of those that are many */
};

void
board_init(struct board *b, const struct conf_budget *c,
    struct notices *notices)
{
	*b = (struct board){ .notices = notices };
	stress_init(&b->stress, c);
}

void
board_lack(struct board *b)
{
	stress_lack(&b->stress, clock_boot_ms());
}

void
board_waited(struct board *b, unsigned ms, int64_t now)
{
	stress_waited(&b->stress, ms, now);
}

void
board_hear(struct board *b, const struct tally *t, int64_t now)
{
	if (!t->disk)
		return;
	health_failed(&b->health, now);
	atomic_store(&b->notices->sick_until, b->health.sick_until);
}

void
board_send_away(struct board *b, uint32_t number, bool leaves)
{
	atomic_store(&b->notices->leave[number], leaves);
}

bool
board_wonders(const struct board *b, uint64_t open)
{
	return b->stress.enter > 0 && open >= b->stress.enter / FEW;
}

bool
board_is_stressed(const struct board *b)
{
	return b->stress.reason != STRESS_NONE;
}

void
board_look(struct board *b, uint64_t open, int64_t now)
{
	if (!stress_judge(&b->stress, open, now))
		return;
	atomic_store(&b->notices->stressed, board_is_stressed(b));
	if (board_is_stressed(b))
		log_warning("stress: %s; strangers are given less time and "
		    "fewer errors", stress_text(b->stress.reason));
	else
		log_info("stress is over");
}
