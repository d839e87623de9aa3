/* SPDX-License-Identifier: ISC */
/*
 * spool/slots: the marks of each recipient, entered, written in place, and
 * found again; and the last words about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_spool.h"

static const struct outcome outcomes[] = {
	{ .kind = OUTCOME_DEFERRED, .reply = 451, .status = { 4, 3, 0 } },
	{ .kind = OUTCOME_DELIVERED, .status = { 2, 0, 0 } },
	{ .kind = OUTCOME_RELAYED, .reply = 250, .status = { 2, 1, 5 } },
	{ .kind = OUTCOME_FAILED, .reply = 550, .status = { 5, 1, 1 } },
};
static const enum slot_state states[] = { SLOT_PENDING, SLOT_DONE, SLOT_DONE,
	SLOT_FAILED };

static void
make(struct fake_spool *f, char name[SPOOL_NAME_MAX])
{
	struct envelope env = fake_envelope(f, "ann@example.com",
	    "a@b.example c@b.example e@b.example g@b.example");

	fake_submit(f, &env, NULL, STR("R: 1\r\n"), STR("A: b\r\n"), name);
}

static void
test_enter(void **state)
{
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct message m;

	make(f, name);
	fake_open(f, name, true, &m);
	for (uint32_t i = 0; i < 4; i++) {
		slots_enter(&m, i, &outcomes[i], 12345);
		assert_int_equal(m.slots[i].state, states[i]);
		assert_int_equal(m.slots[i].attempts, 1);
		assert_int_equal(m.slots[i].sequence, 1);
		assert_int_equal(m.slots[i].reply, outcomes[i].reply);
		assert_int_equal(m.slots[i].status.class,
		    outcomes[i].status.class);
		assert_int_equal(m.slots[i].next, i == 0 ? 12345 : 0);
	}
	slots_enter(&m, 0, &outcomes[0], 23456);
	assert_int_equal(m.slots[0].attempts, 2);
	assert_int_equal(m.slots[0].sequence, 2);
	m.slots[0].attempts = UINT16_MAX;
	slots_enter(&m, 0, &outcomes[0], 0);
	assert_int_equal(m.slots[0].attempts, UINT16_MAX);
	message_close(&m);
}

/* What the sender asked for decides whether a report is owed. */
static void
test_enter_wishes(void **state)
{
	static const struct {
		unsigned		notify;
		enum envelope_by	by;
		bool			trace, late;
		enum outcome_kind	kind;
		unsigned		next_hop;
		enum slot_state		expected;
	} rows[] = {
		{ WANT_NEVER, BY_NONE, 0, 0, OUTCOME_FAILED, 0,
		    SLOT_DISCARDED },
		{ WANT_SUCCESS, BY_NONE, 0, 0, OUTCOME_FAILED, 0,
		    SLOT_DISCARDED },
		{ WANT_FAILURE, BY_NONE, 0, 0, OUTCOME_FAILED, 0,
		    SLOT_FAILED },
		{ WANT_SUCCESS, BY_NONE, 0, 0, OUTCOME_DELIVERED, 0,
		    SLOT_TELL_DELIVERED },
		{ WANT_FAILURE, BY_NONE, 0, 0, OUTCOME_DELIVERED, 0,
		    SLOT_DONE },
		{ WANT_SUCCESS, BY_NONE, 0, 0, OUTCOME_RELAYED, 0,
		    SLOT_TELL_RELAYED },
		{ WANT_SUCCESS, BY_NONE, 0, 0, OUTCOME_RELAYED, OUTCOME_DSN,
		    SLOT_DONE },
		{ WANT_EXPANDED, BY_NONE, 0, 0, OUTCOME_RELAYED, OUTCOME_DSN,
		    SLOT_TELL_RELAYED },
		/* RFC 2852 4.1.4 */
		{ 0, BY_NOTIFY, 0, 0, OUTCOME_RELAYED, OUTCOME_DSN,
		    SLOT_TELL_RELAYED },
		{ 0, BY_NOTIFY, 0, 0, OUTCOME_RELAYED, OUTCOME_BY, SLOT_DONE },
		{ 0, BY_NOTIFY, 1, 0, OUTCOME_RELAYED, OUTCOME_BY,
		    SLOT_TELL_RELAYED },
		{ WANT_NEVER, BY_NOTIFY, 1, 0, OUTCOME_RELAYED, 0, SLOT_DONE },
		{ 0, BY_NOTIFY, 0, 0, OUTCOME_DELIVERED, 0, SLOT_DONE },
		{ 0, BY_NOTIFY, 0, 0, OUTCOME_DEFERRED, 0, SLOT_PENDING },
		{ 0, BY_NOTIFY, 0, 1, OUTCOME_DEFERRED, 0,
		    SLOT_TELL_DELAYED },
		{ WANT_DELAY, BY_NOTIFY, 0, 1, OUTCOME_DEFERRED, 0,
		    SLOT_TELL_DELAYED },
		{ WANT_FAILURE, BY_NOTIFY, 0, 1, OUTCOME_DEFERRED, 0,
		    SLOT_PENDING },
		{ 0, BY_RETURN, 0, 1, OUTCOME_DEFERRED, 0, SLOT_PENDING },
	};
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct message m;

	make(f, name);
	fake_open(f, name, true, &m);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome o = { .kind = rows[i].kind,
		    .next_hop = rows[i].next_hop };
		struct slot s;

		m.envelope.recipients.p[0].notify = rows[i].notify;
		m.envelope.wishes = (struct envelope_wishes){
			.by = rows[i].by, .by_trace = rows[i].trace,
			.by_time = rows[i].late ? 1 : INT64_MAX,
		};
		m.slots[0].bounce = 0;
		slots_enter(&m, 0, &o, 12345);
		if (m.slots[0].state != rows[i].expected)
			fail_msg("row %zu: %d", i, (int)m.slots[0].state);
		s = m.slots[0];
		assert_int_equal(slot_owes_report(&s), s.state == SLOT_FAILED ||
		    s.state >= SLOT_TELL_DELIVERED);
		assert_int_equal(slot_is_pending(&s),
		    rows[i].kind == OUTCOME_DEFERRED);
		/* A delay is told once. */
		m.slots[0].bounce = 1;
		slots_enter(&m, 0, &o, 12345);
		assert_int_not_equal(m.slots[0].state, SLOT_TELL_DELAYED);
	}
	message_close(&m);
}

