/* SPDX-License-Identifier: ISC */
/*
 * stock/bounce: whoever is owed a bounce gets one, and one only, whatever
 * crashed in between; and nobody gets one about a bounce.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_spool.h"
#include "os/log.h"
#include "stock/bounce.h"

#define ID	"01ARZ3NDEKTSV4RRFF"
#define TEXT	"From: ann@example.com\r\nSubject: greetings\r\n\r\nsecret\r\n"

struct world {
	struct fake_spool	f;
	struct conf		conf;
	struct alias_book	*book;
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
	w->book = alias_book_new(&w->conf);
	log_open("/dev/null");
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	log_open("stderr");
	alias_book_free(w->book);
	arena_free(&w->conf.arena);
	fake_spool_close(&w->f);
	free(w);
	return 0;
}

static void
make(struct world *w, const char *name, const char *sender,
    const char *recipients)
{
	struct envelope env = fake_envelope(&w->f, sender, recipients);

	fake_submit(&w->f, &env, name, STR("Received: x\r\n"), STR(TEXT),
	    NULL);
}

static void
set_state(struct world *w, const char *name, uint32_t i,
    enum slot_state state)
{
	struct outcome o = { .kind = OUTCOME_FAILED, .reply = 550,
	    .status = { 5, 1, 1 } };
	struct note note = { 1790000000, STR("mx.example.net"),
	    STR("550 5.1.1 nobody of that name") };
	struct message m;
	struct fault why;

	fake_open(&w->f, name, true, &m);
	slots_enter(&m, i, &o, 0);
	m.slots[i].state = state;
	m.slots[i].bounce = 0;
	assert_int_equal(slots_write_note(&m, i, &note, &why), 0);
	assert_int_equal(slots_write(&m, &i, 1, true, &why), 0);
	message_close(&m);
}

static struct slot
get_slot(struct world *w, const char *name, uint32_t i)
{
	struct message m;
	struct slot s;

	fake_open(&w->f, name, false, &m);
	s = m.slots[i];
	message_close(&m);
	return s;
}

static enum bounce_result
send_about(struct world *w, const char *name, char bounce[SPOOL_NAME_MAX],
    struct fault *why)
{
	struct message m;
	enum bounce_result r;

	memset(why, 0, sizeof(*why));
	memset(bounce, 0, SPOOL_NAME_MAX);
	fake_open(&w->f, name, true, &m);
	r = bounce_send(&m, &w->f.spool, &w->conf, w->book, bounce, why);
	message_close(&m);
	return r;
}

/* All that a bounce sends; lives in the arena of the spool. */
static struct str
read_bounce(struct world *w, const char *name, struct envelope *env)
{
	struct message m;
	struct buf b = { 0 };
	struct fault why;
	struct str s;

	fake_open(&w->f, name, true, &m);
	assert_int_equal(message_load(&m, &why), MESSAGE_OK);
	for (uint32_t i = 0; i < m.super.nparts; i++)
		buf_puts(&b, m.parts[i]);
	s = arena_str(&w->f.arena, buf_str(&b));
	*env = (struct envelope){ .origin = m.envelope.origin };
	env->sender = address_copy(&w->f.arena, &m.envelope.sender);
	for (size_t i = 0; i < m.envelope.recipients.n; i++) {
		struct recipient r = { .address = address_copy(&w->f.arena,
		    &m.envelope.recipients.p[i].address) };

		vec_push(&w->f.arena, &env->recipients, r);
	}
	buf_free(&b);
	message_close(&m);
	return s;
}

static bool
has(struct str text, const char *what)
{
	return str_search(text, str_of(what)) < text.n;
}

static void
assert_to(const struct envelope *env, const char *local, const char *domain)
{
	assert_int_equal(env->recipients.n, 1);
	assert_text(env->recipients.p[0].address.local, str_of(local));
	assert_text(env->recipients.p[0].address.domain, str_of(domain));
}

static void
test_none(void **state)
{
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct fault why;

	make(w, ID, "ann@example.com", "joe@example.net");
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_NONE);
	set_state(w, ID, 0, SLOT_DONE);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_NONE);
	assert_int_equal(fake_count(&w->f, "q"), 1);
}

