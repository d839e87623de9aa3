/* SPDX-License-Identifier: ISC */
/*
 * spool/format: every field comes back, every altered bit of a sealed block is
 * noticed, and a block that was sealed with nonsense in it is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "os/crc.h"
#include "spool/format.h"

static const struct format_super sample = {
	.name = "01ARZ3NDEKTSV4RRFF-b2",
	.arrival_wall_ms = INT64_C(0x0102030405060708),
	.arrival_boot_ms = INT64_C(0x1112131415161718),
	.boot_id = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255 },
	.recipients = 17,
	.envelope_offset = 512 + 1024,
	.envelope_length = 1000,
	.content_offset = 512 + 1024 + 1000,
	.total = 512 + 1024 + 1000 + UINT64_C(0x100000100),
	.envelope_crc = 0x21222324,
	.content_crc = 0x31323334,
	.nparts = 3,
	.parts = {
		{ 512 + 1024 + 1000 + UINT64_C(0x100000000), 256 },
		{ 512 + 1024 + 1000, UINT64_C(0x100000000) },
		{ 512 + 1024 + 1000 + UINT64_C(0x100000100), 0 },
	},
};

static void
seal_super(uint8_t b[FORMAT_SUPER_SIZE])
{
	uint32_t crc = crc32c(0, b, 508);

	for (int i = 0; i < 4; i++)
		b[508 + i] = (uint8_t)(crc >> (8 * i));
}

static void
test_super_round(void **state)
{
	uint8_t b[FORMAT_SUPER_SIZE];
	struct format_super s;
	struct fault why;

	(void)state;
	format_super_encode(&sample, b);
	assert_int_equal(format_super_decode(b, &s, &why), 0);
	assert_memory_equal(&s, &sample, sizeof(s));
	assert_false(format_super_is_void(b));
}

static void
test_super_parts_full(void **state)
{
	struct format_super in = sample, s;
	uint8_t b[FORMAT_SUPER_SIZE];
	struct fault why;

	(void)state;
	in.nparts = FORMAT_PARTS_MAX;
	for (uint32_t i = 0; i < FORMAT_PARTS_MAX; i++) {
		in.parts[i].offset = in.content_offset + i;
		in.parts[i].length = i;
	}
	format_super_encode(&in, b);
	assert_int_equal(format_super_decode(b, &s, &why), 0);
	assert_memory_equal(&s, &in, sizeof(s));
	in.nparts = 0;
	memset(in.parts, 0, sizeof(in.parts));
	in.total = in.content_offset;
	format_super_encode(&in, b);
	assert_int_equal(format_super_decode(b, &s, &why), 0);
	assert_memory_equal(&s, &in, sizeof(s));
}

static void
test_super_bits(void **state)
{
	uint8_t b[FORMAT_SUPER_SIZE];
	struct format_super s;
	struct fault why;

	(void)state;
	format_super_encode(&sample, b);
	for (int i = 0; i < FORMAT_SUPER_SIZE * 8; i++) {
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		if (format_super_decode(b, &s, &why) == 0)
			fail_msg("bit %d", i);
		assert_int_equal(why.kind, FAULT_PERMANENT);
		b[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void
test_super_void(void **state)
{
	uint8_t b[FORMAT_SUPER_SIZE] = { 0 };
	struct format_super s;
	struct fault why;

	(void)state;
	assert_true(format_super_is_void(b));
	assert_int_equal(format_super_decode(b, &s, &why), -1);
	for (int i = 0; i < FORMAT_SUPER_SIZE; i++) {
		b[i] = 1;
		assert_false(format_super_is_void(b));
		b[i] = 0;
	}
}

/* What is written at a place of the sample before it is sealed again. */
static const struct {
	const char	*name;
	int		 at, width;
	uint64_t	 value;
} bad_super[] = {
	{ "magic", 0, 1, 'G' },
	{ "magic's last", 7, 1, '\r' },
	{ "version 0", 8, 4, 0 },
	{ "version 2", 8, 4, 2 },
	{ "no recipients", 80, 4, 0 },
	{ "other recipients", 80, 4, 33 },
	{ "many recipients", 80, 4, FORMAT_RECIPIENTS_MAX + 1 },
	{ "recipients wrap", 80, 4, UINT32_C(0x08000011) },
	{ "most recipients", 80, 4, UINT32_MAX },
	{ "17 parts", 84, 4, FORMAT_PARTS_MAX + 1 },
	{ "most parts", 84, 4, UINT32_MAX },
	{ "envelope offset 0", 88, 4, 0 },
	{ "envelope offset", 88, 4, 512 + 1024 + 1 },
	{ "envelope length", 92, 4, 999 },
	{ "envelope length most", 92, 4, UINT32_MAX },
	{ "content offset", 96, 8, 512 + 1024 + 1001 },
	{ "content offset 0", 96, 8, 0 },
	{ "content offset most", 96, 8, UINT64_MAX },
	{ "total 0", 104, 8, 0 },
	{ "total before content", 104, 8, 512 + 1024 + 999 },
	{ "total cuts a part", 104, 8, 512 + 1024 + 1000 +
	    UINT64_C(0x1000000ff) },
	{ "total too large", 104, 8, (UINT64_C(1) << 40) + 1 },
	{ "total most", 104, 8, UINT64_MAX },
	{ "part in the envelope", 128, 8, 512 + 1024 + 999 },
	{ "part at 0", 128, 8, 0 },
	{ "part behind the end", 128, 8, 512 + 1024 + 1000 +
	    UINT64_C(0x100000101) },
	{ "part most", 128, 8, UINT64_MAX },
	{ "part too long", 136, 8, 257 },
	{ "part wraps", 136, 8, UINT64_MAX },
	{ "part wraps to its start", 136, 8, UINT64_MAX - 255 },
};

