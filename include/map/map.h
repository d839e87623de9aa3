/* SPDX-License-Identifier: ISC */
#ifndef MAP_MAP_H
#define MAP_MAP_H

#include "base/arena.h"
#include "base/fault.h"

/*
 * A map from keys to values behind one face; what is behind it is an ops
 * struct (compiled Berkeley DB, and others to come).
 */
struct map;
struct map_ops {
	int	(*find)(struct map *, struct arena *, struct str key,
		    struct str *value, struct fault *);
	void	(*close)(struct map *);
};
struct map {
	const struct map_ops	*ops;
};

/* 1 found (value in the arena), 0 not found, -1 it could not be asked: a
 * temporary fault, never to be read as "not found". */
int	map_find(struct map *, struct arena *, struct str key,
	    struct str *value, struct fault *);
void	map_close(struct map *);		/* NULL is harmless */

#endif
