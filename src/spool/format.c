/* SPDX-License-Identifier: ISC */
/*
 * Encoding and decoding of an entry's parts.  Pure: memory in, memory out.
 *
 * An entry is trusted only after its checksums hold, and even then every
 * number is bounded, because the disk is no better a neighbour than the
 * network.  There is no text format anywhere, so no newline in an address can
 * forge a record.
 *
 * A slot and a superblock never cross a 512-byte sector, the unit which a disk
 * writes as a whole: an interrupted overwrite leaves the old or the new slot.
 *
 * Records of an unknown type are skipped when their type is odd, and refused
 * when it is even: a later version marks so what an older one may ignore.
 */

#include "spool/format.h"

#include <string.h>

#include "base/bytes.h"
#include "base/die.h"
#include "os/crc.h"

enum {
	VERSION = 1,
	SECTOR = 512,
	SUPER_CRC_AT = 508,
	SUPER_PARTS_AT = 128,
	SLOT_CRC_AT = 28,
	NOTE_TEXT_AT = 28,
};

enum record {
	RECORD_SENDER = 2,
	RECORD_RECIPIENT = 4,
	RECORD_ORIGINAL = 6,	/* of the recipient before it, if different */
	RECORD_BODY = 8,
	RECORD_ORIGIN = 10,
	RECORD_CLIENT_IP = 1,
	RECORD_CLIENT_NAME = 3,
	RECORD_HELO = 5,
	RECORD_PROTOCOL = 7,
	RECORD_UID = 9,
	/* Of the recipient before it. */
	RECORD_NOTIFY = 14,
	RECORD_ORCPT = 15,
	/* Of the message. */
	RECORD_SMTPUTF8 = 12,
	RECORD_REQUIRETLS = 16,
	RECORD_BY = 18,
	RECORD_HOLD = 20,
	RECORD_RET = 11,
	RECORD_ENVID = 13,
	RECORD_PRIORITY = 17,
	RECORD_AUTH = 19,
	RECORD_LOGIN = 21,
};

static const char magic[8] = { 'g', 'o', 'd', 'w', 'i', 't', '\r', '\n' };

static int
damaged(struct fault *why, const char *what)
{
	return fault_permanent(why, 554, 3, 0, "damaged entry: %s", what);
}

uint32_t
format_envelope_offset(uint32_t recipients)
{
	uint32_t slots = recipients * FORMAT_SLOT_SIZE;

	return FORMAT_SUPER_SIZE + (slots + SECTOR - 1) / SECTOR * SECTOR;
}

int64_t
format_slot_offset(uint32_t index)
{
	return FORMAT_SUPER_SIZE + (int64_t)index * FORMAT_SLOT_SIZE;
}

int64_t
format_note_offset(const struct format_super *s, uint32_t index)
{
	uint64_t start = (s->total + SECTOR - 1) / SECTOR * SECTOR;

	return (int64_t)(start + (uint64_t)index * FORMAT_NOTE_SIZE);
}

void
format_super_encode(const struct format_super *s,
    uint8_t out[FORMAT_SUPER_SIZE])
{
	uint8_t *p = out + SUPER_PARTS_AT;

	must(s->nparts <= FORMAT_PARTS_MAX);
	memset(out, 0, FORMAT_SUPER_SIZE);
	memcpy(out, magic, sizeof(magic));
	bytes_put_le32(out + 8, VERSION);
	memcpy(out + 16, s->name, SPOOL_NAME_MAX);
	bytes_put_le64(out + 48, (uint64_t)s->arrival_wall_ms);
	bytes_put_le64(out + 56, (uint64_t)s->arrival_boot_ms);
	memcpy(out + 64, s->boot_id, 16);
	bytes_put_le32(out + 80, s->recipients);
	bytes_put_le32(out + 84, s->nparts);
	bytes_put_le32(out + 88, s->envelope_offset);
	bytes_put_le32(out + 92, s->envelope_length);
	bytes_put_le64(out + 96, s->content_offset);
	bytes_put_le64(out + 104, s->total);
	bytes_put_le32(out + 112, s->envelope_crc);
	bytes_put_le32(out + 116, s->content_crc);
	for (uint32_t i = 0; i < s->nparts; i++, p += 16) {
		bytes_put_le64(p, s->parts[i].offset);
		bytes_put_le64(p + 8, s->parts[i].length);
	}
	bytes_put_le32(out + SUPER_CRC_AT, crc32c(0, out, SUPER_CRC_AT));
}

