/* SPDX-License-Identifier: ISC */
/*
 * The book of what each login has spent.  One whose password was stolen is to be
 * of little use: beyond its budget, messages are held, and somebody is told.
 *
 * An hour begins with a message, and the next one with the first message behind
 * its end; so does a day.  What is held is not counted, but when as many are
 * held as may be sent, the rest has to wait where it is.  Who is told of that is
 * told by a session, with whose message something may go wrong: it is owed until
 * one has said that it was done.
 *
 * To whom a login has written before is known by hashes, of a fixed number: the
 * oldest of eight is forgotten for a new one, and is new again.  Only what was
 * within the budget gets there, so nobody can make others forget much.
 *
 * A login has one budget, by whatever way it came.  One without a pass was
 * proved to its session alone, which could make it up: it spends from the page
 * that is there, but a new one, and what it makes known, gets a place among its
 * like, and drives out nobody.
 *
 * The book is an array in a file that is mapped, with a fixed number of pages;
 * a login's page is sought among four neighbours, and the one that was begun
 * first is given away.  It holds no names.  What it says is our own, and is used
 * as numbers only; one of another size or make is made anew.  The key in it is
 * all that a pass is made of, so passes outlive the process, too.
 *
 * Called by doorkeeper/doorkeeper, whom no session can forge; auth/desk has a copy of
 * the key and nothing else.
 */
#include "auth/spending.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/table.h"
#include "base/text.h"
#include "mail/fold.h"

#define MAGIC	UINT64_C(0x31646e6570734757)

enum {
	SETS = 4096,
	TOLD_SETS = 256,		/* of logins without a pass */
	WAYS = 4,			/* pages of logins */
	KNOWN_SETS = 65536,
	TOLD_KNOWN_SETS = 4096,
	KNOWN_WAYS = 8,			/* recipients */
	HELD_AT_LEAST = 100,		/* before one has to wait */
	OWED_SECONDS = 300,		/* then another one is to tell */
	LOGIN_MAX = 255,		/* octets by which it is known */
};

#define TOLD	UINT32_MAX
#define OWING	(UINT32_MAX - 1)

enum span { SPAN_HOUR, SPAN_DAY, SPANS };

static const int64_t span_ms[SPANS] = { INT64_C(3600000),
    INT64_C(86400000) };

struct period {
	int64_t		begun;		/* 0: never */
	uint32_t	messages, recipients, held;
	uint32_t	told;		/* 0: nobody, and it is news; OWING:
					 * nobody; TOLD; else when a session was
					 * asked to, in seconds from 1 on */
};

struct page {
	uint64_t	name[2];
	struct period	period[SPANS];
};

struct book {
	uint64_t	magic, size;
	struct spending_key key;
	struct page	pages[SETS + TOLD_SETS][WAYS];
	/* Newest first. */
	uint64_t	known[KNOWN_SETS + TOLD_KNOWN_SETS][KNOWN_WAYS];
};

struct spending {
	struct book	*book;
	bool		 in_memory;
};

/* ----------------------------------------------------------- the file --- */

/* One that is all zero. */
static void
begin(struct book *b)
{
	table_draw_key(b->key.words);
	table_draw_key(b->key.words + 2);
	b->size = sizeof(*b);
	b->magic = MAGIC;
}

static int
map_file(struct spending *s, int fd, const char *path, struct fault *why)
{
	struct stat st;
	bool fits;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fault_temporary(why, 451, 3, 0, "%s is no file", path);
	fits = (size_t)st.st_size == sizeof(*s->book);
	/* With room for all of it: a page for which there is none would end
	 * whoever touches it. */
	if ((!fits && ftruncate(fd, 0) < 0) || (errno = posix_fallocate(fd, 0,
	    (off_t)sizeof(*s->book))) != 0)
		return fault_system(why, errno, "%s", path);
	s->book = mmap(NULL, sizeof(*s->book), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (s->book == MAP_FAILED)
		return fault_system(why, errno, "%s", path);
	(void)madvise(s->book, sizeof(*s->book), MADV_DONTFORK);
	if (s->book->magic == MAGIC && s->book->size == sizeof(*s->book))
		return 0;
	if (fits)
		memset(s->book, 0, sizeof(*s->book));
	begin(s->book);
	return 0;
}

int
spending_open(struct spending **out, const char *path, struct fault *why)
{
	struct spending *s = mem_alloc(sizeof(*s));
	int fd, r = 0;

	s->in_memory = path == NULL;
	if (s->in_memory) {
		s->book = mem_apart(sizeof(*s->book));
		begin(s->book);
	} else if ((fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0600)) < 0) {
		r = fault_system(why, errno, "%s", path);
	} else {
		r = map_file(s, fd, path, why);
		close(fd);
	}
	*out = r < 0 ? NULL : s;
	if (r < 0)
		mem_free(s);
	return r;
}

