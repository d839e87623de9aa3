/* SPDX-License-Identifier: ISC */
/*
 * A doubly linked ring whose links live inside the members.
 *
 * Nothing is allocated and nothing is owned: an object may be in as many
 * lists as it has links, and it must leave them before it goes.  Every
 * operation takes the same small time.
 *
 * Always true: for every link that is in a list, next->prev and prev->next
 * are the link itself; a link that is in none has next == NULL.  Callers are
 * the ones that keep order among things: schedules, waiting rows, children.
 */
#include "base/list.h"

#include "base/die.h"

static void
join(struct list *before, struct list *link, struct list *after)
{
	must(link->next == NULL);
	link->prev = before;
	link->next = after;
	before->next = link;
	after->prev = link;
}

void
list_init(struct list *head)
{
	head->next = head->prev = head;
}

bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

bool
list_has_place(const struct list *link)
{
	return link->next != NULL;
}

void
list_append(struct list *head, struct list *link)
{
	join(head->prev, link, head);
}

void
list_prepend(struct list *head, struct list *link)
{
	join(head, link, head->next);
}

void
list_remove(struct list *link)
{
	if (link->next == NULL)
		return;
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = link->prev = NULL;
}

struct list *
list_first(struct list *head)
{
	return list_is_empty(head) ? NULL : head->next;
}

struct list *
list_shift(struct list *head)
{
	struct list	*link = list_first(head);

	if (link != NULL)
		list_remove(link);
	return link;
}