static void
test_super_malformed(void **state)
{
	uint8_t b[FORMAT_SUPER_SIZE];
	struct format_super s;
	struct fault why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_super) / sizeof(bad_super[0]); i++) {
		format_super_encode(&sample, b);
		for (int k = 0; k < bad_super[i].width; k++)
			b[bad_super[i].at + k] =
			    (uint8_t)(bad_super[i].value >> (8 * k));
		seal_super(b);
		if (format_super_decode(b, &s, &why) == 0)
			fail_msg("%s", bad_super[i].name);
		assert_int_equal(why.kind, FAULT_PERMANENT);
	}
}

/* A name without its end may not be read beyond its field. */
static void
test_super_name_unended(void **state)
{
	uint8_t b[FORMAT_SUPER_SIZE];
	struct format_super s;
	struct fault why;

	(void)state;
	format_super_encode(&sample, b);
	memset(b + 16, 'A', SPOOL_NAME_MAX);
	seal_super(b);
	if (format_super_decode(b, &s, &why) == 0)
		assert_int_equal(strlen(s.name), SPOOL_NAME_MAX - 1);
}

static void
test_offsets(void **state)
{
	struct format_super s = sample;

	(void)state;
	assert_int_equal(format_envelope_offset(1), 1024);
	assert_int_equal(format_envelope_offset(16), 1024);
	assert_int_equal(format_envelope_offset(17), 1536);
	assert_int_equal(format_envelope_offset(FORMAT_RECIPIENTS_MAX),
	    512 + 32 * FORMAT_RECIPIENTS_MAX);
	assert_int_equal(format_slot_offset(0), 512);
	assert_int_equal(format_slot_offset(FORMAT_RECIPIENTS_MAX - 1),
	    512 + 32 * (FORMAT_RECIPIENTS_MAX - 1));
	/* Neither a slot nor a note ever lies across a sector. */
	for (uint32_t i = 0; i < 64; i++)
		assert_true(format_slot_offset(i) / 512 ==
		    (format_slot_offset(i) + FORMAT_SLOT_SIZE - 1) / 512);
	for (s.total = 5000; s.total < 6000; s.total++) {
		assert_true(format_note_offset(&s, 0) >= (int64_t)s.total);
		assert_true(format_note_offset(&s, 0) <
		    (int64_t)s.total + 512);
		assert_int_equal(format_note_offset(&s, 3) % 512, 0);
		assert_int_equal(format_note_offset(&s, 3) -
		    format_note_offset(&s, 0), 3 * 512);
	}
}

