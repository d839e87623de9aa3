/* SPDX-License-Identifier: ISC */
/*
 * Memory that is given out piece by piece and freed whole.
 *
 * An arena is a chain of blocks; only the newest is cut further.  A request
 * that is large against a block gets a block of its own, which is linked
 * behind the newest, so that the newest's free room is not lost by it.
 * Blocks come from the heap uncleared and a piece is cleared when it is cut:
 * a block that arena_reset() kept is dirty anyhow.
 *
 * Always true: next points at `left` free bytes of the first block; when
 * there is no block, or the first is a large one, left is 0.
 *
 * Nearly everybody is a caller: session, message, delivery each own one.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/text.h"

/* What malloc fits into two pages together with its own header.  The first is
 * short: a session that only waits takes no more. */
#define BLOCK_SIZE	(8192 - 16 - sizeof(struct arena_block))
#define FIRST_SIZE	(2048 - 16 - sizeof(struct arena_block))
#define LARGE_SIZE	(BLOCK_SIZE / 4)
#define ALIGN		_Alignof(max_align_t)

struct arena_block {
	struct arena_block	*older;
	size_t			 size;
	_Alignas(max_align_t) char data[];
};

static struct arena_block *
new_block(size_t size)
{
	struct arena_block	*block;
	size_t			 n;

	if (__builtin_add_overflow(size, sizeof(*block), &n))
		die("out of memory (%zu bytes)", size);
	block = mem_resize(NULL, n);
	block->older = NULL;
	block->size = size;
	return block;
}

static char *
take_large(struct arena *a, size_t n)
{
	struct arena_block	*block = new_block(n);

	if (a->blocks == NULL) {
		a->blocks = block;
	} else {
		block->older = a->blocks->older;
		a->blocks->older = block;
	}
	return block->data;
}

/* With n free bytes or more; n is not large. */
static void
add_block(struct arena *a, size_t n)
{
	bool			 first = a->blocks == NULL && n <= FIRST_SIZE;
	struct arena_block	*block = new_block(first ? FIRST_SIZE :
	    BLOCK_SIZE);

	block->older = a->blocks;
	a->blocks = block;
	a->next = block->data;
	a->left = block->size;
}

/* n uncleared bytes; align is a power of two. */
static char *
take(struct arena *a, size_t n, size_t align)
{
	size_t	pad = -(uintptr_t)a->next & (align - 1);
	char	*p;

	a->total += n;
	if (n > a->left || pad > a->left - n) {
		if (n > LARGE_SIZE)
			return take_large(a, n);
		add_block(a, n);
		pad = 0;
	}
	p = a->next + pad;
	a->next = p + n;
	a->left -= pad + n;
	return p;
}

void
arena_init(struct arena *a)
{
	*a = (struct arena){ 0 };
}

void *
arena_alloc(struct arena *a, size_t n)
{
	char	*p = take(a, n != 0 ? n : 1, ALIGN);

	return memset(p, 0, n);
}

struct str
arena_str(struct arena *a, struct str s)
{
	char	*p;

	must(s.n < SIZE_MAX);
	p = take(a, s.n + 1, 1);
	if (s.n != 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return str_span(p, s.n);
}

struct str
arena_printf(struct arena *a, const char *fmt, ...)
{
	char	 small[256], *p;
	va_list	 ap;
	size_t	 size;

	va_start(ap, fmt);
	size = text_vprint(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (size < sizeof(small))
		return arena_str(a, str_span(small, size));
	p = take(a, size + 1, 1);
	va_start(ap, fmt);
	(void)text_vprint(p, size + 1, fmt, ap);
	va_end(ap);
	return str_span(p, size);
}

void
arena_reset(struct arena *a)
{
	struct arena_block	*block, *older, *keep = NULL;

	for (block = a->blocks; block != NULL; block = older) {
		older = block->older;
		if (keep == NULL && block->size == BLOCK_SIZE)
			keep = block;
		else
			mem_free(block);
	}
	arena_init(a);
	if (keep == NULL)
		return;
	keep->older = NULL;
	a->blocks = keep;
	a->next = keep->data;
	a->left = keep->size;
}

void
arena_free(struct arena *a)
{
	struct arena_block	*block, *older;

	for (block = a->blocks; block != NULL; block = older) {
		older = block->older;
		mem_free(block);
	}
	arena_init(a);
}
