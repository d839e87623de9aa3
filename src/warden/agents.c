/* SPDX-License-Identifier: ISC */
/*
 * Who was forked to deliver, by process number, since so many may be at once
 * and no more.  They are known by name and not only counted: where the warden
 * is process 1, the orphans of others end with it as well, as do the
 * grandchildren of our own services, and each of them would make room for an
 * agent too many.  For want of memory there is one agent less, and no end.
 *
 * Belongs to the warden, who forks them and buries all (warden/service).
 */
#include "warden/agents.h"

#include <string.h>

#include "base/die.h"
#include "base/mem.h"

enum { ROOM_FIRST = 16 };

void
agents_free(struct agents *a)
{
	mem_free(a->pid);
	*a = (struct agents){ 0 };
}

bool
agents_have_room(struct agents *a)
{
	unsigned room = a->room == 0 ? ROOM_FIRST : 2 * a->room;
	pid_t *more;

	if (a->n < a->room)
		return true;
	if ((more = mem_try(room * sizeof(*more))) == NULL)
		return false;
	if (a->n > 0)
		memcpy(more, a->pid, a->n * sizeof(*more));
	mem_free(a->pid);
	a->pid = more;
	a->room = room;
	return true;
}

void
agents_add(struct agents *a, pid_t pid)
{
	must(a->n < a->room);
	a->pid[a->n++] = pid;
}

void
agents_forget(struct agents *a, pid_t pid)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->pid[i] == pid) {
			a->pid[i] = a->pid[--a->n];
			return;
		}
}