/* ------------------------------------------------------------ slots ----- */

static const struct slot slot_sample = {
	.state = SLOT_BOUNCED,
	.attempts = 0xfedc,
	.reply = 554,
	.bounce = 0xabcd,
	.status = { 5, 123, 999 },
	.sequence = 0x89abcdef,
	.next = INT64_C(-0x0102030405060708),
};

static void
check_slot(const struct slot *a, const struct slot *b)
{
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->reply, b->reply);
	assert_int_equal(a->bounce, b->bounce);
	assert_int_equal(a->status.class, b->status.class);
	assert_int_equal(a->status.subject, b->status.subject);
	assert_int_equal(a->status.detail, b->status.detail);
	assert_int_equal(a->sequence, b->sequence);
	assert_true(a->next == b->next);
}

static void
test_slot_round(void **state)
{
	uint8_t b[FORMAT_SLOT_SIZE];
	struct slot in = slot_sample, s;
	struct fault why;

	(void)state;
	for (int i = SLOT_PENDING; i <= SLOT_DISCARDED; i++) {
		in.state = (enum slot_state)i;
		format_slot_encode(&in, b);
		assert_int_equal(format_slot_decode(b, &s, &why), 0);
		check_slot(&s, &in);
		assert_int_equal(slot_is_final(&s),
		    i != SLOT_PENDING && i != SLOT_FAILED);
	}
}