void
spending_close(struct spending *s)
{
	if (s == NULL)
		return;
	if (s->in_memory)
		mem_apart_free(s->book, sizeof(*s->book));
	else
		munmap(s->book, sizeof(*s->book));
	mem_free(s);
}

/* ------------------------------------------------------------- passes --- */

struct spending_key
spending_key(const struct spending *s)
{
	return s->book->key;
}

void
spending_make_pass(const struct spending_key *key, struct str login,
    char pass[SPENDING_PASS_MAX])
{
	text_print(pass, SPENDING_PASS_MAX, "%016llx%016llx",
	    (unsigned long long)table_hash(key->words, login),
	    (unsigned long long)table_hash(key->words + 2, login));
}

/* Not proved to us. */
static bool
is_told(const struct spending_wish *w)
{
	return w->pass.n == 0;
}

/* In a time that does not tell where the difference is. */
static bool
is_pass(const struct spending *s, const struct spending_wish *w)
{
	char pass[SPENDING_PASS_MAX];
	unsigned char difference = 0;

	spending_make_pass(&s->book->key, w->login, pass);
	if (w->pass.n != SPENDING_PASS_MAX - 1)
		return is_told(w);
	for (size_t i = 0; i < w->pass.n; i++)
		difference |= (unsigned char)(w->pass.p[i] ^ pass[i]);
	return difference == 0;
}

/* -------------------------------------------------------------- pages --- */

static void
turn(struct period *p, enum span span, int64_t now)
{
	if (p->begun == 0 || p->begun > now || now - p->begun >= span_ms[span])
		*p = (struct period){ .begun = now };
}

/* One login has one page, however it is written where that and blanks around it
 * make no difference; where they do, neighbours share it. */
static void
name_page(const struct spending *s, struct str login, uint64_t name[2])
{
	const uint64_t *k = s->book->key.words;
	struct arena arena = { 0 };
	struct str folded;

	folded = fold_login(&arena, str_slice(str_trim(login), 0, LOGIN_MAX));
	name[0] = table_hash(k, folded);
	name[1] = table_hash(k + 2, folded);
	arena_free(&arena);
}

static struct page *
look_up(struct page set[WAYS], const uint64_t name[2])
{
	for (int i = 0; i < WAYS; i++)
		if (memcmp(set[i].name, name, sizeof(set[i].name)) == 0)
			return &set[i];
	return NULL;
}

static struct page *
give_up_first(struct page set[WAYS])
{
	struct page *p = &set[0];

	for (int i = 1; i < WAYS; i++)
		if (set[i].period[SPAN_DAY].begun <
		    p->period[SPAN_DAY].begun)
			p = &set[i];
	*p = (struct page){ { 0, 0 }, { { 0 }, { 0 } } };
	return p;
}

/* Where it is written; a proved login takes what it was told to have spent to
 * its own place. */
static struct page *
find_page(struct spending *s, const struct spending_wish *w, int64_t now)
{
	struct page *set, *told, *p, *old;
	uint64_t name[2];

	name_page(s, w->login, name);
	set = s->book->pages[name[0] % SETS];
	told = s->book->pages[SETS + name[0] % TOLD_SETS];
	p = look_up(set, name);
	old = p == NULL ? look_up(told, name) : NULL;
	if (p == NULL && is_told(w))
		p = old;
	if (p == NULL) {
		p = give_up_first(is_told(w) ? told : set);
		if (old != NULL) {
			*p = *old;
			*old = (struct page){ { 0, 0 }, { { 0 }, { 0 } } };
		}
		memcpy(p->name, name, sizeof(name));
	}
	for (enum span i = SPAN_HOUR; i < SPANS; i++)
		turn(&p->period[i], i, now);
	return p;
}

/* ----------------------------------------------------- those he knows --- */

static uint64_t
name_recipient(const struct spending *s, const struct page *p,
    struct str recipients, size_t i)
{
	uint64_t words[2] = { p->name[0], 0 }, h;

	memcpy(&words[1], recipients.p + 8 * i, 8);
	h = table_hash(s->book->key.words, str_span((const char *)words,
	    sizeof(words)));
	return h == 0 ? 1 : h;
}

/* Where this name is kept, if it is. */
static uint64_t *
set_of(const struct spending *s, bool told, uint64_t name)
{
	return s->book->known[told ? KNOWN_SETS + name % TOLD_KNOWN_SETS :
	    name % KNOWN_SETS];
}

