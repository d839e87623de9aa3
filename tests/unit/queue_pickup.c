/* SPDX-License-Identifier: ISC */
/*
 * queue/pickup: what was left while the daemon was away comes in once and
 * whole; what makes no sense is set aside; nothing is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>

#include <poll.h>

#include "fake_spool.h"
#include "os/log.h"
#include "os/sock.h"
#include "queue/pickup.h"
#include "spool/drop.h"
#include "spool/notify.h"
#include "stock/stock.h"

#define ID	"01ARZ3NDEKTSV4RRFF"

struct world {
	struct fake_spool	f;
	struct conf		conf;
	struct stock		stock;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct conf_domain d = { STR("example.org"), CLASS_LOCAL, 1 };

	fake_spool_open(&w->f);
	w->conf.hostname = STR("mx.example.org");
	vec_push(&w->conf.arena, &w->conf.domains, d);
	w->conf.aliases = arena_printf(&w->conf.arena, "%s/aliases",
	    w->f.dir);
	w->conf.size = 100000;
	w->conf.recipients = 10;
	w->conf.retry.first = w->conf.retry.most = 300;
	log_open("/dev/null");
	stock_init(&w->stock, &w->conf, &w->f.spool,
	    alias_book_new(&w->conf));
	*state = w;
	return 0;
}

/* As the runner's child does, and then as the runner that hears of it. */
static void
bring_in(struct world *w)
{
	struct pickup p = { &w->conf, &w->f.spool, w->stock.book, 0 };
	struct notify n;
	struct fault why;
	int pair[2];

	assert_int_equal(sock_pair(SOCK_DGRAM, pair, &why), 0);
	p.notify = pair[0];
	pickup_run(&p);
	while (notify_receive(pair[1], &n) == 1) {
		assert_int_equal(n.kind, NOTIFY_NEW);
		stock_admit(&w->stock, n.name, false);
	}
	close(pair[0]);
	close(pair[1]);
}

static int
teardown(void **state)
{
	struct world *w = *state;
	size_t at = 0;
	struct str key;
	void *value;
	struct fault ignored;

	/* What is no longer there is forgotten when it is admitted. */
	while (table_next(&w->stock.by_name, &at, &key, &value)) {
		char name[SPOOL_NAME_MAX];

		memcpy(name, key.p, key.n + 1);
		(void)spool_remove(&w->f.spool, name, &ignored);
		stock_admit(&w->stock, name, false);
	}
	table_free(&w->stock.by_name);
	table_free(&w->stock.hops.by_key);
	schedule_free(&w->stock.schedule);
	alias_book_free(w->stock.book);
	arena_free(&w->conf.arena);
	fake_spool_close(&w->f);
	log_open("stderr");
	free(w);
	return 0;
}

static void
leave(struct world *w, const char *name, struct str bytes)
{
	struct fault why;
	char path[80];

	snprintf(path, sizeof(path), "drop/%s", name);
	if (file_save(w->f.spool.root, path, bytes, 0640, &why) < 0)
		fail_msg("%s", why.text);
}

static void
leave_message(struct world *w, const char *name, const char *sender,
    const char *recipients, struct str content)
{
	struct str rest = str_of(recipients), word;
	struct buf b = { 0 };

	drop_put_magic(&b);
	drop_put(&b, DROP_SENDER, str_of(sender));
	while (str_word(&rest, &word))
		drop_put(&b, DROP_RECIPIENT, word);
	drop_put(&b, DROP_BODY, STR("8BITMIME"));
	drop_put(&b, DROP_CONTENT, content);
	leave(w, name, buf_str(&b));
	buf_free(&b);
}

static void
test_brought_in(void **state)
{
	struct world *w = *state;
	struct message m;
	struct fault why;

	leave_message(w, ID, "ann@example.com", "joe@b.example root",
	    STR("Subject: x\n\none\r\ntwo\rthree\n.\nend"));
	bring_in(w);
	assert_int_equal(fake_count(&w->f, "drop"), 0);
	assert_int_equal(fake_count(&w->f, "corrupt"), 0);
	assert_non_null(table_find(&w->stock.by_name, STR(ID)));
	fake_open(&w->f, ID, false, &m);
	assert_int_equal(message_load(&m, &why), MESSAGE_OK);
	assert_int_equal(m.super.nparts, 2);
	assert_true(str_starts(m.parts[0], STR("Received: ")));
	assert_text(m.parts[1],
	    STR("Subject: x\r\n\r\none\r\ntwo three\r\n.\r\nend\r\n"));
	assert_text(m.envelope.sender.local, STR("ann"));
	assert_int_equal(m.envelope.origin, ORIGIN_DROP);
	assert_int_equal(m.envelope.body, BODY_8BITMIME);
	assert_int_equal(m.envelope.uid, getuid());
	assert_int_equal(m.envelope.recipients.n, 2);
	assert_text(m.envelope.recipients.p[1].address.domain,
	    STR("mx.example.org"));
	message_close(&m);
}