static void
test_made_once(void **state)
{
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct envelope env;
	struct fault why;
	struct str text;

	make(w, ID, "ann@example.com",
	    "joe@example.net eve@example.net tom@example.net");
	set_state(w, ID, 0, SLOT_FAILED);
	set_state(w, ID, 1, SLOT_DONE);
	set_state(w, ID, 2, SLOT_FAILED);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
	assert_string_equal(name, ID "-b1");
	assert_true(fake_is_queued(&w->f, name));
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(get_slot(w, ID, i).state, i == 1 ?
		    SLOT_DONE : SLOT_BOUNCED);
		assert_int_equal(get_slot(w, ID, i).bounce, i != 1);
		assert_int_equal(get_slot(w, ID, i).attempts, 1);
	}
	text = read_bounce(w, name, &env);
	assert_true(address_is_null(&env.sender));
	assert_int_equal(env.origin, ORIGIN_BOUNCE);
	assert_to(&env, "ann", "example.com");
	assert_true(has(text, "Received: "));
	assert_true(has(text, "To: <ann@example.com>") ||
	    has(text, "To: ann@example.com"));
	assert_true(has(text, "joe@example.net"));
	assert_true(has(text, "tom@example.net"));
	assert_false(has(text, "eve@example.net"));
	assert_true(has(text, "550 5.1.1 nobody of that name"));
	assert_true(has(text, "Subject: greetings"));
	assert_false(has(text, "secret"));
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_NONE);
	assert_int_equal(fake_count(&w->f, "q"), 2);
}

/* The crash: the bounce is durable, the marks are not. */
static void
test_crash_before_marks(void **state)
{
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct fault why;
	uint8_t *before, *after;
	size_t nbefore, nafter;

	make(w, ID, "ann@example.com", "joe@example.net tom@example.net");
	set_state(w, ID, 0, SLOT_FAILED);
	set_state(w, ID, 1, SLOT_FAILED);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
	before = fake_bytes(&w->f, name, &nbefore);
	set_state(w, ID, 0, SLOT_FAILED);
	set_state(w, ID, 1, SLOT_FAILED);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
	assert_string_equal(name, ID "-b1");
	assert_int_equal(fake_count(&w->f, "q"), 2);
	after = fake_bytes(&w->f, name, &nafter);
	assert_int_equal(nbefore, nafter);
	assert_memory_equal(before, after, nafter);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(get_slot(w, ID, i).state, SLOT_BOUNCED);
		assert_int_equal(get_slot(w, ID, i).bounce, 1);
	}
	free(before);
	free(after);
}

/* Each kind is a report of its own, and of its own recipients alone. */
static void
test_kinds(void **state)
{
	static const struct {
		const char	*name, *action, *lacks;
		enum slot_state	 after[4];
	} rows[] = {
		{ ID "-b1", "Action: failed", "tom@example.net",
		    { SLOT_BOUNCED, SLOT_TELL_DELIVERED, SLOT_TELL_RELAYED,
		    SLOT_TELL_DELAYED } },
		{ ID "-b2", "Action: relayed", "joe@example.net",
		    { SLOT_BOUNCED, SLOT_DONE, SLOT_DONE,
		    SLOT_TELL_DELAYED } },
		{ ID "-b3", "Action: delayed", "eve@example.net",
		    { SLOT_BOUNCED, SLOT_DONE, SLOT_DONE, SLOT_PENDING } },
	};
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct envelope env;
	struct fault why;
	struct str text;

	make(w, ID, "ann@example.com", "joe@example.net eve@example.net "
	    "tom@example.net sue@example.net");
	set_state(w, ID, 0, SLOT_FAILED);
	set_state(w, ID, 1, SLOT_TELL_DELIVERED);
	set_state(w, ID, 2, SLOT_TELL_RELAYED);
	set_state(w, ID, 3, SLOT_TELL_DELAYED);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
		assert_string_equal(name, rows[i].name);
		text = read_bounce(w, name, &env);
		assert_to(&env, "ann", "example.com");
		assert_true(has(text, rows[i].action));
		assert_false(has(text, rows[i].lacks));
		for (uint32_t k = 0; k < 4; k++)
			assert_int_equal(get_slot(w, ID, k).state,
			    rows[i].after[k]);
	}
	/* What waits on knows that it was told. */
	assert_int_equal(get_slot(w, ID, 3).bounce, 3);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_NONE);
	assert_true(has(read_bounce(w, ID "-b2", &env), "Action: delivered"));
}

