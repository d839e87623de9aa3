/* SPDX-License-Identifier: ISC */
/*
 * Which session is which client's: from the process that has ended to the seat
 * that it gives back (master/budget).  The master forks and reaps.
 *
 * The doorkeeper reads a copy, in memory that he shares with the masters and no
 * session has (master/roster): so he knows whose connection a process has without
 * asking anybody who would have to answer.  He reads while it may be changed: a
 * number that is odd meanwhile tells him to read again.  A master that dies in the
 * middle of a change leaves it odd, and its sessions strangers, until it is buried;
 * one that loses the copy in the middle of a change ends that one and not the
 * change of who has it now.  Nothing that stands in the copy has a part in what
 * the master itself does.
 *
 * A session is removed after it was waited for, so for a moment its number may
 * be that of a new process, of another master at that: whoever reads takes what
 * the younger master says, and waits where that one is about to say it: the
 * table tells that as well (master/roster).
 *
 * Each has a number, too, by which the master can reach it on a page that all
 * sessions read (visit/peer); the smallest numbers are not always used first.
 *
 * A hash of process numbers with linear probing, never more than half full, so
 * that each step costs the same at ten sessions and at ten thousand.  The
 * numbers come from the kernel, one after the other: nobody chooses them, and a
 * multiplication scatters them.  Removing closes the gap at once; there are no
 * graves, and a probe ends at the first free slot.
 */

#include "master/child.h"

#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"

enum {
	PATIENCE = 1000,		/* looks at a table that changes */
};

static size_t
size_of(const struct child_table *t)
{
	return sizeof(*t) + ((size_t)1 << t->bits) * sizeof(t->child[0]);
}

/* Between the two whoever reads waits or reads again.  The next odd number, which
 * is another one than that of who has not come to his end. */