static int
check_layout(const struct format_super *s, struct fault *why)
{
	if (s->recipients == 0 || s->recipients > FORMAT_RECIPIENTS_MAX)
		return damaged(why, "number of recipients");
	if (s->envelope_offset != format_envelope_offset(s->recipients) ||
	    s->content_offset !=
	    (uint64_t)s->envelope_offset + s->envelope_length ||
	    s->total < s->content_offset || s->total > (UINT64_C(1) << 40))
		return damaged(why, "layout");
	for (uint32_t i = 0; i < s->nparts; i++)
		if (s->parts[i].offset < s->content_offset ||
		    s->parts[i].offset > s->total ||
		    s->parts[i].length > s->total - s->parts[i].offset)
			return damaged(why, "parts");
	return 0;
}

int
format_super_decode(const uint8_t in[FORMAT_SUPER_SIZE],
    struct format_super *s, struct fault *why)
{
	const uint8_t *p = in + SUPER_PARTS_AT;

	memset(s, 0, sizeof(*s));
	if (memcmp(in, magic, sizeof(magic)) != 0)
		return damaged(why, "no superblock");
	if (bytes_get_le32(in + SUPER_CRC_AT) != crc32c(0, in, SUPER_CRC_AT))
		return damaged(why, "checksum of the superblock");
	if (bytes_get_le32(in + 8) != VERSION)
		return damaged(why, "version");
	memcpy(s->name, in + 16, SPOOL_NAME_MAX);
	s->name[SPOOL_NAME_MAX - 1] = '\0';
	s->arrival_wall_ms = (int64_t)bytes_get_le64(in + 48);
	s->arrival_boot_ms = (int64_t)bytes_get_le64(in + 56);
	memcpy(s->boot_id, in + 64, 16);
	s->recipients = bytes_get_le32(in + 80);
	s->nparts = bytes_get_le32(in + 84);
	s->envelope_offset = bytes_get_le32(in + 88);
	s->envelope_length = bytes_get_le32(in + 92);
	s->content_offset = bytes_get_le64(in + 96);
	s->total = bytes_get_le64(in + 104);
	s->envelope_crc = bytes_get_le32(in + 112);
	s->content_crc = bytes_get_le32(in + 116);
	if (s->nparts > FORMAT_PARTS_MAX)
		return damaged(why, "parts");
	for (uint32_t i = 0; i < s->nparts; i++, p += 16) {
		s->parts[i].offset = bytes_get_le64(p);
		s->parts[i].length = bytes_get_le64(p + 8);
	}
	return check_layout(s, why);
}

bool
format_super_is_void(const uint8_t in[FORMAT_SUPER_SIZE])
{
	for (int i = 0; i < FORMAT_SUPER_SIZE; i++)
		if (in[i] != 0)
			return false;
	return true;
}

void
format_slot_encode(const struct slot *s, uint8_t out[FORMAT_SLOT_SIZE])
{
	memset(out, 0, FORMAT_SLOT_SIZE);
	out[0] = (uint8_t)s->state;
	bytes_put_le16(out + 2, s->attempts);
	bytes_put_le32(out + 4, s->sequence);
	bytes_put_le64(out + 8, (uint64_t)s->next);
	bytes_put_le16(out + 16, s->reply);
	bytes_put_le16(out + 18, (uint16_t)s->status.class);
	bytes_put_le16(out + 20, (uint16_t)s->status.subject);
	bytes_put_le16(out + 22, (uint16_t)s->status.detail);
	bytes_put_le16(out + 24, s->bounce);
	bytes_put_le32(out + SLOT_CRC_AT, crc32c(0, out, SLOT_CRC_AT));
}

int
format_slot_decode(const uint8_t in[FORMAT_SLOT_SIZE], struct slot *s,
    struct fault *why)
{
	memset(s, 0, sizeof(*s));
	if (bytes_get_le32(in + SLOT_CRC_AT) != crc32c(0, in, SLOT_CRC_AT))
		return damaged(why, "checksum of a slot");
	if (in[0] < SLOT_PENDING || in[0] > SLOT_TELL_DELAYED)
		return damaged(why, "state of a slot");
	s->state = (enum slot_state)in[0];
	s->attempts = bytes_get_le16(in + 2);
	s->sequence = bytes_get_le32(in + 4);
	s->next = (int64_t)bytes_get_le64(in + 8);
	s->reply = bytes_get_le16(in + 16);
	s->status.class = bytes_get_le16(in + 18);
	s->status.subject = bytes_get_le16(in + 20);
	s->status.detail = bytes_get_le16(in + 22);
	s->bounce = bytes_get_le16(in + 24);
	return 0;
}

