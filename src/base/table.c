/* SPDX-License-Identifier: ISC */
/*
 * A hash table from byte strings to pointers.
 *
 * Open addressing with linear probing in an array whose size is a power of
 * two.  Each slot keeps the whole hash, so a probe compares bytes only when
 * the keys are equal almost for sure, and growing hashes nothing again.
 * A removed entry leaves a grave, so that the chains through it hold; graves
 * in front of a free slot are cleared at once, the rest when the table is
 * built anew.  At most three quarters of the slots are in use, graves
 * counted; so a free slot always ends a probe.
 *
 * Clients choose many of the keys (addresses, domains), hence a keyed hash:
 * with it nobody outside can make all keys fall on one chain.
 *
 * Keys and values belong to the caller.  Callers are whoever looks things up
 * by name: limits per address, queues per destination, open maps.
 */
#include "base/table.h"

#include <sys/random.h>

#include <errno.h>
#include <string.h>

#include "base/die.h"
#include "base/mem.h"

#define FIRST_CAP	16

struct table_slot {
	const char	*p;
	size_t		 n;
	uint64_t	 hash;		/* of a grave: GRAVE */
	void		*value;		/* NULL: free or a grave */
};

#define GRAVE	1

struct sip {
	uint64_t	a, b, c, d;
};

static uint64_t
rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void
mix(struct sip *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = rotate(s->b, 13) ^ s->a;
	s->d = rotate(s->d, 16) ^ s->c;
	s->a = rotate(s->a, 32);
	s->c += s->b;
	s->a += s->d;
	s->b = rotate(s->b, 17) ^ s->c;
	s->d = rotate(s->d, 21) ^ s->a;
	s->c = rotate(s->c, 32);
}

static void
absorb(struct sip *s, uint64_t word)
{
	s->d ^= word;
	mix(s);
	mix(s);
	s->a ^= word;
}

/* Up to eight bytes, the first the least. */
static uint64_t
little(const char *p, size_t n)
{
	uint64_t	w = 0;
	size_t		i;

	for (i = 0; i < n; i++)
		w |= (uint64_t)(uint8_t)p[i] << (8 * i);
	return w;
}

uint64_t
table_hash(const uint64_t key[2], struct str bytes)
{
	struct sip	s = {
		key[0] ^ UINT64_C(0x736f6d6570736575),
		key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261),
		key[1] ^ UINT64_C(0x7465646279746573),
	};
	size_t		i, whole = bytes.n & ~(size_t)7;

	for (i = 0; i < whole; i += 8)
		absorb(&s, little(bytes.p + i, 8));
	absorb(&s, (uint64_t)bytes.n << 56 |
	    little(bytes.p + whole, bytes.n - whole));
	s.c ^= 0xff;
	for (i = 0; i < 4; i++)
		mix(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

void
table_draw_key(uint64_t key[2])
{
	const size_t	n = 2 * sizeof(key[0]);
	ssize_t		r;

	do
		r = getrandom(key, n, 0);
	while (r == -1 && errno == EINTR);
	if (r != (ssize_t)n)
		die("getrandom: %s", strerror(errno));
}

void
table_init(struct table *t)
{
	*t = (struct table){ 0 };
}

void
table_free(struct table *t)
{
	mem_free(t->slots);
	table_init(t);
}

static bool
is_free(const struct table_slot *slot)
{
	return slot->value == NULL && slot->hash != GRAVE;
}

/* The slot of the key, or NULL. */
static struct table_slot *
look(const struct table *t, struct str key, uint64_t hash)
{
	struct table_slot	*slot;
	size_t			 i, mask = t->cap - 1;

	for (i = hash & mask;; i = (i + 1) & mask) {
		slot = &t->slots[i];
		if (is_free(slot))
			return NULL;
		if (slot->value != NULL && slot->hash == hash &&
		    str_eq(str_span(slot->p, slot->n), key))
			return slot;
	}
}

/* The first slot without an entry on the chain of the hash. */
static struct table_slot *
place(const struct table *t, uint64_t hash)
{
	size_t	i, mask = t->cap - 1;

	for (i = hash & mask; t->slots[i].value != NULL; )
		i = (i + 1) & mask;
	return &t->slots[i];
}

/* Makes room for one more: in a larger array, or in one without graves. */
static void
rebuild(struct table *t)
{
	struct table	old = *t;
	size_t		i;

	if (t->cap == 0) {
		table_draw_key(t->key);
		t->cap = FIRST_CAP;
	} else if (t->n >= t->cap / 8 * 3) {
		if (__builtin_mul_overflow(t->cap, (size_t)2, &t->cap))
			die("out of memory (%zu entries)", t->n);
	}
	t->slots = mem_array(t->cap, sizeof(*t->slots));
	t->used = t->n;
	for (i = 0; i < old.cap; i++)
		if (old.slots[i].value != NULL)
			*place(t, old.slots[i].hash) = old.slots[i];
	mem_free(old.slots);
}

void *
table_find(const struct table *t, struct str key)
{
	struct table_slot	*slot;

	if (t->n == 0)
		return NULL;
	slot = look(t, key, table_hash(t->key, key));
	return slot != NULL ? slot->value : NULL;
}

void *
table_put(struct table *t, struct str key, void *value)
{
	struct table_slot	*slot;
	uint64_t		 hash;
	void			*former;

	must(value != NULL);
	if (t->used >= t->cap / 4 * 3)
		rebuild(t);
	hash = table_hash(t->key, key);
	slot = look(t, key, hash);
	if (slot != NULL) {
		former = slot->value;
	} else {
		former = NULL;
		slot = place(t, hash);
		if (is_free(slot))
			t->used++;
		t->n++;
	}
	/* The new key, too: the old one may go with its value. */
	*slot = (struct table_slot){ key.p, key.n, hash, value };
	return former;
}

void *
table_remove(struct table *t, struct str key)
{
	struct table_slot	*slot;
	size_t			 i, mask = t->cap - 1;
	void			*value;

	if (t->n == 0)
		return NULL;
	slot = look(t, key, table_hash(t->key, key));
	if (slot == NULL)
		return NULL;
	value = slot->value;
	*slot = (struct table_slot){ .hash = GRAVE };
	t->n--;
	i = (size_t)(slot - t->slots);
	if (!is_free(&t->slots[(i + 1) & mask]))
		return value;
	for (; t->slots[i].value == NULL && t->slots[i].hash == GRAVE;
	    i = (i - 1) & mask) {
		t->slots[i].hash = 0;
		t->used--;
	}
	return value;
}

bool
table_next(const struct table *t, size_t *at, struct str *key, void **value)
{
	const struct table_slot	*slot;

	while (*at < t->cap) {
		slot = &t->slots[(*at)++];
		if (slot->value == NULL)
			continue;
		*key = str_span(slot->p, slot->n);
		*value = slot->value;
		return true;
	}
	return false;
}