static void
submit_wishes(struct world *w, const struct envelope_wishes *wishes,
    const char *orcpt)
{
	struct envelope env = fake_envelope(&w->f, "ann@example.com",
	    "joe@example.net");

	env.wishes = *wishes;
	env.recipients.p[0].orcpt = str_of(orcpt);
	fake_submit(&w->f, &env, ID, STR("Received: x\r\n"), STR(TEXT), NULL);
	set_state(w, ID, 0, SLOT_FAILED);
}

/* RFC 3461 6.3: decoded; RET=FULL; RFC 8689 5: never of a secret. */
static void
test_wishes(void **state)
{
	static const struct {
		struct envelope_wishes	wishes;
		const char		*orcpt, *field;
		bool			whole;
	} rows[] = {
		{ { .envid = { "a+20b+2B", 8 } }, "rfc822;x+2By@z",
		    "Original-Recipient: rfc822;x+y@z\r\n", false },
		{ { .ret = RET_HDRS }, "utf-8;\xc3\xa9@z",
		    "Original-Recipient: utf-8;\\x{E9}@z\r\n", false },
		{ { .ret = RET_FULL }, "", "Content-Type: message/rfc822\r\n",
		    true },
		{ { .ret = RET_FULL, .requiretls = true }, "",
		    "Content-Type: text/rfc822-headers\r\n", false },
	};
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct envelope env;
	struct fault why;
	struct str text;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		submit_wishes(w, &rows[i].wishes, rows[i].orcpt);
		assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
		text = read_bounce(w, name, &env);
		if (!has(text, rows[i].field))
			fail_msg("row %zu: %.*s", i, STR_ARG(text));
		assert_int_equal(has(text, "secret"), rows[i].whole);
		assert_int_equal(has(text, "Original-Envelope-Id: a b+\r\n"),
		    i == 0);
		assert_int_equal(spool_remove(&w->f.spool, name, &why), 0);
		assert_int_equal(spool_remove(&w->f.spool, ID, &why), 0);
	}
}

/* A recipient that fails later gets a bounce of its own. */
static void
test_rounds(void **state)
{
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct envelope env;
	struct fault why;
	struct message m;
	uint32_t first = 0;

	make(w, ID, "ann@example.com", "joe@example.net tom@example.net");
	set_state(w, ID, 0, SLOT_FAILED);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
	set_state(w, ID, 1, SLOT_FAILED);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
	assert_string_equal(name, ID "-b2");
	assert_false(has(read_bounce(w, name, &env), "joe@example.net"));
	assert_int_equal(get_slot(w, ID, 0).bounce, 1);
	assert_int_equal(get_slot(w, ID, 1).bounce, 2);
	/* The thousandth, as a list of many may come to it. */
	fake_open(&w->f, ID, true, &m);
	m.slots[0].bounce = 999;
	assert_int_equal(slots_write(&m, &first, 1, true, &why), 0);
	message_close(&m);
	set_state(w, ID, 1, SLOT_FAILED);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
	assert_string_equal(name, ID "-b1000");
	assert_int_equal(get_slot(w, ID, 1).bounce, 1000);
}

static void
test_double(void **state)
{
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct envelope env;
	struct fault why;
	struct str text;

	make(w, ID "-b1", "", "ann@example.com");
	set_state(w, ID "-b1", 0, SLOT_FAILED);
	assert_int_equal(send_about(w, ID "-b1", name, &why), BOUNCE_MADE);
	assert_string_equal(name, ID "-b1-b1");
	text = read_bounce(w, name, &env);
	assert_true(address_is_null(&env.sender));
	assert_to(&env, "root", "mx.example.org");
	assert_true(has(text, "ann@example.com"));
	/* And that one cannot be delivered either. */
	set_state(w, name, 0, SLOT_FAILED);
	assert_int_equal(send_about(w, ID "-b1-b1", name, &why),
	    BOUNCE_DISCARDED);
	assert_int_equal(get_slot(w, ID "-b1-b1", 0).state, SLOT_DISCARDED);
	assert_int_equal(fake_count(&w->f, "q"), 2);
}