bool
slot_is_final(const struct slot *s)
{
	switch (s->state) {
	case SLOT_PENDING:
	case SLOT_FAILED:
	case SLOT_TELL_DELIVERED:
	case SLOT_TELL_RELAYED:
	case SLOT_TELL_DELAYED:
		return false;
	case SLOT_DONE:
	case SLOT_BOUNCED:
	case SLOT_DISCARDED:
		return true;
	}
	bug("slot state %d", (int)s->state);
}

bool
slot_is_pending(const struct slot *s)
{
	return s->state == SLOT_PENDING || s->state == SLOT_TELL_DELAYED;
}

bool
slot_owes_report(const struct slot *s)
{
	return !slot_is_final(s) && s->state != SLOT_PENDING;
}

void
format_note_encode(const struct note *n, uint8_t out[FORMAT_NOTE_SIZE])
{
	size_t host = n->host.n < 255 ? n->host.n : 255;
	size_t room = FORMAT_NOTE_SIZE - NOTE_TEXT_AT - host;
	size_t text = n->text.n < room ? n->text.n : room;

	memset(out, 0, FORMAT_NOTE_SIZE);
	bytes_put_le64(out + 4, (uint64_t)n->when);
	bytes_put_le16(out + 12, (uint16_t)host);
	bytes_put_le16(out + 14, (uint16_t)text);
	if (host > 0)
		memcpy(out + NOTE_TEXT_AT, n->host.p, host);
	if (text > 0)
		memcpy(out + NOTE_TEXT_AT + host, n->text.p, text);
	bytes_put_le32(out, crc32c(0, out + 4, FORMAT_NOTE_SIZE - 4));
}

bool
format_note_decode(struct arena *a, const uint8_t in[FORMAT_NOTE_SIZE],
    struct note *n)
{
	size_t host = bytes_get_le16(in + 12), text = bytes_get_le16(in + 14);

	if (bytes_get_le32(in) != crc32c(0, in + 4, FORMAT_NOTE_SIZE - 4) ||
	    NOTE_TEXT_AT + host + text > FORMAT_NOTE_SIZE)
		return false;
	n->when = (int64_t)bytes_get_le64(in + 4);
	n->host = arena_str(a, str_span(in + NOTE_TEXT_AT, host));
	n->text = arena_str(a, str_span(in + NOTE_TEXT_AT + host, text));
	return true;
}

static void
put_record(struct buf *out, enum record type, struct str v)
{
	uint8_t head[4];

	must(v.n <= UINT16_MAX);
	bytes_put_le16(head, (uint16_t)type);
	bytes_put_le16(head + 2, (uint16_t)v.n);
	buf_put(out, head, sizeof(head));
	buf_puts(out, v);
}

static void
put_number(struct buf *out, enum record type, uint32_t v)
{
	uint8_t b[4];

	bytes_put_le32(b, v);
	put_record(out, type, str_span(b, sizeof(b)));
}

/* Local part and domain as two counted strings: nothing to parse again. */
static void
put_address(struct buf *out, enum record type, const struct address *a)
{
	uint8_t head[4], len[2];

	must(a->local.n + a->domain.n < UINT16_MAX - 2);
	bytes_put_le16(head, (uint16_t)type);
	bytes_put_le16(head + 2, (uint16_t)(2 + a->local.n + a->domain.n));
	bytes_put_le16(len, (uint16_t)a->local.n);
	buf_put(out, head, sizeof(head));
	buf_put(out, len, sizeof(len));
	buf_puts(out, a->local);
	buf_puts(out, a->domain);
}

static void
put_time(struct buf *out, enum record type, unsigned first, int64_t wall,
    struct str rest)
{
	uint8_t head[4], fixed[9];

	bytes_put_le16(head, (uint16_t)type);
	bytes_put_le16(head + 2, (uint16_t)(sizeof(fixed) + rest.n));
	fixed[0] = (uint8_t)first;
	bytes_put_le64(fixed + 1, (uint64_t)wall);
	buf_put(out, head, sizeof(head));
	buf_put(out, fixed, sizeof(fixed));
	buf_puts(out, rest);
}

