/* SPDX-License-Identifier: ISC */
#ifndef FAKE_SPOOL_H
#define FAKE_SPOOL_H

/*
 * A spool in a temporary directory, and entries in it, made as a session makes
 * them and then, where a test wants it, damaged.  To be included behind
 * <cmocka.h>.
 */
#include <sys/stat.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_files.h"
#include "os/file.h"
#include "spool/message.h"
#include "spool/slots.h"
#include "spool/submit.h"

struct fake_spool {
	char		dir[64];
	char		path[80];	/* of the spool */
	struct arena	arena;
	struct spool	spool;
};

static inline int
fake_spool_unlink(const char *path, const struct stat *st, int kind,
    struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

static inline void
fake_spool_open(struct fake_spool *f)
{
	struct fault why;

	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/godwit-spool.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/spool", f->dir);
	if (spool_make(f->path, NULL, &why) < 0 ||
	    spool_open(&f->spool, f->path, false, false, &why) < 0)
		fail_msg("%s", why.text);
	/* No test here cuts the power; be quick. */
	f->spool.dir_sync = false;
}

static inline void
fake_spool_close(struct fake_spool *f)
{
	spool_close(&f->spool);
	nftw(f->dir, fake_spool_unlink, 16, FTW_DEPTH | FTW_PHYS);
	arena_free(&f->arena);
}

static inline int
fake_spool_setup(void **state)
{
	struct fake_spool *f = calloc(1, sizeof(*f));

	fake_spool_open(f);
	*state = f;
	return 0;
}

static inline int
fake_spool_teardown(void **state)
{
	fake_spool_close(*state);
	free(*state);
	return 0;
}

static inline struct address
fake_address(struct fake_spool *f, const char *text)
{
	struct address a = { 0 };
	struct fault why;

	if (text[0] != '\0' && address_parse(&f->arena, str_of(text), true,
	    &a, &why) < 0)
		fail_msg("%s: %s", text, why.text);
	return a;
}

static inline void
fake_add_recipient(struct fake_spool *f, struct envelope *env,
    const char *text)
{
	struct recipient r;

	r.address = r.original = fake_address(f, text);
	vec_push(&f->arena, &env->recipients, r);
}

/* recipients: parted by blanks. */
static inline struct envelope
fake_envelope(struct fake_spool *f, const char *sender,
    const char *recipients)
{
	struct envelope env = { .client_name = STR("localhost") };
	struct str rest = str_of(recipients), word;

	env.sender = fake_address(f, sender);
	while (str_word(&rest, &word))
		fake_add_recipient(f, &env, arena_str(&f->arena, word).p);
	return env;
}

/* name NULL: a new one, copied to out (which may be NULL). */
static inline void
fake_submit(struct fake_spool *f, const struct envelope *env,
    const char *name, struct str head, struct str content,
    char out[SPOOL_NAME_MAX])
{
	struct submission s;
	struct fault why;

	submit_init(&s, &f->spool);
	if (submit_begin(&s, env, name, 0, &why) < 0 ||
	    sink_write(&s.sink, content, &why) < 0 ||
	    submit_commit(&s, head, NULL, &why) < 0)
		fail_msg("%s", why.text);
	submit_release(&s);
	if (out != NULL)
		memcpy(out, s.name, SPOOL_NAME_MAX);
	submit_free(&s);
}

static inline void
fake_open(struct fake_spool *f, const char *name, bool lock,
    struct message *m)
{
	struct fault why;
	enum message_result r = message_open(m, &f->spool, name, lock, &why);

	if (r == MESSAGE_DAMAGED || r == MESSAGE_FAULT)
		fail_msg("%s: %s", name, why.text);
	assert_int_equal(r, MESSAGE_OK);
}

static inline bool
fake_exists(struct fake_spool *f, const char *path)
{
	return faccessat(f->spool.root, path, F_OK, 0) == 0;
}

static inline bool
fake_is_queued(struct fake_spool *f, const char *name)
{
	char path[SPOOL_PATH_MAX];

	return faccessat(f->spool.q, spool_entry_path(name, path), F_OK,
	    0) == 0;
}

/* The bytes of an entry's file, in memory of exactly its size (so that a
 * sanitizer sees who reads too far); to be freed. */
static inline uint8_t *
fake_bytes(struct fake_spool *f, const char *name, size_t *n)
{
	char path[SPOOL_PATH_MAX];
	struct buf b = { 0 };
	struct fault why;
	uint8_t *p;

	if (file_load(f->spool.q, spool_entry_path(name, path), 1 << 28, &b,
	    &why) < 0)
		fail_msg("%s", why.text);
	p = malloc(b.n + 1);
	memcpy(p, b.p, b.n);
	*n = b.n;
	buf_free(&b);
	return p;
}

/* Writes into an entry's file in place. */
static inline void
fake_patch(struct fake_spool *f, const char *name, int64_t at, const void *p,
    size_t n)
{
	char path[SPOOL_PATH_MAX];
	struct fault why;
	int fd = openat(f->spool.q, spool_entry_path(name, path),
	    O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	if (file_pwrite(fd, p, n, at, &why) < 0)
		fail_msg("%s", why.text);
	close(fd);
}

static inline void
fake_truncate(struct fake_spool *f, const char *name, size_t n)
{
	char path[SPOOL_PATH_MAX];
	int fd = openat(f->spool.q, spool_entry_path(name, path),
	    O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)n), 0);
	close(fd);
}

/* How many files lie in a directory of the spool, at any depth. */
static inline unsigned
fake_count(struct fake_spool *f, const char *dir)
{
	struct buf b = { 0 };
	unsigned n = 0;
	char line[256];
	FILE *p;

	buf_printf(&b, "find %s/%s -type f", f->path, dir);
	p = popen(buf_cstr(&b), "re");
	assert_non_null(p);
	while (fgets(line, sizeof(line), p) != NULL)
		n++;
	assert_int_equal(pclose(p), 0);
	buf_free(&b);
	return n;
}

#define assert_text(have, want)						\
	do {								\
		struct str have_ = (have), want_ = (want);		\
		if (!str_eq(have_, want_))				\
			fail_msg("have \"%.*s\", want \"%.*s\"",	\
			    STR_ARG(have_), STR_ARG(want_));		\
	} while (0)

#endif