/* From <>, but not made here. */
static void
test_null_sender(void **state)
{
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct envelope env;
	struct fault why;

	make(w, ID, "", "joe@example.net");
	set_state(w, ID, 0, SLOT_FAILED);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
	assert_string_equal(name, ID "-b1");
	(void)read_bounce(w, name, &env);
	assert_to(&env, "root", "mx.example.org");
}

static void
test_unknown_sender(void **state)
{
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct envelope env;
	struct fault why;

	make(w, ID, "no-such-user-here@example.org", "joe@example.net");
	set_state(w, ID, 0, SLOT_FAILED);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
	(void)read_bounce(w, name, &env);
	assert_to(&env, "root", "mx.example.org");
}

static void
test_aliases_not_there(void **state)
{
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct fault why;

	/* A source that was never compiled: nobody can be looked up. */
	if (file_save(AT_FDCWD, w->conf.aliases.p, STR("a: b\n"), 0600,
	    &why) < 0)
		fail_msg("%s", why.text);
	make(w, ID, "joe@example.org", "joe@example.net");
	set_state(w, ID, 0, SLOT_FAILED);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_FAULT);
	assert_true(fault_is_temporary(&why));
	assert_int_equal(get_slot(w, ID, 0).state, SLOT_FAILED);
	assert_int_equal(fake_count(&w->f, "q"), 1);
}

/* What is damaged is not told to anybody as if it were the message. */
static void
test_damaged(void **state)
{
	struct world *w = *state;
	char name[SPOOL_NAME_MAX];
	struct message m;
	struct fault why;
	int64_t at;

	make(w, ID, "ann@example.com", "joe@example.net");
	set_state(w, ID, 0, SLOT_FAILED);
	fake_open(&w->f, ID, false, &m);
	at = (int64_t)m.super.content_offset + 3;
	message_close(&m);
	fake_patch(&w->f, ID, at, "?", 1);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_FAULT);
	assert_int_equal(why.kind, FAULT_PERMANENT);
	assert_int_equal(get_slot(w, ID, 0).state, SLOT_FAILED);
	assert_int_equal(fake_count(&w->f, "q"), 1);
}

/* There is no room for the bounce now. */
static void
test_no_room(void **state)
{
	struct world *w = *state;
	struct spool gone = w->f.spool;
	char name[SPOOL_NAME_MAX];
	struct message m;
	struct fault why;

	make(w, ID, "ann@example.com", "joe@example.net");
	set_state(w, ID, 0, SLOT_FAILED);
	gone.q = w->f.spool.root;
	fake_open(&w->f, ID, true, &m);
	assert_int_equal(bounce_send(&m, &gone, &w->conf, w->book, name,
	    &why), BOUNCE_FAULT);
	assert_true(fault_is_temporary(&why));
	message_close(&m);
	assert_int_equal(get_slot(w, ID, 0).state, SLOT_FAILED);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
}

/* The words about it have been lost; the bounce is made all the same. */
static void
test_no_note(void **state)
{
	struct world *w = *state;
	struct outcome o = { .kind = OUTCOME_FAILED, .status = { 5, 4, 7 } };
	char name[SPOOL_NAME_MAX];
	struct envelope env;
	struct message m;
	struct fault why;
	uint32_t i = 0;

	make(w, ID, "ann@example.com", "joe@example.net");
	fake_open(&w->f, ID, true, &m);
	slots_enter(&m, 0, &o, 0);
	assert_int_equal(slots_write(&m, &i, 1, true, &why), 0);
	message_close(&m);
	assert_int_equal(send_about(w, ID, name, &why), BOUNCE_MADE);
	assert_true(has(read_bounce(w, name, &env), "5.4.7"));
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_none),
		WITH(test_made_once),
		WITH(test_kinds),
		WITH(test_wishes),
		WITH(test_crash_before_marks),
		WITH(test_rounds),
		WITH(test_double),
		WITH(test_null_sender),
		WITH(test_unknown_sender),
		WITH(test_aliases_not_there),
		WITH(test_damaged),
		WITH(test_no_room),
		WITH(test_no_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
