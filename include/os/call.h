/* SPDX-License-Identifier: ISC */
#ifndef OS_CALL_H
#define OS_CALL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/fault.h"
#include "base/str.h"

/*
 * A question in a datagram, from a process that has inherited a way to ask, and
 * an answer in another, to it alone.  Who asks says the kernel; nothing else
 * goes along, and least of all a descriptor.
 */
#define CALL_NAME_MAX	16

struct call {
	pid_t	pid;			/* alive when it asked */
	uid_t	uid;
	size_t	n;			/* of the name where it is answered */
	uint8_t	name[CALL_NAME_MAX];
};

/* desk[0] is to hear; desk[1] is a hold on it, by which this owner's processes
 * can ask.  A node at path is made for a moment. */
int	call_open(const char *path, uid_t owner, int desk[2], struct fault *);

/* Asks and waits (needs /proc).  The length of the answer; -1 with errno: it
 * could not ask, or there was no answer within that many seconds.  Nobody but
 * who hears at the desk can answer. */
ssize_t	call_ask(int hold, struct str question, void *answer, size_t size,
	    int seconds);

/* Says something that wants no answer; it may be lost, if nobody hears for so
 * many seconds. */
void	call_tell(int hold, struct str packet, int seconds);

/* Never waits.  The length of a question; 0: that was none (longer than size,
 * or nobody's); -1: there is none. */
ssize_t	call_hear(int desk, void *question, size_t size, struct call *);
/* Never waits: who does not listen is not told. */
void	call_answer(int desk, const struct call *, struct str answer);

#endif