/* It was brought in, and then the runner died before it could remove it. */
static void
test_once(void **state)
{
	struct world *w = *state;
	uint8_t *before, *after;
	size_t nbefore, nafter;

	leave_message(w, ID, "ann@example.com", "joe@b.example",
	    STR("A: b\r\n"));
	bring_in(w);
	before = fake_bytes(&w->f, ID, &nbefore);
	leave_message(w, ID, "ann@example.com", "joe@b.example",
	    STR("A: b\r\n"));
	bring_in(w);
	after = fake_bytes(&w->f, ID, &nafter);
	assert_int_equal(nbefore, nafter);
	assert_memory_equal(before, after, nafter);
	assert_int_equal(fake_count(&w->f, "drop"), 0);
	assert_int_equal(fake_count(&w->f, "q"), 1);
	free(before);
	free(after);
}

/* What drop has begun is no message; what it has left is removed in time. */
static void
test_begun(void **state)
{
	static const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct world *w = *state;

	leave_message(w, ID, "ann@example.com", "joe@b.example",
	    STR("A: b\r\n"));
	assert_int_equal(renameat(w->f.spool.root, "drop/" ID,
	    w->f.spool.root, "drop/.t." ID), 0);
	bring_in(w);
	assert_int_equal(fake_count(&w->f, "q"), 0);
	assert_true(fake_exists(&w->f, "drop/.t." ID));
	assert_int_equal(utimensat(w->f.spool.root, "drop/.t." ID, old, 0),
	    0);
	bring_in(w);
	assert_int_equal(fake_count(&w->f, "q"), 0);
	assert_int_equal(fake_count(&w->f, "drop"), 0);
	assert_int_equal(fake_count(&w->f, "corrupt"), 0);
}

static const struct {
	const char	*name, *sender, *recipients;
} refused[] = {
	{ "sender is no address", "a b@c", "joe@b.example" },
	{ "sender with a line", "a\r\nb@c.example", "joe@b.example" },
	{ "recipient is no address", "", "joe@b..example" },
	{ "no recipient", "", "" },
	{ "too many recipients", "", "a b c d e f g h i j k" },
};

static void
test_refused(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		leave_message(w, ID, refused[i].sender,
		    refused[i].recipients, STR("A: b\r\n"));
		bring_in(w);
		if (!fake_exists(&w->f, "corrupt/" ID) ||
		    fake_is_queued(&w->f, ID))
			fail_msg("%s", refused[i].name);
		assert_int_equal(fake_count(&w->f, "drop"), 0);
	}
	leave(w, ID, STR("From: somebody\n\n"));
	bring_in(w);
	assert_true(fake_exists(&w->f, "corrupt/" ID));
	assert_int_equal(fake_count(&w->f, "q"), 0);
}

/* Names that are not those of dropped messages stay where they are: above all
 * those of bounces, which somebody could be robbed of. */
static void
test_other_names(void **state)
{
	static const char *const names[] = { ID "-b1", "README", ".hidden",
	    "01ARZ3NDEKTSV4RRF" };
	struct world *w = *state;

	for (int i = 0; i < 4; i++)
		leave_message(w, names[i], "", "joe@b.example",
		    STR("A: b\r\n"));
	bring_in(w);
	assert_int_equal(fake_count(&w->f, "drop"), 4);
	assert_int_equal(fake_count(&w->f, "q"), 0);
}

/* Links and the like, and files that others may write. */
static void
test_not_plain(void **state)
{
	struct world *w = *state;

	assert_int_equal(symlinkat("/etc/passwd", w->f.spool.root,
	    "drop/" ID), 0);
	bring_in(w);
	leave_message(w, ID, "", "joe@b.example", STR("A: b\r\n"));
	assert_int_equal(linkat(w->f.spool.root, "drop/" ID, w->f.spool.root,
	    "other", 0), 0);
	bring_in(w);
	leave_message(w, ID, "", "joe@b.example", STR("A: b\r\n"));
	assert_int_equal(fchmodat(w->f.spool.root, "drop/" ID, 0666, 0), 0);
	bring_in(w);
	assert_int_equal(mkfifoat(w->f.spool.root, "drop/" ID, 0600), 0);
	bring_in(w);
	assert_int_equal(fake_count(&w->f, "q"), 0);
}

/* Nobody can be looked up just now: it stays, and comes in later. */
static void
test_later(void **state)
{
	struct world *w = *state;
	struct fault why;

	if (file_save(AT_FDCWD, w->conf.aliases.p, STR("a: b\n"), 0600,
	    &why) < 0)
		fail_msg("%s", why.text);
	leave_message(w, ID, "ann@example.com", "root", STR("A: b\r\n"));
	bring_in(w);
	assert_true(fake_exists(&w->f, "drop/" ID));
	assert_int_equal(fake_count(&w->f, "q"), 0);
	assert_int_equal(unlink(w->conf.aliases.p), 0);
	bring_in(w);
	assert_false(fake_exists(&w->f, "drop/" ID));
	assert_true(fake_is_queued(&w->f, ID));
}

static void
test_watch(void **state)
{
	struct world *w = *state;
	int fd = pickup_watch(w->f.path);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_true(fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	leave_message(w, ID, "", "joe@b.example", STR("A: b\r\n"));
	assert_int_equal(poll(&p, 1, 60000), 1);
	pickup_heard(fd);
	assert_int_equal(poll(&p, 1, 0), 0);
	close(fd);
	assert_int_equal(pickup_watch("/nonexistent"), -1);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_brought_in),
		WITH(test_once),
		WITH(test_begun),
		WITH(test_refused),
		WITH(test_other_names),
		WITH(test_not_plain),
		WITH(test_later),
		WITH(test_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
