/* SPDX-License-Identifier: ISC */
/*
 * Networks as a map.
 *
 * They are kept sorted.  An address is asked for once for each length of
 * prefix that there is in the file, the longest first: it is cut to that
 * length and looked for by bisection.  There are seldom more than a few
 * lengths, so a list of a hundred thousand networks costs some dozen
 * comparisons, and no order of its lines is dear.
 *
 * Malformed lines are errors with file, line and column; bits behind a prefix
 * are such an error, because somebody meant something else.  Made by
 * policy/lists; never changed afterwards.
 */
#include "map/cidr.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "map/flat.h"

#define BITS_MAX	128

struct row {
	struct ipnet	 net;		/* first: cidr_find() gives it away */
	unsigned	 line;
};

struct cidr {
	struct map	 map;
	struct arena	 arena;
	VEC(struct row)	 rows;		/* in the order of compare() */
	bool		 lengths[2][BITS_MAX + 1];	/* IPv4, IPv6 */
};

static int
compare(const void *a, const void *b)
{
	const struct ipnet *x = &((const struct row *)a)->net;
	const struct ipnet *y = &((const struct row *)b)->net;
	int order = (x->ip.family > y->ip.family) -
	    (x->ip.family < y->ip.family);

	if (order == 0)
		order = memcmp(x->ip.b, y->ip.b, sizeof(x->ip.b));
	return order != 0 ? order : (x->bits > y->bits) - (x->bits < y->bits);
}

/* The network of this length around the address. */
static struct ipnet
cut(const struct ip *ip, unsigned bits)
{
	struct ipnet net = { .bits = (uint8_t)bits };
	size_t whole = bits / 8;

	net.ip.family = ip->family;
	memcpy(net.ip.b, ip->b, whole);
	if (bits % 8 != 0)
		net.ip.b[whole] = (uint8_t)(ip->b[whole] &
		    (0xff00U >> (bits % 8)));
	return net;
}

const struct ipnet *
cidr_find(const struct map *map, const struct ip *ip)
{
	const struct cidr *m = (const struct cidr *)map;
	const struct row *found = NULL;
	struct row key = { .line = 0 };
	int bits;

	if ((ip->family != 4 && ip->family != 6) || m->rows.n == 0)
		return NULL;
	for (bits = ip->family == 4 ? 32 : BITS_MAX; bits >= 0 &&
	    found == NULL; bits--) {
		if (!m->lengths[ip->family == 6][bits])
			continue;
		key.net = cut(ip, (unsigned)bits);
		found = bsearch(&key, m->rows.p, m->rows.n, sizeof(key),
		    compare);
	}
	return found != NULL ? &found->net : NULL;
}

unsigned
cidr_line(const struct ipnet *net)
{
	return ((const struct row *)(const void *)net)->line;
}

static int
find(struct map *map, struct arena *arena, struct str key, struct str *value,
    struct fault *why)
{
	const struct ipnet *net;
	struct buf text = { 0 };
	struct ip ip;

	(void)why;
	if (!ip_parse(key, &ip) || (net = cidr_find(map, &ip)) == NULL)
		return 0;
	ipnet_put(&text, net);
	*value = arena_str(arena, buf_str(&text));
	buf_free(&text);
	return 1;
}

static void
close_map(struct map *map)
{
	struct cidr *m = (struct cidr *)map;

	arena_free(&m->arena);
	mem_free(m);
}

static const struct map_ops cidr_ops = { find, close_map };

static void
add(struct cidr *m, struct flat_lines *l, struct str text)
{
	struct row row = { .line = l->number };

	if (!ipnet_parse(text, &row.net)) {
		flat_lines_expected(l, text, "a network such as 192.0.2.0/24 "
		    "or 2001:db8::/32, zero behind its prefix");
		return;
	}
	m->lengths[row.net.ip.family == 6][row.net.bits] = true;
	vec_push(&m->arena, &m->rows, row);
}

struct map *
cidr_load(const char *path, struct buf *errors)
{
	struct cidr *m = mem_alloc(sizeof(*m));
	struct flat_lines l;
	struct str key, value;
	bool ok;

	m->map.ops = &cidr_ops;
	if (flat_lines_open(&l, path, errors))
		while (flat_lines_next(&l, &key, &value))
			add(m, &l, key);
	ok = l.wrong == 0;
	flat_lines_close(&l);
	if (!ok) {
		close_map(&m->map);
		return NULL;
	}
	if (m->rows.n > 0)
		qsort(m->rows.p, m->rows.n, sizeof(*m->rows.p), compare);
	return &m->map;
}
