/* SPDX-License-Identifier: ISC */
/*
 * What a thief tries with memory: run what he has written, the other tables of
 * system calls, the master's pages, and secrets that lie in his own.
 */
#ifndef FAULT_THEFT_MEMORY_H
#define FAULT_THEFT_MEMORY_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "fault/theft.h"

#define THEFT_PAGE	4096

static int
map_code(const struct theft *t)
{
	void *p = mmap(NULL, THEFT_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)t;
	return p == MAP_FAILED ? errno : 0;
}

static int
make_code(const struct theft *t)
{
	void *p = mmap(NULL, THEFT_PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)t;
	return p == MAP_FAILED ? errno : came_to(mprotect(p, THEFT_PAGE,
	    PROT_READ | PROT_EXEC));
}

static int
make_code_by_key(const struct theft *t)
{
	void *p = mmap(NULL, THEFT_PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)t;
	return came_to(syscall(SYS_pkey_mprotect, p, (size_t)THEFT_PAGE,
	    PROT_READ | PROT_EXEC, -1));
}

/* getpid() by the table of 32-bit programs. */
static int
call_in_32_bits(const struct theft *t)
{
	(void)t;
#if defined(__x86_64__)
	long r = 20;

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9",
	    "r10", "r11");
	return r > 0 ? 0 : (int)-r;
#else
	return ENOSYS;
#endif
}

static int
call_by_x32(const struct theft *t)
{
	(void)t;
	return came_to(syscall(0x40000000L | SYS_getpid));
}

/* NUMBER is where a page of the master's own lies, such as the budget's. */
static void *
page_of(const struct theft *t)
{
	if (t->smtpd != NULL)
		return (void *)(uintptr_t)t->number;
	return mmap(NULL, THEFT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
}

static int
read_page(const struct theft *t)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return errno;
	return came_to(write(p[1], page_of(t), 8));
}

static int
write_page(const struct theft *t)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0 || write(p[1], "12345678", 8) < 0)
		return errno;
	return came_to(read(p[0], page_of(t), 8));
}

/* What the master tells all sessions, so that they believe something else. */
static int
change_board(const struct theft *t)
{
	void *p = t->smtpd == NULL ? page_of(t) :
	    (void *)(uintptr_t)t->smtpd->notices;

	return came_to(mprotect(p, THEFT_PAGE, PROT_READ | PROT_WRITE));
}

static int
write_board(const struct theft *t)
{
	void *p = t->smtpd == NULL ? page_of(t) :
	    (void *)(uintptr_t)t->smtpd->notices;
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0 || write(pair[1], "1", 1) < 0)
		return errno;
	return came_to(read(pair[0], p, 1));
}

/* A number, written in hexadecimal, as OpenSSL keeps it: its end first. */
static size_t
read_key(const char *text, unsigned char key[64])
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n && i < 64; i++) {
		char two[3] = { text[2 * i], text[2 * i + 1], '\0' };

		key[n - 1 - i] = (unsigned char)strtoul(two, NULL, 16);
	}
	return n;
}

/* Is there a page at this place?  Asked of the kernel, which says so. */
static bool
is_there(int out, int in, const char *p)
{
	char c;

	return write(out, p, 1) == 1 && read(in, &c, 1) == 1;
}

/* The heap, from its top down. */
static int
find_key(const struct theft *t)
{
	char *top = (char *)((uintptr_t)sbrk(0) & ~(uintptr_t)4095), *low;
	unsigned char key[64];
	size_t n = read_key(t->path, key);
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return errno;
	/* Outside there is none but this. */
	if (t->smtpd == NULL && mem_copy(key, n) != NULL)
		top = (char *)((uintptr_t)sbrk(0) & ~(uintptr_t)4095);
	for (low = top; is_there(p[1], p[0], low - THEFT_PAGE); )
		low -= THEFT_PAGE;
	return memmem(low, (size_t)(top - low), key, n) != NULL ? 0 : ENOENT;
}

static const struct attempt theft_memory[] = {
	{ "map-code", map_code },
	{ "make-code", make_code },
	{ "make-code-by-key", make_code_by_key },
	{ "int80", call_in_32_bits },
	{ "x32", call_by_x32 },
	{ "page-read", read_page },
	{ "page-write", write_page },
	{ "board-open", change_board },
	{ "board-write", write_board },
	{ "find-key", find_key },
	{ NULL, NULL },
};

#endif
