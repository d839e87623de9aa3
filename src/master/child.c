/* SPDX-License-Identifier: ISC */
/*
 * Which session is which client's: from the process that has ended to the seat
 * that it gives back (master/budget).  The master forks and reaps.
 *
 * A hash of process numbers with linear probing, never more than half full, so
 * that each step costs the same at ten sessions and at ten thousand.  The
 * numbers come from the kernel, one after the other: nobody chooses them, and a
 * multiplication scatters them.  Removing closes the gap at once; there are no
 * graves, and a probe ends at the first free slot.
 */

#include "master/child.h"

#include <string.h>

#include "base/die.h"
#include "base/mem.h"

static size_t
size_of(const struct children *c)
{
	return ((size_t)1 << c->bits) * sizeof(*c->child);
}

void
children_init(struct children *c, size_t max)
{
	memset(c, 0, sizeof(*c));
	c->max = max;
	while ((size_t)1 << c->bits < 2 * max)
		c->bits++;
	c->child = mem_apart(size_of(c));
}

void
children_free(struct children *c)
{
	mem_apart_free(c->child, size_of(c));
	memset(c, 0, sizeof(*c));
}

/* Fibonacci hashing: the upper bits of the product are the scattered ones. */
static size_t
home(const struct children *c, pid_t pid)
{
	uint32_t product = (uint32_t)pid * UINT32_C(2654435769);

	return (size_t)((uint64_t)product >> (32 - c->bits));
}

static size_t
next(const struct children *c, size_t i)
{
	return (i + 1) & (((size_t)1 << c->bits) - 1);
}

/* The slot of the process, or the free one where it would be put. */
static size_t
look(const struct children *c, pid_t pid)
{
	size_t i = home(c, pid);

	while (c->child[i].pid != 0 && c->child[i].pid != pid)
		i = next(c, i);
	return i;
}

void
children_add(struct children *c, pid_t pid, const struct budget_seat *seat)
{
	must(c->n < c->max && pid > 0);
	c->child[look(c, pid)] = (struct child){ pid, *seat };
	c->n++;
}

struct budget_seat *
children_find(const struct children *c, pid_t pid)
{
	struct child *child = pid > 0 ? &c->child[look(c, pid)] : NULL;

	return child != NULL && child->pid != 0 ? &child->seat : NULL;
}

/* Does the way from its home to i lead over the gap? */
static bool
may_fill(const struct children *c, size_t gap, size_t i)
{
	size_t mask = ((size_t)1 << c->bits) - 1;
	size_t from = home(c, c->child[i].pid);

	return ((i - from) & mask) >= ((i - gap) & mask);
}

bool
children_remove(struct children *c, pid_t pid, struct budget_seat *seat)
{
	size_t gap = look(c, pid);

	if (pid <= 0 || c->child[gap].pid == 0)
		return false;
	*seat = c->child[gap].seat;
	for (size_t i = next(c, gap); c->child[i].pid != 0; i = next(c, i))
		if (may_fill(c, gap, i)) {
			c->child[gap] = c->child[i];
			gap = i;
		}
	c->child[gap].pid = 0;
	c->n--;
	return true;
}