static uint32_t
begin(struct child_table *t)
{
	uint32_t was = __atomic_load_n(&t->turn, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(&t->turn, &was, (was + 1) | 1,
	    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (was + 1) | 1;
}

/* Of that change, and of none that somebody else has begun since. */
static void
end(struct child_table *t, uint32_t turn)
{
	(void)__atomic_compare_exchange_n(&t->turn, &turn, turn + 1, false,
	    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

static void
show(struct children *c, struct child_table *room, unsigned bits)
{
	uint32_t turn;

	c->shown = room;
	/* Its former master may be in the middle of a change, or have died
	 * there. */
	turn = begin(room);
	__atomic_store_n(&room->serial, c->serial, __ATOMIC_SEQ_CST);
	room->bits = bits;
	__atomic_store_n(&room->expected, 0, __ATOMIC_SEQ_CST);
	memset(room->child, 0, size_of(room) - sizeof(*room));
	end(room, turn);
}

void
children_init(struct children *c, size_t max, void *room, uint64_t serial)
{
	struct child_table head = { .bits = 0 };

	memset(c, 0, sizeof(*c));
	c->max = max;
	c->serial = serial;
	while ((size_t)1 << head.bits < 2 * max)
		head.bits++;
	must(head.bits <= CHILDREN_BITS_MAX);
	c->table = mem_apart(size_of(&head));
	c->table->bits = head.bits;
	c->numbers = mem_apart(max * sizeof(*c->numbers));
	for (size_t i = 0; i < max; i++)
		c->numbers[i] = (uint32_t)i;
	if (room != NULL)
		show(c, room, head.bits);
}

static bool
is_ours(const struct children *c)
{
	return __atomic_load_n(&c->shown->serial, __ATOMIC_SEQ_CST) ==
	    c->serial;
}

static void
set_expected(struct children *c, uint32_t n)
{
	if (c->shown != NULL && is_ours(c))
		__atomic_store_n(&c->shown->expected, n, __ATOMIC_SEQ_CST);
}

void
children_expect(struct children *c)
{
	set_expected(c, 1);
}

void
children_expect_no_more(struct children *c)
{
	set_expected(c, 0);
}

void
children_expect_none(int fd)
{
	struct child_table t;

	if (pread(fd, &t, sizeof(t), 0) != (ssize_t)sizeof(t))
		return;
	t.expected = 0;
	/* What was half changed says nothing any more. */
	if (t.turn % 2 != 0) {
		t.bits = 0;
		t.turn++;
	}
	(void)!pwrite(fd, &t, sizeof(t), 0);
}

void
children_free(struct children *c)
{
	mem_apart_free(c->table, size_of(c->table));
	mem_apart_free(c->numbers, c->max * sizeof(*c->numbers));
	memset(c, 0, sizeof(*c));
}

/* Fibonacci hashing: the upper bits of the product are the scattered ones. */
static size_t
home(const struct child_table *c, pid_t pid)
{
	uint32_t product = (uint32_t)pid * UINT32_C(2654435769);

	return (size_t)((uint64_t)product >> (32 - c->bits));
}

static size_t
next(const struct child_table *c, size_t i)
{
	return (i + 1) & (((size_t)1 << c->bits) - 1);
}

/* The slot of the process, or the free one where it would be put.  It ends
 * whatever stands there: a table that is shown may be half somebody else's. */
static size_t
look(const struct child_table *c, pid_t pid)
{
	size_t i = home(c, pid), tries = (size_t)1 << c->bits;

	while (c->child[i].pid != 0 && c->child[i].pid != pid && --tries > 0)
		i = next(c, i);
	return i;
}

/* Does the way from its home to i lead over the gap? */
static bool
may_fill(const struct child_table *c, size_t gap, size_t i)
{
	size_t mask = ((size_t)1 << c->bits) - 1;
	size_t from = home(c, c->child[i].pid);

	return ((i - from) & mask) >= ((i - gap) & mask);
}

static void
drop(struct child_table *t, size_t gap)
{
	size_t first = gap;

	for (size_t i = next(t, gap); t->child[i].pid != 0 && i != first;
	    i = next(t, i))
		if (may_fill(t, gap, i)) {
			t->child[gap] = t->child[i];
			gap = i;
		}
	t->child[gap].pid = 0;
}

/* Where others read, as long as it is ours; to be ended by end(). */
static struct child_table *
begin_shown(struct children *c, uint32_t *turn)
{
	if (c->shown == NULL)
		return NULL;
	if (is_ours(c)) {
		*turn = begin(c->shown);
		/* The next one may have come in between. */
		if (is_ours(c))
			return c->shown;
		end(c->shown, *turn);
	}
	return c->shown = NULL;
}

static void
show_one(struct children *c, const struct child *child)
{
	uint32_t turn;
	struct child_table *t = begin_shown(c, &turn);

	if (t == NULL)
		return;
	t->child[look(t, child->pid)] = *child;
	end(t, turn);
}

uint32_t
children_next(const struct children *c)
{
	must(c->n < c->max);
	return c->numbers[c->n];
}

void
children_add(struct children *c, pid_t pid, const struct ip *ip,
    const struct budget_seat *seat, int64_t now)
{
	struct child child = { .pid = pid, .ip = *ip, .seat = *seat,
	    .since = now, .number = children_next(c) };

	must(pid > 0);
	c->table->child[look(c->table, pid)] = child;
	c->n++;
	show_one(c, &child);
	children_expect_no_more(c);
}

struct child *
children_find(const struct children *c, pid_t pid)
{
	struct child *child = pid > 0 ?
	    &c->table->child[look(c->table, pid)] : NULL;

	return child != NULL && child->pid != 0 ? child : NULL;
}

void
children_tell(struct children *c, pid_t pid, const struct ip *ip, bool speaks)
{
	struct child *child = children_find(c, pid);

	must(child != NULL);
	child->ip = *ip;
	child->told = true;
	child->speaks = speaks;
	show_one(c, child);
}

struct child *
children_walk(const struct children *c, size_t *at)
{
	struct child_table *t = c->table;

	while (*at < (size_t)1 << t->bits)
		if (t->child[(*at)++].pid != 0)
			return &t->child[*at - 1];
	return NULL;
}

bool
children_remove(struct children *c, pid_t pid, struct budget_seat *seat)
{
	struct child *child = children_find(c, pid);
	struct child_table *t;
	uint32_t turn;
	size_t i;

	if (child == NULL)
		return false;
	*seat = child->seat;
	c->numbers[--c->n] = child->number;
	drop(c->table, look(c->table, pid));
	if ((t = begin_shown(c, &turn)) == NULL)
		return true;
	if (t->child[i = look(t, pid)].pid == pid)
		drop(t, i);
	end(t, turn);
	return true;
}

/* A probe that ends whatever it reads, since it may read half a change. */
static bool
read_one(const struct child_table *t, pid_t pid, struct child *out)
{
	uint32_t bits = t->bits;
	struct child_table head = { .bits = bits };
	size_t i, n = (size_t)1 << bits;

	if (bits > CHILDREN_BITS_MAX)
		return false;
	i = home(&head, pid);
	for (size_t tries = 0; tries < n; tries++) {
		*out = t->child[i];
		if (out->pid == pid || out->pid == 0)
			break;
		i = next(&head, i);
	}
	return out->pid == pid;
}

void
children_ask(const void *room, pid_t pid, struct child_sight *seen)
{
	const struct child_table *t = room;

	/* Before it is looked for: what is not expected any more is there. */
	*seen = (struct child_sight){ .expected = __atomic_load_n(
	    &t->expected, __ATOMIC_SEQ_CST) != 0, .serial = t->serial };
	for (int i = 0; i < PATIENCE && pid > 0; i++) {
		uint32_t turn = __atomic_load_n(&t->turn, __ATOMIC_ACQUIRE);
		bool found;

		if (turn % 2 != 0)
			continue;
		seen->serial = t->serial;
		found = t->bits > 0 && read_one(t, pid, &seen->child);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&t->turn, __ATOMIC_RELAXED) == turn) {
			seen->found = found;
			return;
		}
	}
	/* Who is in the middle of a change may be about to add it. */
	seen->expected |= pid > 0;
}
