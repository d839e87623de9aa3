/* SPDX-License-Identifier: ISC */
/*
 * spool/message: an entry is read as it was made, or it is not read at all.
 * Every byte of a small one is altered, and it is cut at every length
 * (SECURITY F7): each time it is noticed, or it made no difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_spool.h"

#define HEAD	"Received: from client.example\r\n"
#define CONTENT	"From: ann@example.com\r\nSubject: x\r\n\r\none\r\ntwo\r\n"

static void
make(struct fake_spool *f, char name[SPOOL_NAME_MAX])
{
	struct envelope env = fake_envelope(f, "ann@example.com",
	    "joe@example.org eve@example.net");

	env.helo = STR("client.example");
	fake_submit(f, &env, NULL, STR(HEAD), STR(CONTENT), name);
}

static void
make_large(struct fake_spool *f, size_t size, char name[SPOOL_NAME_MAX])
{
	struct envelope env = fake_envelope(f, "", "joe@example.org");
	char *p = malloc(size);

	memset(p, 'x', size);
	memcpy(p, "A: b\r\n\r\n", 8);
	fake_submit(f, &env, NULL, STR(HEAD), str_span(p, size), name);
	free(p);
}

static void
test_open(void **state)
{
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct message m;
	struct fault why;

	make(f, name);
	fake_open(f, name, false, &m);
	assert_string_equal(m.super.name, name);
	assert_text(m.envelope.sender.local, STR("ann"));
	assert_text(m.envelope.recipients.p[1].address.domain,
	    STR("example.net"));
	assert_text(m.envelope.helo, STR("client.example"));
	assert_null(m.memory);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(message_load(&m, &why), MESSAGE_OK);
		assert_false(m.mapped);
		assert_int_equal(m.super.nparts, 2);
		assert_text(m.parts[0], STR(HEAD));
		assert_text(m.parts[1], STR(CONTENT));
		assert_int_equal(message_size(&m), sizeof(HEAD CONTENT) - 1);
	}
	message_close(&m);
	message_close(&m);
}

static void
test_lock(void **state)
{
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	char name[SPOOL_NAME_MAX];
	struct message m, other;
	struct fault why;

	make(f, name);
	fake_open(f, name, true, &m);
	assert_int_equal(message_open(&other, &f->spool, name, true, &why),
	    MESSAGE_LOCKED);
	assert_int_equal(other.fd, -1);
	fake_open(f, name, false, &other);
	message_close(&other);
	message_close(&m);
	fake_open(f, name, true, &other);
	message_close(&other);
	assert_int_equal(fake_open_files(), before);
}

static void
test_gone(void **state)
{
	struct fake_spool *f = *state;
	struct message m;
	struct fault why;

	assert_int_equal(message_open(&m, &f->spool, "01ARZ3NDEKTSV4RRFF",
	    true, &why), MESSAGE_GONE);
	assert_int_equal(m.fd, -1);
	assert_int_equal(message_open_at(&m, f->spool.root, "hold/x", "x",
	    true, &why), MESSAGE_GONE);
}

static void
test_other_places(void **state)
{
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX], path[SPOOL_PATH_MAX];
	struct message m;
	struct fault why;

	make(f, name);
	assert_int_equal(spool_set_aside(&f->spool, name, "hold", &why), 0);
	snprintf(path, sizeof(path), "hold/%s", name);
	assert_int_equal(message_open_at(&m, f->spool.root, path, name, true,
	    &why), MESSAGE_OK);
	message_close(&m);
	/* Under a name that is not its own. */
	assert_int_equal(message_open_at(&m, f->spool.root, path,
	    "01ARZ3NDEKTSV4RRFF", true, &why), MESSAGE_DAMAGED);
	assert_int_equal(m.fd, -1);
	assert_int_equal(why.kind, FAULT_PERMANENT);
}

static void
test_void(void **state)
{
	static const uint8_t zero[FORMAT_SUPER_SIZE];
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct message m;
	struct fault why;

	make(f, name);
	fake_patch(f, name, 0, zero, sizeof(zero));
	assert_int_equal(message_open(&m, &f->spool, name, true, &why),
	    MESSAGE_VOID);
	assert_int_equal(m.fd, -1);
	/* What a power cut may leave. */
	fake_truncate(f, name, 0);
	assert_int_equal(message_open(&m, &f->spool, name, true, &why),
	    MESSAGE_VOID);
	assert_int_equal(m.fd, -1);
}