static void
test_slot_bits(void **state)
{
	uint8_t b[FORMAT_SLOT_SIZE];
	struct slot s;
	struct fault why;

	(void)state;
	format_slot_encode(&slot_sample, b);
	for (int i = 0; i < FORMAT_SLOT_SIZE * 8; i++) {
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		if (format_slot_decode(b, &s, &why) == 0)
			fail_msg("bit %d", i);
		assert_int_equal(why.kind, FAULT_PERMANENT);
		b[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	/* A sector that was lost, and one of a disk that was never written. */
	memset(b, 0, sizeof(b));
	assert_int_equal(format_slot_decode(b, &s, &why), -1);
	memset(b, 0xff, sizeof(b));
	assert_int_equal(format_slot_decode(b, &s, &why), -1);
}

static void
test_slot_states(void **state)
{
	struct slot in = slot_sample, s;
	uint8_t b[FORMAT_SLOT_SIZE];
	struct fault why;

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		in.state = (enum slot_state)i;
		format_slot_encode(&in, b);
		assert_int_equal(format_slot_decode(b, &s, &why),
		    i >= SLOT_PENDING && i <= SLOT_TELL_DELAYED ? 0 : -1);
	}
}

/* ------------------------------------------------------------ notes ----- */

static void
seal_note(uint8_t b[FORMAT_NOTE_SIZE])
{
	uint32_t crc = crc32c(0, b + 4, FORMAT_NOTE_SIZE - 4);

	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(crc >> (8 * i));
}

static void
test_note_round(void **state)
{
	struct arena a = { 0 };
	struct note in = { INT64_C(1790000000), STR("mx.example.net"),
	    STR("host said: 451 4.7.1 try later") }, n;
	uint8_t b[FORMAT_NOTE_SIZE];

	(void)state;
	format_note_encode(&in, b);
	assert_true(format_note_decode(&a, b, &n));
	assert_true(n.when == in.when);
	assert_true(str_eq(n.host, in.host));
	assert_true(str_eq(n.text, in.text));
	in.host = in.text = STR_NONE;
	format_note_encode(&in, b);
	assert_true(format_note_decode(&a, b, &n));
	assert_int_equal(n.host.n + n.text.n, 0);
	arena_free(&a);
}

/* What is too long is cut, and never leaves its block. */
static void
test_note_lengths(void **state)
{
	static const size_t lengths[] = { 0, 1, 228, 229, 254, 255, 256, 479,
	    480, 483, 484, 485, 512, 70000 };
	enum { N = sizeof(lengths) / sizeof(lengths[0]) };
	struct arena a = { 0 };
	struct note in, n;
	uint8_t *b = malloc(FORMAT_NOTE_SIZE);
	char *text = malloc(70000);

	(void)state;
	memset(text, 'x', 70000);
	for (size_t i = 0; i < N * N; i++) {
		in = (struct note){ 1, str_span(text, lengths[i / N]),
		    str_span(text, lengths[i % N]) };
		format_note_encode(&in, b);
		assert_true(format_note_decode(&a, b, &n));
		assert_true(str_starts(in.host, n.host));
		assert_true(str_starts(in.text, n.text));
		assert_true(n.host.n == in.host.n || n.host.n == 255);
		assert_true(n.text.n == in.text.n ||
		    n.text.n >= FORMAT_NOTE_TEXT_MAX - n.host.n);
	}
	free(text);
	free(b);
	arena_free(&a);
}

static void
test_note_malformed(void **state)
{
	static const struct {
		uint16_t	host, text;
	} rows[] = { { 485, 0 }, { 0, 485 }, { 242, 243 }, { 0xffff, 0 },
	    { 0, 0xffff }, { 0xffff, 0xffff }, { 0x8000, 0x8000 } };
	struct arena a = { 0 };
	struct note in = { 1, STR("h"), STR("text") }, n;
	uint8_t *b = malloc(FORMAT_NOTE_SIZE);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		format_note_encode(&in, b);
		b[12] = (uint8_t)rows[i].host;
		b[13] = (uint8_t)(rows[i].host >> 8);
		b[14] = (uint8_t)rows[i].text;
		b[15] = (uint8_t)(rows[i].text >> 8);
		seal_note(b);
		assert_false(format_note_decode(&a, b, &n));
	}
	format_note_encode(&in, b);
	for (int i = 0; i < FORMAT_NOTE_SIZE * 8; i++) {
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		if (format_note_decode(&a, b, &n))
			fail_msg("bit %d", i);
		b[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	/* A hole in the file. */
	memset(b, 0, FORMAT_NOTE_SIZE);
	assert_false(format_note_decode(&a, b, &n));
	free(b);
	arena_free(&a);
}

/* --------------------------------------------------------- envelope ----- */

static struct address
address(const char *local, const char *domain)
{
	return (struct address){ str_of(local), str_of(domain) };
}

static struct envelope
make_envelope(struct arena *a)
{
	struct envelope e = { 0 };
	struct recipient r;

	e.sender = address("ann", "example.com");
	r.address = r.original = address("joe", "example.org");
	vec_push(a, &e.recipients, r);
	r.address = address("two words", "\303\244.example");
	r.original = address("list", "");
	vec_push(a, &e.recipients, r);
	r.address = r.original = address("root", "");
	vec_push(a, &e.recipients, r);
	e.body = BODY_8BITMIME;
	e.origin = ORIGIN_DROP;
	e.uid = 0xfffffffe;
	e.client_ip.family = 6;
	for (uint8_t i = 0; i < 16; i++)
		e.client_ip.b[i] = (uint8_t)(200 + i);
	e.client_name = STR("client.example");
	e.helo = STR("helo.example");
	e.protocol = STR("ESMTP");
	e.login = STR("bob@example.org");
	return e;
}

static void
check_envelope(const struct envelope *a, const struct envelope *b)
{
	assert_true(address_eq(&a->sender, &b->sender));
	assert_int_equal(a->recipients.n, b->recipients.n);
	for (size_t i = 0; i < a->recipients.n; i++) {
		assert_true(address_eq(&a->recipients.p[i].address,
		    &b->recipients.p[i].address));
		assert_true(address_eq(&a->recipients.p[i].original,
		    &b->recipients.p[i].original));
	}
	for (size_t i = 0; i < a->recipients.n; i++) {
		assert_int_equal(a->recipients.p[i].notify,
		    b->recipients.p[i].notify);
		assert_true(str_eq(a->recipients.p[i].orcpt,
		    b->recipients.p[i].orcpt));
	}
	assert_int_equal(a->wishes.smtputf8, b->wishes.smtputf8);
	assert_int_equal(a->wishes.requiretls, b->wishes.requiretls);
	assert_int_equal(a->wishes.ret, b->wishes.ret);
	assert_true(str_eq(a->wishes.envid, b->wishes.envid));
	assert_int_equal(a->wishes.by, b->wishes.by);
	assert_int_equal(a->wishes.by_trace, b->wishes.by_trace);
	assert_int_equal(a->wishes.by_time, b->wishes.by_time);
	assert_int_equal(a->wishes.hold_until, b->wishes.hold_until);
	assert_true(str_eq(a->wishes.hold, b->wishes.hold));
	assert_int_equal(a->wishes.priority, b->wishes.priority);
	assert_true(str_eq(a->wishes.auth, b->wishes.auth));
	assert_int_equal(a->body, b->body);
	assert_int_equal(a->origin, b->origin);
	assert_int_equal(a->uid, b->uid);
	assert_true(ip_eq(&a->client_ip, &b->client_ip));
	assert_true(str_eq(a->client_name, b->client_name));
	assert_true(str_eq(a->helo, b->helo));
	assert_true(str_eq(a->protocol, b->protocol));
	assert_true(str_eq(a->login, b->login));
}

static void
test_envelope_round(void **state)
{
	struct arena a = { 0 };
	struct envelope in = make_envelope(&a), e;
	struct buf b = { 0 };
	struct fault why;

	(void)state;
	format_envelope_encode(&in, &b);
	assert_int_equal(format_envelope_decode(&a, buf_str(&b), 3, &e, &why),
	    0);
	check_envelope(&e, &in);
	buf_reset(&b);
	in.sender = (struct address){ 0 };
	in.client_ip = (struct ip){ 4, { 192, 0, 2, 1 } };
	in.body = BODY_7BIT;
	in.origin = ORIGIN_BOUNCE;
	format_envelope_encode(&in, &b);
	assert_int_equal(format_envelope_decode(&a, buf_str(&b), 3, &e, &why),
	    0);
	check_envelope(&e, &in);
	assert_true(address_is_null(&e.sender));
	buf_reset(&b);
	in.client_ip.family = 0;
	format_envelope_encode(&in, &b);
	assert_int_equal(format_envelope_decode(&a, buf_str(&b), 3, &e, &why),
	    0);
	assert_int_equal(e.client_ip.family, 0);
	buf_free(&b);
	arena_free(&a);
}

static void
test_wishes_round(void **state)
{
	static const struct envelope_wishes rows[] = {
		{ .smtputf8 = true },
		{ .requiretls = true },
		{ .ret = RET_FULL },
		{ .ret = RET_HDRS, .envid = { "a+20b", 5 } },
		{ .by = BY_RETURN, .by_time = 1 },
		{ .by = BY_NOTIFY, .by_trace = true, .by_time = -5 },
		{ .hold_until = INT64_C(0x100000001),
		    .hold = { "for;60", 6 } },
		{ .priority = PRIORITY_LEAST },
		{ .priority = PRIORITY_MOST, .auth = { "<>", 2 } },
		{ .smtputf8 = true, .requiretls = true, .ret = RET_HDRS,
		    .envid = { "x", 1 }, .by = BY_NOTIFY, .by_time = 7,
		    .hold_until = 8, .hold = { "until;x", 7 },
		    .priority = -1, .auth = { "a", 1 } },
	};
	struct arena a = { 0 };
	struct envelope in = make_envelope(&a), e;
	struct buf b = { 0 };
	struct fault why;

	(void)state;
	in.recipients.p[0].notify = WANT_NEVER;
	in.recipients.p[1].notify = WANT_ALL & ~(unsigned)WANT_NEVER;
	in.recipients.p[1].orcpt = STR("rfc822;a+2Bb@c");
	in.recipients.p[2].orcpt = STR("utf-8;\xc3\xa9");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		in.wishes = rows[i];
		format_envelope_encode(&in, &b);
		if (format_envelope_decode(&a, buf_str(&b), 3, &e, &why) < 0)
			fail_msg("row %zu: %s", i, why.text);
		check_envelope(&e, &in);
	}
	buf_free(&b);
	arena_free(&a);
}

/* No byte in a text can end it or begin another record. */
static void
test_envelope_any_bytes(void **state)
{
	struct arena a = { 0 };
	struct envelope in = make_envelope(&a), e;
	char all[256];
	struct buf b = { 0 };
	struct fault why;

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	in.helo = in.client_name = str_span(all, 256);
	in.sender.local = str_span(all, 256);
	in.recipients.p[1].address.domain = str_span(all, 200);
	format_envelope_encode(&in, &b);
	assert_int_equal(format_envelope_decode(&a, buf_str(&b), 3, &e, &why),
	    0);
	check_envelope(&e, &in);
	buf_free(&b);
	arena_free(&a);
}

static int
decode_copy(struct arena *a, const char *p, size_t n, uint32_t recipients,
    struct envelope *e)
{
	char *copy = malloc(n + 1);	/* a reader too far is seen */
	struct fault why;
	int r;

	memcpy(copy + 1, p, n);
	r = format_envelope_decode(a, str_span(copy + 1, n), recipients, e,
	    &why);
	free(copy);
	return r;
}

static void
test_envelope_truncated(void **state)
{
	struct arena a = { 0 };
	struct envelope in = make_envelope(&a), e;
	struct buf b = { 0 };
	unsigned whole = 0;

	(void)state;
	format_envelope_encode(&in, &b);
	for (size_t n = 0; n < b.n; n++) {
		if (decode_copy(&a, b.p, n, 3, &e) < 0)
			continue;
		/* Cut between two records, behind the last recipient. */
		whole++;
		assert_int_equal(e.recipients.n, 3);
		assert_true(address_eq(&e.recipients.p[2].original,
		    &in.recipients.p[2].original));
	}
	/* Behind the last recipient and the seven records after it, but for
	 * the end itself. */
	assert_int_equal(whole, 8);
	for (size_t i = 0; i < b.n * 8; i++) {
		b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
		if (decode_copy(&a, b.p, b.n, 3, &e) == 0)
			assert_int_equal(e.recipients.n, 3);
		b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
	}
	buf_free(&b);
	arena_free(&a);
}

#define RECIPIENT	"\4\0\3\0\1\0a"
static const struct {
	const char	*name;
	struct str	 bytes;
	int		 expected;
} envelopes[] = {
	{ "one recipient", { RECIPIENT, 7 }, 0 },
	{ "none", { "", 0 }, -1 },
	{ "two", { RECIPIENT RECIPIENT, 14 }, -1 },
	{ "head cut", { RECIPIENT "\2\0\0", 10 }, -1 },
	{ "length beyond the end", { RECIPIENT "\2\0\3\0\0\0", 13 }, -1 },
	{ "length most", { RECIPIENT "\2\0\377\377\0\0", 13 }, -1 },
	{ "sender empty", { RECIPIENT "\2\0\0\0", 11 }, -1 },
	{ "sender of one byte", { RECIPIENT "\2\0\1\0\0", 12 }, -1 },
	{ "sender null", { RECIPIENT "\2\0\2\0\0\0", 13 }, 0 },
	{ "local part too long", { RECIPIENT "\2\0\3\0\2\0a", 14 }, -1 },
	{ "local part most", { RECIPIENT "\2\0\3\0\377\377a", 14 }, -1 },
	{ "original first", { "\6\0\3\0\1\0a" RECIPIENT, 14 }, -1 },
	{ "original short", { RECIPIENT "\6\0\1\0a", 12 }, -1 },
	{ "body", { RECIPIENT "\10\0\4\0\1\0\0\0", 15 }, 0 },
	{ "body binary", { RECIPIENT "\10\0\4\0\2\0\0\0", 15 }, 0 },
	{ "body unknown", { RECIPIENT "\10\0\4\0\3\0\0\0", 15 }, -1 },
	{ "body large", { RECIPIENT "\10\0\4\0\0\0\0\1", 15 }, -1 },
	{ "body short", { RECIPIENT "\10\0\1\0\1", 12 }, -1 },
	{ "body long", { RECIPIENT "\10\0\5\0\1\0\0\0\0", 16 }, -1 },
	{ "origin", { RECIPIENT "\12\0\4\0\3\0\0\0", 15 }, 0 },
	{ "origin unknown", { RECIPIENT "\12\0\4\0\4\0\0\0", 15 }, -1 },
	{ "uid short", { RECIPIENT "\11\0\3\0\0\0\0", 14 }, -1 },
	{ "address of 4", { RECIPIENT "\1\0\4\0\177\0\0\1", 15 }, 0 },
	{ "address of 0", { RECIPIENT "\1\0\0\0", 11 }, -1 },
	{ "address of 5", { RECIPIENT "\1\0\5\0\177\0\0\1\1", 16 }, -1 },
	{ "address of 17",
	    { RECIPIENT "\1\0\21\0ABCDEFGHIJKLMNOPQ", 28 }, -1 },
	{ "helo empty", { RECIPIENT "\5\0\0\0", 11 }, 0 },
	{ "notify", { RECIPIENT "\16\0\4\0\1\0\0\0", 15 }, 0 },
	{ "notify of nobody", { "\16\0\4\0\1\0\0\0" RECIPIENT, 15 }, -1 },
	{ "notify unknown", { RECIPIENT "\16\0\4\0\40\0\0\0", 15 }, -1 },
	{ "notify short", { RECIPIENT "\16\0\3\0\1\0\0", 14 }, -1 },
	{ "orcpt", { RECIPIENT "\17\0\1\0x", 12 }, 0 },
	{ "orcpt of nobody", { "\17\0\1\0x" RECIPIENT, 12 }, -1 },
	{ "smtputf8", { RECIPIENT "\14\0\0\0", 11 }, 0 },
	{ "ret", { RECIPIENT "\13\0\4\0\2\0\0\0", 15 }, 0 },
	{ "ret unknown", { RECIPIENT "\13\0\4\0\3\0\0\0", 15 }, -1 },
	{ "priority", { RECIPIENT "\21\0\4\0\22\0\0\0", 15 }, 0 },
	{ "priority beyond", { RECIPIENT "\21\0\4\0\23\0\0\0", 15 }, -1 },
	{ "by", { RECIPIENT "\22\0\11\0\2\0\0\0\0\0\0\0\0", 20 }, 0 },
	{ "by none",
	    { RECIPIENT "\22\0\11\0\0\0\0\0\0\0\0\0\0", 20 }, -1 },
	{ "by unknown",
	    { RECIPIENT "\22\0\11\0\6\0\0\0\0\0\0\0\0", 20 }, -1 },
	{ "by short", { RECIPIENT "\22\0\10\0\2\0\0\0\0\0\0\0", 19 }, -1 },
	{ "hold short", { RECIPIENT "\24\0\1\0\0", 12 }, -1 },
	{ "unknown odd", { RECIPIENT "\377\377\2\0ab", 13 }, 0 },
	{ "unknown odd, then a recipient",
	    { "\377\0\2\0ab" RECIPIENT, 13 }, 0 },
	{ "unknown even", { RECIPIENT "\376\377\2\0ab", 13 }, -1 },
	{ "type 0", { RECIPIENT "\0\0\0\0", 11 }, -1 },
};

static void
test_envelope_malformed(void **state)
{
	struct arena a = { 0 };
	struct envelope e;

	(void)state;
	for (size_t i = 0; i < sizeof(envelopes) / sizeof(envelopes[0]); i++)
		if (decode_copy(&a, envelopes[i].bytes.p,
		    envelopes[i].bytes.n, 1, &e) != envelopes[i].expected)
			fail_msg("%s", envelopes[i].name);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_super_round),
		cmocka_unit_test(test_super_parts_full),
		cmocka_unit_test(test_super_bits),
		cmocka_unit_test(test_super_void),
		cmocka_unit_test(test_super_malformed),
		cmocka_unit_test(test_super_name_unended),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_slot_round),
		cmocka_unit_test(test_slot_bits),
		cmocka_unit_test(test_slot_states),
		cmocka_unit_test(test_note_round),
		cmocka_unit_test(test_note_lengths),
		cmocka_unit_test(test_note_malformed),
		cmocka_unit_test(test_envelope_round),
		cmocka_unit_test(test_wishes_round),
		cmocka_unit_test(test_envelope_any_bytes),
		cmocka_unit_test(test_envelope_truncated),
		cmocka_unit_test(test_envelope_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
