/* SPDX-License-Identifier: ISC */
/*
 * The face of every map: a key in, a value out, or the honest answer that the
 * map could not be asked.
 *
 * What is behind the face is an ops struct that the backend puts into the
 * first member of its own struct (map/db is the first backend).  Nothing here
 * knows which it is.  Called by route and by whoever is given a map in the
 * configuration.
 *
 * Always true: the answer 0 means that the map was read and the key is not in
 * it.  A backend that is in doubt answers -1 with a temporary fault, so that
 * no mail is refused because a file was damaged.
 */
#include "map/map.h"

#include <stddef.h>

#include "base/die.h"

int
map_find(struct map *m, struct arena *arena, struct str key,
    struct str *value, struct fault *why)
{
	int r;

	r = m->ops->find(m, arena, key, value, why);
	must(r >= 0 || fault_is_temporary(why));
	return r;
}

void
map_close(struct map *m)
{
	if (m != NULL)
		m->ops->close(m);
}