/* Its place in the set, or KNOWN_WAYS. */
static unsigned
look(const uint64_t *set, uint64_t name)
{
	unsigned i = 0;

	while (i < KNOWN_WAYS && set[i] != name)
		i++;
	return i;
}

/* To the front; one that is new drives out the last. */
static void
note(uint64_t *set, uint64_t name)
{
	unsigned i = look(set, name);

	if (i == KNOWN_WAYS)
		i--;
	memmove(set + 1, set, i * sizeof(*set));
	set[0] = name;
}

static uint64_t
count_new(const struct spending *s, const struct page *p,
    const struct spending_wish *w)
{
	uint64_t n = w->count;

	for (size_t i = 0; i < w->recipients.n / 8; i++) {
		uint64_t name = name_recipient(s, p, w->recipients, i);

		n -= look(set_of(s, false, name), name) < KNOWN_WAYS ||
		    look(set_of(s, true, name), name) < KNOWN_WAYS;
	}
	return n;
}

/* ----------------------------------------------------------- spending --- */

static bool
is_over(uint64_t used, uint64_t more, uint64_t most)
{
	return most > 0 && used + more > most;
}

static void
put_limit(struct buf *b, uint64_t n, const char *what)
{
	buf_printf(b, "more than %llu %s%s", (unsigned long long)n, what,
	    n == 1 ? "" : "s");
}

/* Is this span's budget spent?  Says so, if it is the first. */
static bool
check(const struct period *p, enum span span, const struct conf_quota *most,
    uint64_t fresh, struct buf *why)
{
	static const char *const spans[SPANS] = { "hour", "day" };
	bool by_message = is_over(p->messages, 1, most->messages);
	bool by_recipient = fresh > 0 && is_over(p->recipients, fresh,
	    most->recipients);

	if (!by_message && !by_recipient)
		return false;
	if (why->n > 0)
		return true;
	put_limit(why, by_message ? most->messages :
	    most->recipients, by_message ? "message" : "new recipient");
	buf_printf(why, " in one %s", spans[span]);
	return true;
}

/* What is to be said of it, and by the one who asks. */
static unsigned
owe(struct period *p, int64_t now)
{
	uint32_t second = (uint32_t)((now - p->begun) / 1000) + 1;
	unsigned news = p->told == 0 ? SPENDING_FIRST : 0;

	if (p->told == TOLD || (p->told != 0 && p->told != OWING &&
	    second < p->told + OWED_SECONDS))
		return 0;
	p->told = second;
	return news | SPENDING_OWED;
}

static bool
hold(struct period *p, uint64_t most, int64_t now, unsigned *news)
{
	if (p->held >= (most > HELD_AT_LEAST ? most : HELD_AT_LEAST))
		return false;
	p->held++;
	*news |= owe(p, now);
	return true;
}

static void
add(struct period *p, uint64_t fresh)
{
	uint64_t n = p->recipients + fresh;

	if (p->messages < UINT32_MAX)
		p->messages++;
	p->recipients = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void
spend(struct spending *s, struct page *page, const struct spending_wish *w,
    uint64_t fresh)
{
	for (enum span i = SPAN_HOUR; i < SPANS; i++)
		add(&page->period[i], fresh);
	for (size_t i = 0; i < w->recipients.n / 8; i++) {
		uint64_t name = name_recipient(s, page, w->recipients, i);

		note(set_of(s, is_told(w), name), name);
	}
}

enum spending_answer
spending_take(struct spending *s, const struct conf_allowance *most,
    const struct spending_wish *w, int64_t now, struct buf *why,
    unsigned *news)
{
	const struct conf_quota *quota[SPANS] = { &most->hour, &most->day };
	struct page *page;
	uint64_t fresh;
	bool over = false, room = true;

	*news = 0;
	if (!is_pass(s, w) || w->recipients.n / 8 > w->count)
		return SPENDING_FALSE;
	page = find_page(s, w, now);
	fresh = count_new(s, page, w);
	for (enum span i = SPAN_HOUR; i < SPANS; i++)
		if (check(&page->period[i], i, quota[i], fresh, why)) {
			over = true;
			room &= hold(&page->period[i],
			    quota[i]->messages, now, news);
		}
	if (over)
		return room ? SPENDING_OVER : SPENDING_FAR_OVER;
	spend(s, page, w, fresh);
	return SPENDING_WITHIN;
}

bool
spending_told(struct spending *s, const struct spending_wish *w, bool done,
    int64_t now)
{
	struct page *page;

	if (!is_pass(s, w))
		return false;
	page = find_page(s, w, now);
	for (enum span i = SPAN_HOUR; i < SPANS; i++)
		if (page->period[i].told != 0 && page->period[i].told != TOLD)
			page->period[i].told = done ? TOLD : OWING;
	return true;
}