/* Nothing for what was not asked for: most entries have none of these. */
static void
put_wishes(struct buf *out, const struct envelope_wishes *w)
{
	if (w->smtputf8)
		put_record(out, RECORD_SMTPUTF8, STR_NONE);
	if (w->requiretls)
		put_record(out, RECORD_REQUIRETLS, STR_NONE);
	if (w->by != BY_NONE)
		put_time(out, RECORD_BY, (unsigned)w->by * 2 + w->by_trace,
		    w->by_time, STR_NONE);
	if (w->hold_until != 0)
		put_time(out, RECORD_HOLD, 0, w->hold_until, w->hold);
	if (w->ret != RET_UNSAID)
		put_number(out, RECORD_RET, (uint32_t)w->ret);
	if (w->envid.n > 0)
		put_record(out, RECORD_ENVID, w->envid);
	if (w->priority != 0)
		put_number(out, RECORD_PRIORITY,
		    (uint32_t)(w->priority - PRIORITY_LEAST));
	if (w->auth.n > 0)
		put_record(out, RECORD_AUTH, w->auth);
}

void
format_envelope_encode(const struct envelope *e, struct buf *out)
{
	put_address(out, RECORD_SENDER, &e->sender);
	for (size_t i = 0; i < e->recipients.n; i++) {
		const struct recipient *r = &e->recipients.p[i];

		put_address(out, RECORD_RECIPIENT, &r->address);
		if (!address_eq(&r->address, &r->original))
			put_address(out, RECORD_ORIGINAL, &r->original);
		if (r->notify != WANT_UNSAID)
			put_number(out, RECORD_NOTIFY, r->notify);
		if (r->orcpt.n > 0)
			put_record(out, RECORD_ORCPT, r->orcpt);
	}
	put_wishes(out, &e->wishes);
	put_number(out, RECORD_BODY, (uint32_t)e->body);
	put_number(out, RECORD_ORIGIN, (uint32_t)e->origin);
	put_number(out, RECORD_UID, e->uid);
	if (e->client_ip.family != 0)
		put_record(out, RECORD_CLIENT_IP, str_span(e->client_ip.b,
		    e->client_ip.family == 4 ? 4 : 16));
	put_record(out, RECORD_CLIENT_NAME, e->client_name);
	put_record(out, RECORD_HELO, e->helo);
	put_record(out, RECORD_PROTOCOL, e->protocol);
	if (e->login.n > 0)
		put_record(out, RECORD_LOGIN, e->login);
}

static int
get_address(struct arena *a, struct str v, struct address *out,
    struct fault *why)
{
	size_t local;

	if (v.n < 2)
		return damaged(why, "short address");
	local = bytes_get_le16((const uint8_t *)v.p);
	if (local > v.n - 2)
		return damaged(why, "length of an address");
	out->local = arena_str(a, str_slice(v, 2, 2 + local));
	out->domain = arena_str(a, str_from(v, 2 + local));
	return 0;
}

static int
get_number(struct str v, uint32_t max, uint32_t *out, struct fault *why)
{
	if (v.n != 4)
		return damaged(why, "length of a number");
	*out = bytes_get_le32((const uint8_t *)v.p);
	return *out <= max ? 0 : damaged(why, "number out of bounds");
}

static int
get_ip(struct str v, struct ip *ip, struct fault *why)
{
	if (v.n != 4 && v.n != 16)
		return damaged(why, "length of an address of a host");
	ip->family = v.n == 4 ? 4 : 6;
	memcpy(ip->b, v.p, v.n);
	return 0;
}

static int
get_recipient(struct arena *a, struct str v, bool original,
    struct envelope *e, struct fault *why)
{
	struct recipient r = { 0 };

	if (original) {
		if (e->recipients.n == 0)
			return damaged(why, "order of records");
		return get_address(a, v,
		    &e->recipients.p[e->recipients.n - 1].original, why);
	}
	if (get_address(a, v, &r.address, why) < 0)
		return -1;
	r.original = r.address;
	vec_push(a, &e->recipients, r);
	return 0;
}

/* What belongs to the recipient before it. */
static int
get_wish_of_recipient(struct arena *a, unsigned type, struct str v,
    struct envelope *e, struct fault *why)
{
	struct recipient *r;
	uint32_t n;

	if (e->recipients.n == 0)
		return damaged(why, "order of records");
	r = &e->recipients.p[e->recipients.n - 1];
	if (type == RECORD_ORCPT) {
		r->orcpt = arena_str(a, v);
		return 0;
	}
	if (get_number(v, WANT_ALL, &n, why) < 0)
		return -1;
	r->notify = n;
	return 0;
}

