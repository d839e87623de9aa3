/* SPDX-License-Identifier: ISC */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/str.h"

/*
 * A hash table from byte strings to pointers.  The hash is SipHash-2-4 with a
 * random key per table, so that no outsider can choose collisions.  Keys are
 * not copied: they must live as long as their entry.  Values are never NULL.
 * A zeroed struct table is an empty one.
 */
struct table_slot;
struct table {
	struct table_slot	*slots;
	size_t			 n, cap, used;	/* used counts graves too */
	uint64_t		 key[2];	/* drawn at the first put */
};

/* A random key; no random numbers are the end of the process. */
void	 table_draw_key(uint64_t key[2]);
/* SipHash-2-4 of the bytes. */
uint64_t table_hash(const uint64_t key[2], struct str);

void	 table_init(struct table *);
void	 table_free(struct table *);		/* not the keys and values */
void	*table_find(const struct table *, struct str key);	/* or NULL */
/* Sets, the key too; returns the former value or NULL. */
void	*table_put(struct table *, struct str key, void *value);
/* Removes; returns the value or NULL. */
void	*table_remove(struct table *, struct str key);
/* Walks in no order: start with *at = 0; false at the end.  The current
 * entry may be removed during the walk, none may be added. */
bool	 table_next(const struct table *, size_t *at, struct str *key,
	    void **value);

#endif