static void
test_write(void **state)
{
	static const uint32_t some[] = { 3, 1 };
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct message m;
	struct fault why;

	make(f, name);
	fake_open(f, name, true, &m);
	for (uint32_t i = 0; i < 4; i++)
		slots_enter(&m, i, &outcomes[i], 12345);
	assert_int_equal(slots_write(&m, some, 2, true, &why), 0);
	message_close(&m);
	fake_open(f, name, true, &m);
	assert_int_equal(m.slots[0].state, SLOT_PENDING);
	assert_int_equal(m.slots[0].attempts, 0);
	assert_int_equal(m.slots[1].state, SLOT_DONE);
	assert_int_equal(m.slots[2].state, SLOT_PENDING);
	assert_int_equal(m.slots[3].state, SLOT_FAILED);
	assert_int_equal(m.slots[3].reply, 550);
	assert_int_equal(m.slots[3].status.subject, 1);
	assert_int_equal(message_load(&m, &why), MESSAGE_OK);
	assert_int_equal(slots_write(&m, NULL, 0, false, &why), 0);
	message_close(&m);
}

/* Two workers on one entry: neither undoes what the other has written. */
static void
test_two_writers(void **state)
{
	static const uint32_t first[] = { 0, 1 }, second[] = { 2, 3 };
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct message m, one, two;
	struct fault why;

	make(f, name);
	fake_open(f, name, true, &m);
	assert_int_equal(message_attach(&one, dup(m.fd), &why), MESSAGE_OK);
	assert_int_equal(message_attach(&two, dup(m.fd), &why), MESSAGE_OK);
	slots_enter(&one, 0, &outcomes[1], 0);
	slots_enter(&one, 1, &outcomes[2], 0);
	slots_enter(&two, 2, &outcomes[3], 0);
	slots_enter(&two, 3, &outcomes[1], 0);
	assert_int_equal(slots_write(&one, first, 2, true, &why), 0);
	assert_int_equal(slots_write(&two, second, 2, true, &why), 0);
	message_close(&one);
	message_close(&two);
	message_close(&m);
	fake_open(f, name, true, &m);
	for (int i = 0; i < 4; i++)
		assert_int_equal(m.slots[i].state, i == 2 ? SLOT_FAILED :
		    SLOT_DONE);
	message_close(&m);
}

static void
test_write_fails(void **state)
{
	static const uint32_t index[] = { 0 };
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct note note = { 1, STR_NONE, STR("text") };
	struct message m;
	struct fault why;

	make(f, name);
	fake_open(f, name, false, &m);		/* read only */
	slots_enter(&m, 0, &outcomes[1], 0);
	assert_int_equal(slots_write(&m, index, 1, true, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_int_equal(slots_write_note(&m, 0, &note, &why), -1);
	message_close(&m);
	fake_open(f, name, true, &m);
	assert_int_equal(m.slots[0].state, SLOT_PENDING);
	message_close(&m);
}

static void
test_notes(void **state)
{
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct note in = { 1790000000, STR("mx.example.net"),
	    STR("451 4.7.1 later") }, n;
	struct message m;
	struct fault why;
	int64_t at;

	make(f, name);
	fake_open(f, name, true, &m);
	for (uint32_t i = 0; i < 4; i++)
		assert_false(slots_read_note(&m, i, &n));
	assert_int_equal(slots_write_note(&m, 2, &in, &why), 0);
	at = format_note_offset(&m.super, 2);
	message_close(&m);
	fake_open(f, name, false, &m);
	/* Before it is a hole, behind it the end of the file. */
	assert_false(slots_read_note(&m, 0, &n));
	assert_false(slots_read_note(&m, 1, &n));
	assert_false(slots_read_note(&m, 3, &n));
	assert_true(slots_read_note(&m, 2, &n));
	assert_text(n.host, in.host);
	assert_text(n.text, in.text);
	assert_int_equal(n.when, in.when);
	assert_int_equal(message_load(&m, &why), MESSAGE_OK);
	assert_int_equal(message_size(&m), 12);
	message_close(&m);
	fake_patch(f, name, at + 50, "?", 1);
	fake_open(f, name, false, &m);
	assert_false(slots_read_note(&m, 2, &n));
	message_close(&m);
}

static void
test_final(void **state)
{
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct message m;

	make(f, name);
	fake_open(f, name, false, &m);
	assert_false(slots_are_final(&m));
	m.slots[0].state = SLOT_DONE;
	m.slots[1].state = SLOT_BOUNCED;
	m.slots[2].state = SLOT_DISCARDED;
	assert_false(slots_are_final(&m));
	m.slots[3].state = SLOT_FAILED;
	assert_false(slots_are_final(&m));
	m.slots[3].state = SLOT_DONE;
	assert_true(slots_are_final(&m));
	message_close(&m);
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, fake_spool_setup,		\
	    fake_spool_teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_enter),
		WITH(test_enter_wishes),
		WITH(test_write),
		WITH(test_two_writers),
		WITH(test_write_fails),
		WITH(test_notes),
		WITH(test_final),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