static int
get_time(struct arena *a, unsigned type, struct str v,
    struct envelope_wishes *w, struct fault *why)
{
	const uint8_t *p = (const uint8_t *)v.p;
	int64_t wall;

	if (v.n < 9)
		return damaged(why, "length of a time");
	wall = (int64_t)bytes_get_le64(p + 1);
	if (type == RECORD_HOLD) {
		w->hold_until = wall;
		w->hold = arena_str(a, str_from(v, 9));
		return 0;
	}
	if (p[0] / 2 < BY_RETURN || p[0] / 2 > BY_NOTIFY)
		return damaged(why, "number out of bounds");
	w->by = (enum envelope_by)(p[0] / 2);
	w->by_trace = p[0] % 2 != 0;
	w->by_time = wall;
	return 0;
}

/* 1 when it is none of these. */
static int
get_wish(struct arena *a, unsigned type, struct str v, struct envelope *e,
    struct fault *why)
{
	struct envelope_wishes *w = &e->wishes;
	uint32_t n;

	switch (type) {
	case RECORD_NOTIFY:
	case RECORD_ORCPT:
		return get_wish_of_recipient(a, type, v, e, why);
	case RECORD_SMTPUTF8:
		w->smtputf8 = true;
		return 0;
	case RECORD_REQUIRETLS:
		w->requiretls = true;
		return 0;
	case RECORD_BY:
	case RECORD_HOLD:
		return get_time(a, type, v, w, why);
	case RECORD_RET:
		if (get_number(v, RET_HDRS, &n, why) < 0)
			return -1;
		w->ret = (enum envelope_ret)n;
		return 0;
	case RECORD_ENVID:
		w->envid = arena_str(a, v);
		return 0;
	case RECORD_PRIORITY:
		if (get_number(v, PRIORITY_MOST - PRIORITY_LEAST, &n,
		    why) < 0)
			return -1;
		w->priority = (int)n + PRIORITY_LEAST;
		return 0;
	case RECORD_AUTH:
		w->auth = arena_str(a, v);
		return 0;
	}
	return 1;
}

static int
get_record(struct arena *a, unsigned type, struct str v, struct envelope *e,
    struct fault *why)
{
	uint32_t n;
	int r;

	switch (type) {
	case RECORD_SENDER:
		return get_address(a, v, &e->sender, why);
	case RECORD_RECIPIENT:
	case RECORD_ORIGINAL:
		return get_recipient(a, v, type == RECORD_ORIGINAL, e, why);
	case RECORD_BODY:
		if (get_number(v, BODY_BINARYMIME, &n, why) < 0)
			return -1;
		e->body = (enum envelope_body)n;
		return 0;
	case RECORD_ORIGIN:
		if (get_number(v, ORIGIN_BOUNCE, &n, why) < 0)
			return -1;
		e->origin = (enum envelope_origin)n;
		return 0;
	case RECORD_UID:
		return get_number(v, UINT32_MAX, &e->uid, why);
	case RECORD_CLIENT_IP:
		return get_ip(v, &e->client_ip, why);
	case RECORD_CLIENT_NAME:
		e->client_name = arena_str(a, v);
		return 0;
	case RECORD_HELO:
		e->helo = arena_str(a, v);
		return 0;
	case RECORD_PROTOCOL:
		e->protocol = arena_str(a, v);
		return 0;
	case RECORD_LOGIN:
		e->login = arena_str(a, v);
		return 0;
	}
	r = get_wish(a, type, v, e, why);
	if (r == 1)
		r = (type & 1) != 0 ? 0 : damaged(why, "unknown record");
	return r;
}

int
format_envelope_decode(struct arena *a, struct str in, uint32_t recipients,
    struct envelope *e, struct fault *why)
{
	memset(e, 0, sizeof(*e));
	while (in.n > 0) {
		unsigned type;
		size_t n;

		if (in.n < 4)
			return damaged(why, "short record");
		type = bytes_get_le16((const uint8_t *)in.p);
		n = bytes_get_le16((const uint8_t *)in.p + 2);
		in = str_from(in, 4);
		if (n > in.n)
			return damaged(why, "length of a record");
		if (get_record(a, type, str_slice(in, 0, n), e, why) < 0)
			return -1;
		in = str_from(in, n);
	}
	if (e->recipients.n != recipients)
		return damaged(why, "number of recipients");
	return 0;
}
