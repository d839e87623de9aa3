/* SPDX-License-Identifier: ISC */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A doubly linked ring; the links live inside the members.  The head is a
 * struct list as well.  A member that is in no list has next == NULL.
 */
struct list {
	struct list	*next, *prev;
};

/* The object of which `link` is the member `field`. */
#define LIST_OF(link, type, field)					\
	((type *)(void *)((char *)(link) - offsetof(type, field)))
/* link runs over the ring; it must not be removed inside the loop. */
#define LIST_EACH(link, head)						\
	for (link = (head)->next; link != (head); link = link->next)

void	list_init(struct list *head);
bool	list_is_empty(const struct list *head);
bool	list_has_place(const struct list *link);	/* is in some list */
void	list_append(struct list *head, struct list *link);
void	list_prepend(struct list *head, struct list *link);
void	list_remove(struct list *link);		/* harmless if in none */
struct list *list_first(struct list *head);	/* NULL when empty */
struct list *list_shift(struct list *head);	/* removes it; or NULL */

#endif
