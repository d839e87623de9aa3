/* SPDX-License-Identifier: ISC */
#ifndef MAP_CIDR_H
#define MAP_CIDR_H

#include "base/buf.h"
#include "base/ip.h"
#include "map/map.h"

/*
 * A text file of networks: "192.0.2.0/24", "2001:db8::/32", "198.51.100.7", one
 * a line, with comments as in map/flat; what else stands on a line is for
 * people.  The key is the text of an address, the value the narrowest network
 * that holds it.
 */
/* NULL with the errors, as flat_load(). */
struct map *cidr_load(const char *path, struct buf *errors);
/* The same question without a text: the network, or NULL. */
const struct ipnet *cidr_find(const struct map *, const struct ip *);
/* The line of one that was found. */
unsigned cidr_line(const struct ipnet *);

#endif
