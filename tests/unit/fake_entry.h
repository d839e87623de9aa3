/* SPDX-License-Identifier: ISC */
#ifndef FAKE_ENTRY_H
#define FAKE_ENTRY_H

/*
 * A temporary directory with a spool in it, entries of any content, and an
 * agent that is handed them, all as the user who runs the test.  To be
 * included behind <cmocka.h>.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/agent.h"
#include "deliver/hand.h"
#include "deliver/place.h"
#include "os/file.h"
#include "os/sock.h"
#include "spool/submit.h"

struct fake {
	char		dir[64];
	struct arena	arena;
	struct spool	spool;
	struct conf	conf;
	struct user	user;
	struct hand	hand;		/* of the next delivery */
	int64_t		arrival;	/* of the last entry, seconds */
	enum envelope_body body;	/* of the next */
};

static inline int
fake_remove(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

static inline struct str
fake_path(struct fake *f, const char *name)
{
	return arena_printf(&f->arena, "%s/%s", f->dir, name);
}

static inline int
fake_setup(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct fault why;

	snprintf(f->dir, sizeof(f->dir), "/tmp/godwit-deliver.XXXXXX");
	if (mkdtemp(f->dir) == NULL ||
	    spool_make(fake_path(f, "spool").p, NULL, &why) < 0 ||
	    spool_open(&f->spool, fake_path(f, "spool").p, false, false,
	    &why) < 0)
		return -1;
	f->user = (struct user){ .name = STR("joe"), .uid = geteuid(),
	    .gid = getegid(), .home = str_of(f->dir),
	    .shell = STR("/bin/sh") };
	f->conf.hostname = STR("mx.example.org");
	f->conf.timeout.deliver = 300;
	f->hand = (struct hand){
		.sender = STR("ann@example.com"),
		.recipient = STR("joe@example.org"),
		.original = STR("joe@example.org"),
		.user = STR("joe"),
	};
	*state = f;
	return 0;
}

static inline int
fake_teardown(void **state)
{
	struct fake *f = *state;

	spool_close(&f->spool);
	(void)!chdir("/");
	nftw(f->dir, fake_remove, 16, FTW_DEPTH | FTW_PHYS);
	arena_free(&f->conf.arena);
	arena_free(&f->arena);
	free(f);
	return 0;
}

/* A new entry, locked and open for writing as a worker would have it. */
static inline int
fake_entry(struct fake *f, struct str head, struct str content)
{
	struct envelope env = { .client_name = STR("localhost"),
	    .body = f->body };
	struct recipient r = { .address = { STR("joe"), STR("example.org") } };
	struct submission s;
	struct message m;
	struct fault why;
	int fd;

	r.original = r.address;
	vec_push(&f->arena, &env.recipients, r);
	vec_push(&f->arena, &env.recipients, r);
	submit_init(&s, &f->spool);
	assert_int_equal(submit_begin(&s, &env, NULL, 0, &why), 0);
	assert_int_equal(sink_write(&s.sink, content, &why), 0);
	assert_int_equal(submit_commit(&s, head, NULL, &why), 0);
	memcpy(f->hand.name, s.name, sizeof(s.name));
	f->arrival = s.super.arrival_wall_ms / 1000;
	submit_release(&s);
	submit_free(&s);
	assert_int_equal(message_open(&m, &f->spool, f->hand.name, true,
	    &why), MESSAGE_OK);
	fd = fcntl(m.fd, F_DUPFD_CLOEXEC, 3);
	message_close(&m);
	return fd;
}

/* Hands the entry to an agent, closes it, and returns what became of it. */
static inline struct outcome
fake_deliver(struct fake *f, int entry)
{
	struct outcome o;
	struct fault why;
	int fd[2];

	assert_int_equal(sock_pair(SOCK_SEQPACKET, fd, &why), 0);
	assert_int_equal(hand_send(fd[0], &f->hand, entry, &why), 0);
	shutdown(fd[0], SHUT_WR);
	agent_serve(fd[1], &f->conf, &f->user);
	assert_int_equal(hand_wait(fd[0], &f->arena, &o, 1, &why), 0);
	close(fd[0]);
	close(fd[1]);
	close(entry);
	return o;
}

static inline struct outcome
fake_deliver_text(struct fake *f, const char *head, const char *content)
{
	return fake_deliver(f, fake_entry(f, str_of(head), str_of(content)));
}

/* One method alone, without the agent around it. */
static inline int
fake_place(struct fake *f, int entry, struct place_kept *kept,
    int method(const struct place *, struct fault *), struct fault *why)
{
	struct message m;
	struct place p = { .conf = &f->conf, .user = &f->user,
	    .hand = &f->hand, .message = &m, .kept = kept,
	    .head = STR("Delivered-To: joe@example.org\n") };
	int r;

	assert_int_equal(message_attach(&m, entry, why), MESSAGE_OK);
	r = method(&p, why);
	message_close(&m);
	return r;
}

static inline struct str
fake_load(struct fake *f, const char *path)
{
	struct buf b = { 0 };
	struct fault why;
	struct str s;

	if (file_load(AT_FDCWD, path, 64 * 1024 * 1024, &b, &why) < 0)
		fail_msg("%s", why.text);
	s = arena_str(&f->arena, buf_str(&b));
	buf_free(&b);
	return s;
}

static inline void
fake_save(const char *path, const char *text, mode_t mode)
{
	struct fault why;

	if (file_save(AT_FDCWD, path, str_of(text), mode, &why) < 0)
		fail_msg("%s", why.text);
}

#define assert_str(have, want)						\
	do {								\
		struct str have_ = (have), want_ = (want);		\
		if (!str_eq(have_, want_))				\
			fail_msg("have \"%.*s\", want \"%.*s\"",	\
			    STR_ARG(have_), STR_ARG(want_));		\
	} while (0)

#define assert_outcome(o, want_kind, c, s, d)				\
	do {								\
		struct outcome o_ = (o);				\
		if (o_.kind != (want_kind) || o_.status.class != (c) ||	\
		    o_.status.subject != (s) || o_.status.detail != (d)) \
			fail_msg("kind %d, %d.%d.%d, \"%.*s\"",		\
			    (int)o_.kind, o_.status.class,		\
			    o_.status.subject, o_.status.detail,	\
			    STR_ARG(o_.text));				\
	} while (0)

#endif