/* Things that are no files. */
/* What was made before, by somebody who may have died on the way. */
static void
test_confirm(void **state)
{
	static const uint8_t zero[FORMAT_SUPER_SIZE];
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct fault why;
	uint8_t *bytes;
	size_t n;

	/* Delivered, or torn and taken away: nobody can tell. */
	assert_int_equal(message_confirm(&f->spool, "01ARZ3NDEKTSV4RRFF",
	    &why), -1);
	assert_true(fault_is_temporary(&why));
	make(f, name);
	assert_int_equal(message_confirm(&f->spool, name, &why), 0);
	assert_true(fake_is_queued(f, name));
	/* Its head was written before the power cut, its end was not. */
	bytes = fake_bytes(f, name, &n);
	fake_patch(f, name, (int64_t)n - 2, "", 1);
	assert_int_equal(message_confirm(&f->spool, name, &why), -1);
	assert_true(fault_is_temporary(&why));
	fake_truncate(f, name, n - 2);
	assert_int_equal(message_confirm(&f->spool, name, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_true(fake_is_queued(f, name));
	fake_patch(f, name, (int64_t)n - 2, bytes + n - 2, 2);
	assert_int_equal(message_confirm(&f->spool, name, &why), 0);
	free(bytes);
	fake_patch(f, name, FORMAT_SUPER_SIZE - 1, "x", 1);
	assert_int_equal(message_confirm(&f->spool, name, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_true(fake_is_queued(f, name));
	fake_patch(f, name, 0, zero, sizeof(zero));
	assert_int_equal(message_confirm(&f->spool, name, &why), -1);
	assert_true(fault_is_temporary(&why));
	assert_false(fake_is_queued(f, name));
}

static void
test_not_files(void **state)
{
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX], path[SPOOL_PATH_MAX];
	struct message m;
	struct fault why;

	spool_name_new(name, 1);
	spool_entry_path(name, path);
	for (int lock = 0; lock < 2; lock++) {
		assert_int_equal(mkfifoat(f->spool.q, path, 0600), 0);
		assert_int_not_equal(message_open(&m, &f->spool, name,
		    lock != 0, &why), MESSAGE_OK);
		assert_int_equal(unlinkat(f->spool.q, path, 0), 0);
		assert_int_equal(mkdirat(f->spool.q, path, 0700), 0);
		assert_int_not_equal(message_open(&m, &f->spool, name,
		    lock != 0, &why), MESSAGE_OK);
		assert_int_equal(unlinkat(f->spool.q, path, AT_REMOVEDIR), 0);
		assert_int_equal(symlinkat("/etc/passwd", f->spool.q, path),
		    0);
		assert_int_equal(message_open(&m, &f->spool, name, lock != 0,
		    &why), MESSAGE_FAULT);
		assert_int_equal(unlinkat(f->spool.q, path, 0), 0);
	}
}

/* As made, or false. */
static bool
is_as_made(struct fake_spool *f, const char *name)
{
	struct message m;
	struct fault why;
	enum message_result r = message_open(&m, &f->spool, name, true, &why);
	bool same;

	if (r != MESSAGE_OK) {
		assert_int_equal(r, MESSAGE_DAMAGED);
		return false;
	}
	r = message_load(&m, &why);
	same = r == MESSAGE_OK;
	if (same) {
		assert_string_equal(m.super.name, name);
		assert_int_equal(m.super.nparts, 2);
		assert_text(m.parts[0], STR(HEAD));
		assert_text(m.parts[1], STR(CONTENT));
		assert_int_equal(m.envelope.recipients.n, 2);
		assert_text(m.envelope.sender.local, STR("ann"));
		assert_text(m.envelope.recipients.p[0].address.local,
		    STR("joe"));
		assert_text(m.envelope.recipients.p[1].address.local,
		    STR("eve"));
		for (int i = 0; i < 2; i++)
			assert_int_equal(m.slots[i].state, SLOT_PENDING);
	} else {
		assert_int_equal(r, MESSAGE_DAMAGED);
		assert_int_equal(why.kind, FAULT_PERMANENT);
		/* Nor is it believed when it is asked again. */
		assert_int_equal(message_load(&m, &why), MESSAGE_DAMAGED);
	}
	message_close(&m);
	return same;
}

static void
test_every_byte(void **state)
{
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	struct message m;
	uint8_t *p, altered;
	size_t n, unnoticed = 0, padding;

	make(f, name);
	fake_open(f, name, false, &m);
	padding = m.super.envelope_offset - FORMAT_SUPER_SIZE -
	    2 * FORMAT_SLOT_SIZE;
	message_close(&m);
	p = fake_bytes(f, name, &n);
	for (size_t i = 0; i < n; i++) {
		altered = (uint8_t)(p[i] ^ (1 << i % 8));
		fake_patch(f, name, (int64_t)i, &altered, 1);
		unnoticed += is_as_made(f, name);
		altered = (uint8_t)~p[i];
		fake_patch(f, name, (int64_t)i, &altered, 1);
		(void)is_as_made(f, name);
		fake_patch(f, name, (int64_t)i, &p[i], 1);
	}
	/* Only what lies between the last slot and the envelope. */
	assert_int_equal(unnoticed, padding);
	assert_true(is_as_made(f, name));
	free(p);
}

static void
test_every_length(void **state)
{
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	uint8_t *p;
	size_t n;

	make(f, name);
	p = fake_bytes(f, name, &n);
	/* An empty one is void: test_void. */
	for (size_t i = n; i-- > 1;) {
		fake_truncate(f, name, i);
		if (is_as_made(f, name))
			fail_msg("cut at %zu", i);
	}
	fake_patch(f, name, 0, p, n);
	assert_true(is_as_made(f, name));
	/* Longer: notes, or rubbish, behind its end. */
	fake_truncate(f, name, n + 5000);
	assert_true(is_as_made(f, name));
	fake_patch(f, name, (int64_t)n, p, n);
	assert_true(is_as_made(f, name));
	free(p);
}

static void
check_large(struct fake_spool *f, size_t size, bool mapped)
{
	char name[SPOOL_NAME_MAX];
	struct message m;
	struct fault why;
	uint64_t total;

	make_large(f, size, name);
	fake_open(f, name, true, &m);
	total = m.super.total;
	assert_int_equal(message_load(&m, &why), MESSAGE_OK);
	assert_int_equal(m.mapped, mapped);
	assert_int_equal(message_size(&m), size + sizeof(HEAD) - 1);
	assert_int_equal(m.parts[1].n, size);
	assert_int_equal(m.parts[1].p[size - 1], 'x');
	assert_text(m.parts[0], STR(HEAD));
	message_close(&m);
	fake_patch(f, name, (int64_t)total - 100, "y", 1);
	fake_open(f, name, true, &m);
	assert_int_equal(message_load(&m, &why), MESSAGE_DAMAGED);
	message_close(&m);
	fake_truncate(f, name, total - 1);
	fake_open(f, name, true, &m);
	assert_int_equal(message_load(&m, &why), MESSAGE_DAMAGED);
	message_close(&m);
	fake_truncate(f, name, 8192);
	fake_open(f, name, true, &m);
	assert_int_equal(message_load(&m, &why), MESSAGE_DAMAGED);
	message_close(&m);
}

static void
test_large(void **state)
{
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();

	check_large(f, 50000, false);
	check_large(f, 126 * 1024, false);
	check_large(f, 128 * 1024, true);
	check_large(f, 3 * 1024 * 1024, true);
	assert_int_equal(fake_open_files(), before);
}

/* Slots and envelope that are longer than the first read. */
static void
test_many_recipients(void **state)
{
	struct fake_spool *f = *state;
	struct envelope env = fake_envelope(f, "ann@example.com", "");
	char name[SPOOL_NAME_MAX];
	struct message m;
	struct fault why;
	uint8_t *p;
	size_t n;

	for (int i = 0; i < 1000; i++) {
		struct recipient r = { .address = {
		    arena_printf(&f->arena, "r%d", i), STR("b.example") } };

		r.original = r.address;
		vec_push(&f->arena, &env.recipients, r);
	}
	fake_submit(f, &env, NULL, STR(HEAD), STR(CONTENT), name);
	fake_open(f, name, false, &m);
	assert_int_equal(m.envelope.recipients.n, 1000);
	assert_text(m.envelope.recipients.p[999].address.local, STR("r999"));
	assert_int_equal(message_load(&m, &why), MESSAGE_OK);
	assert_text(m.parts[1], STR(CONTENT));
	message_close(&m);
	p = fake_bytes(f, name, &n);
	for (size_t i = 512; i < n; i += 997) {
		fake_truncate(f, name, i);
		assert_int_equal(message_open(&m, &f->spool, name, false,
		    &why), MESSAGE_DAMAGED);
		assert_int_equal(m.fd, -1);
		fake_patch(f, name, 0, p, n);
	}
	free(p);
}

/* A superblock that holds, over an envelope that holds, of a false number. */
static void
test_lying_superblock(void **state)
{
	struct fake_spool *f = *state;
	char name[SPOOL_NAME_MAX];
	uint8_t b[FORMAT_SUPER_SIZE];
	struct message m;
	struct fault why;

	make(f, name);
	fake_open(f, name, false, &m);
	m.super.recipients = 3;
	format_super_encode(&m.super, b);
	message_close(&m);
	fake_patch(f, name, 0, b, sizeof(b));
	assert_int_equal(message_open(&m, &f->spool, name, false, &why),
	    MESSAGE_DAMAGED);
	make(f, name);
	fake_open(f, name, false, &m);
	m.super.envelope_length = 0xfffff000;
	m.super.content_offset = m.super.envelope_offset +
	    (uint64_t)m.super.envelope_length;
	m.super.total = m.super.content_offset;
	m.super.nparts = 0;
	format_super_encode(&m.super, b);
	message_close(&m);
	fake_patch(f, name, 0, b, sizeof(b));
	assert_int_equal(message_open(&m, &f->spool, name, false, &why),
	    MESSAGE_DAMAGED);
}

static int
open_file(struct fake_spool *f, const char *name)
{
	char path[SPOOL_PATH_MAX];
	int fd = openat(f->spool.q, spool_entry_path(name, path),
	    O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void
test_attach(void **state)
{
	struct fake_spool *f = *state;
	unsigned before = fake_open_files();
	char name[SPOOL_NAME_MAX];
	struct message m;
	struct fault why;
	uint8_t *p;
	size_t n;

	make(f, name);
	assert_int_equal(message_attach(&m, open_file(f, name), &why),
	    MESSAGE_OK);
	assert_text(m.parts[0], STR(HEAD));
	assert_text(m.parts[1], STR(CONTENT));
	message_close(&m);
	p = fake_bytes(f, name, &n);
	for (size_t i = 0; i < n; i += 7) {
		uint8_t altered = (uint8_t)(p[i] + 1);

		fake_patch(f, name, (int64_t)i, &altered, 1);
		if (message_attach(&m, open_file(f, name), &why) ==
		    MESSAGE_OK) {
			assert_text(m.parts[1], STR(CONTENT));
			message_close(&m);
		}
		fake_patch(f, name, (int64_t)i, &p[i], 1);
	}
	for (size_t i = 0; i < n; i++) {
		fake_truncate(f, name, i);
		assert_int_equal(message_attach(&m, open_file(f, name), &why),
		    i == 0 ? MESSAGE_VOID : MESSAGE_DAMAGED);
		fake_patch(f, name, 0, p, n);
	}
	make_large(f, 200000, name);
	assert_int_equal(message_attach(&m, open_file(f, name), &why),
	    MESSAGE_OK);
	assert_true(m.mapped);
	message_close(&m);
	assert_int_equal(fake_open_files(), before);
	free(p);
}

static const struct {
	const char	*head, *content;
	size_t		 max;
	const char	*expected;
} headers[] = {
	{ "R: 1\r\n", "A: b\r\n\r\nbody\r\n", 1000, "R: 1\r\nA: b\r\n" },
	{ "R: 1\r\n", "\r\nbody\r\n", 1000, "R: 1\r\n" },
	{ "", "\r\nbody\r\n", 1000, "" },
	{ "", "A: b\r\n", 1000, "A: b\r\n" },
	{ "R: 1\r\n", "A: b\r\n\r\nbody\r\n", 9, "R: 1\r\nA: " },
	{ "R: 1\r\n", "A: b\r\n\r\nbody\r\n", 3, "R: " },
	{ "R: 1\r\n", "A: b\r\n\r\nbody\r\n", 0, "" },
	{ "", "", 1000, "" },
};

static void
test_header(void **state)
{
	struct fake_spool *f = *state;
	struct envelope env = fake_envelope(f, "", "joe@example.org");
	char name[SPOOL_NAME_MAX];
	struct message m;
	struct fault why;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		fake_submit(f, &env, NULL, str_of(headers[i].head),
		    str_of(headers[i].content), name);
		fake_open(f, name, false, &m);
		assert_int_equal(message_load(&m, &why), MESSAGE_OK);
		assert_text(message_header(&m, headers[i].max),
		    str_of(headers[i].expected));
		message_close(&m);
	}
}

int
main(void)
{
#define WITH(test)							\
	cmocka_unit_test_setup_teardown(test, fake_spool_setup,		\
	    fake_spool_teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_open),
		WITH(test_lock),
		WITH(test_gone),
		WITH(test_other_places),
		WITH(test_void),
		WITH(test_confirm),
		WITH(test_not_files),
		WITH(test_every_byte),
		WITH(test_every_length),
		WITH(test_large),
		WITH(test_many_recipients),
		WITH(test_lying_superblock),
		WITH(test_attach),
		WITH(test_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
