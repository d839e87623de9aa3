/* SPDX-License-Identifier: ISC */
/*
 * Fills a stopped spool with entries that have been tried once and wait:
 *
 *	crowd SPOOL COUNT SECONDS [RECIPIENT]
 *
 * Each has one recipient, 2 KiB of content, a note, and its next attempt so
 * many seconds from now, spread over as many again.  They are made as a session
 * makes them and marked as a worker marks them, but nothing is synced: no test
 * that uses this cuts the power.  Their names go to the standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "os/clock.h"
#include "spool/message.h"
#include "spool/slots.h"
#include "spool/submit.h"

enum {
	CONTENT = 2048,
};

/* In front of the C library's. */
int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

static void __attribute__((noreturn))
give_up(const char *what)
{
	fprintf(stderr, "crowd: %s\n", what);
	exit(1);
}

static void
fill(char content[CONTENT])
{
	static const char head[] = "Subject: one of many\r\n\r\n";

	memset(content, 'x', CONTENT);
	memcpy(content, head, sizeof(head) - 1);
	for (size_t i = sizeof(head) + 70; i < CONTENT; i += 72)
		memcpy(content + i, "\r\n", 2);
	memcpy(content + CONTENT - 2, "\r\n", 2);
}

static void
make(const struct spool *spool, const struct envelope *env,
    const char content[CONTENT], char name[SPOOL_NAME_MAX])
{
	struct submission s;
	struct fault why;

	submit_init(&s, spool);
	if (submit_begin(&s, env, NULL, 0, &why) < 0 ||
	    sink_write(&s.sink, str_span(content, CONTENT), &why) < 0 ||
	    submit_commit(&s, STR("Received: by crowd\r\n"), NULL, &why) < 0)
		give_up(why.text);
	memcpy(name, s.name, SPOOL_NAME_MAX);
	submit_release(&s);
	submit_free(&s);
}

static void
defer(const struct spool *spool, const char *name, int64_t next)
{
	struct outcome o = { .kind = OUTCOME_DEFERRED, .reply = 450,
	    .status = { 4, 4, 1 } };
	struct note note = { clock_wall(), STR("192.0.2.1"),
	    STR("connect to sink.test[192.0.2.1]:25: Connection refused") };
	const uint32_t i = 0;
	struct message m;
	struct fault why = { .text = "it cannot be opened again" };

	if (message_open(&m, spool, name, true, &why) != MESSAGE_OK)
		give_up(why.text);
	slots_enter(&m, i, &o, next);
	if (slots_write_note(&m, i, &note, &why) < 0 ||
	    slots_write(&m, &i, 1, false, &why) < 0)
		give_up(why.text);
	message_close(&m);
}

int
main(int argc, char **argv)
{
	struct arena arena = { 0 };
	struct envelope env = { .client_name = STR("localhost"),
	    .helo = STR("crowd.test"), .protocol = STR("ESMTP") };
	struct recipient r = { .address = { STR("someone"),
	    STR("far.example") } };
	struct spool spool;
	struct fault why;
	uint64_t count, wait;
	char content[CONTENT], name[SPOOL_NAME_MAX];

	if (argc < 4 || !num_parse(str_of(argv[2]), UINT32_MAX, &count) ||
	    !num_parse(str_of(argv[3]), UINT32_MAX, &wait))
		give_up("usage: crowd SPOOL COUNT SECONDS [RECIPIENT]");
	if (argc > 4 && address_parse(&arena, str_of(argv[4]), true,
	    &r.address, &why) < 0)
		give_up(why.text);
	r.original = r.address;
	vec_push(&arena, &env.recipients, r);
	env.sender = (struct address){ STR("sender"), STR("far.example") };
	/* As a session's: an entry is for the queue's group alone. */
	umask(007);
	if (geteuid() != 0 && spool_make(argv[1], NULL, &why) < 0)
		give_up(why.text);
	if (spool_open(&spool, argv[1], false, geteuid() == 0, &why) < 0)
		give_up(why.text);
	spool.dir_sync = false;
	fill(content);
	for (uint64_t i = 0; i < count; i++) {
		make(&spool, &env, content, name);
		defer(&spool, name, clock_wall() + (int64_t)(wait +
		    i % (wait + 1)));
		puts(name);
	}
	spool_close(&spool);
	arena_free(&arena);
	return 0;
}
