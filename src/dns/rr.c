/* SPDX-License-Identifier: ISC */
/*
 * DNS messages as they come over the wire (RFC 1035 4.1).  The bytes are a
 * stranger's, so one cursor reads them: it knows the end, never steps over it
 * and, once it has failed, stays failed.  Nobody else here does arithmetic on
 * lengths.
 *
 * A name may jump back to an earlier one (RFC 1035 4.1.4).  Every jump must
 * land before everything that was read of the name so far; so a name ends, no
 * loop needs counting and no work is more than the message is long.
 *
 * The data of a record must fill its RDLENGTH exactly.  A record that breaks
 * this makes the whole message worthless; a record whose name merely cannot be
 * written as text is left out.  Names inside of data are host-like, so that
 * they may stand in logs; owners may be any printable label, because whoever
 * asked chose them.
 *
 * Called by dns/resolve alone.  Nothing here asks, waits or remembers.
 */
#include "dns/rr.h"

#include <string.h>

#include "base/bytes.h"

#define HEADER_SIZE	12	/* RFC 1035 4.1.1 */
#define NAME_MAX_WIRE	255	/* RFC 1035 2.3.4 */
#define LABEL_MAX	63
#define CLASS_IN	1

struct cursor {
	const uint8_t	*base;
	size_t		 at, end;
	bool		 bad;
};

/* A name as text; not ok: it is on the wire as it should be, but its bytes
 * are no text. */
struct name {
	char	text[NAME_MAX_WIRE + 1];
	size_t	n;
	bool	printable;	/* graphic characters without . and \ */
	bool	hostlike;	/* letters, digits, hyphen, underscore, / */
};

static bool
has(struct cursor *c, size_t n)
{
	if (c->bad || c->end - c->at < n)
		c->bad = true;
	return !c->bad;
}

static uint8_t
take8(struct cursor *c)
{
	return has(c, 1) ? c->base[c->at++] : 0;
}

static uint16_t
take16(struct cursor *c)
{
	uint16_t v = has(c, 2) ? bytes_get_be16(c->base + c->at) : 0;

	c->at += c->bad ? 0 : 2;
	return v;
}

static uint32_t
take32(struct cursor *c)
{
	uint32_t v = has(c, 4) ? bytes_get_be32(c->base + c->at) : 0;

	c->at += c->bad ? 0 : 4;
	return v;
}

static void
skip(struct cursor *c, size_t n)
{
	if (has(c, n))
		c->at += n;
}

static void
add_label(struct name *name, const uint8_t *p, size_t n)
{
	if (name->n > 0)
		name->text[name->n++] = '.';
	for (size_t i = 0; i < n; i++) {
		char ch = (char)p[i];

		if (p[i] <= ' ' || p[i] > '~' || ch == '.' || ch == '\\')
			name->printable = false;
		if (!str_is_alnum(ch) && ch != '-' && ch != '_' && ch != '/')
			name->hostlike = false;
		name->text[name->n++] = str_lower_char(ch);
	}
}

/*
 * Reads a name at the cursor and leaves the cursor behind it.  "left" is the
 * room that remains of the 255 octets, "floor" the place before which the next
 * jump must land.
 */
static void
take_name(struct cursor *c, struct name *name)
{
	struct cursor at = *c;
	size_t floor = c->at, left = NAME_MAX_WIRE - 1;
	bool jumped = false;

	name->n = 0;
	name->printable = name->hostlike = true;
	for (;;) {
		size_t n = take8(&at);

		if ((n & 0xc0) == 0xc0) {
			size_t to = (n & 0x3f) << 8;

			to |= take8(&at);
			if (!jumped)
				c->at = at.at;
			jumped = true;
			if (to < HEADER_SIZE || to >= floor)
				at.bad = true;
			at.at = floor = to;
		} else if (n > LABEL_MAX || (n > 0 && n + 1 > left)) {
			at.bad = true;
		} else if (n > 0 && has(&at, n)) {
			add_label(name, at.base + at.at, n);
			at.at += n;
			left -= n + 1;
		}
		if (at.bad || n == 0)
			break;
	}
	if (!jumped)
		c->at = at.at;
	c->bad = at.bad;
	name->text[name->n] = '\0';
}

static struct str
save(struct arena *arena, const struct name *name)
{
	return arena_str(arena, str_span(name->text, name->n));
}

/* Character strings (RFC 1035 3.3.14) up to the end, joined. */
static void
take_text(struct arena *arena, struct cursor *c, struct rr *rr)
{
	char *out = arena_alloc(arena, c->end - c->at);
	size_t n = 0;

	if (c->at == c->end)
		c->bad = true;
	while (!c->bad && c->at < c->end) {
		size_t len = take8(c);

		if (!has(c, len))
			break;
		memcpy(out + n, c->base + c->at, len);
		n += len;
		c->at += len;
	}
	rr->text = str_span(out, n);
}

static void
take_ip(struct cursor *c, size_t size, struct rr *rr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *p = c->base + c->at;

	if (!has(c, size))
		return;
	c->at += size;
	rr->ip.family = size == 4 ? 4 : 6;
	if (size == 16 && memcmp(p, mapped, sizeof(mapped)) == 0) {
		rr->ip.family = 4;
		p += sizeof(mapped);
		size = 4;
	}
	memcpy(rr->ip.b, p, size);
}

/*
 * The data of one record; the cursor ends where the data must end.  False:
 * the record is of no use to us.
 */
static bool
take_data(struct arena *arena, struct cursor *c, struct rr *rr)
{
	struct name name;

	switch (rr->type) {
	case RR_A:
		take_ip(c, 4, rr);
		return true;
	case RR_AAAA:
		take_ip(c, 16, rr);
		return true;
	case RR_TXT:
		take_text(arena, c, rr);
		return true;
	case RR_MX:
		rr->preference = take16(c);
		break;
	case RR_SOA:
		take_name(c, &name);
		take_name(c, &name);
		skip(c, 20);
		return true;
	case RR_NS:
	case RR_CNAME:
	case RR_PTR:
		break;
	}
	take_name(c, &name);
	if (c->bad || !name.hostlike)
		return false;
	rr->name = save(arena, &name);
	return true;
}

static bool
is_known(unsigned type)
{
	return type == RR_A || type == RR_NS || type == RR_CNAME ||
	    type == RR_SOA || type == RR_PTR || type == RR_MX ||
	    type == RR_TXT || type == RR_AAAA;
}

/* One resource record (RFC 1035 4.1.3). */
static void
take_record(struct arena *arena, struct cursor *c, struct rr_answer *answer)
{
	struct rr rr = { .owner = STR_NONE };
	struct cursor data;
	struct name owner;
	unsigned type, class;
	size_t size;
	bool useful;

	take_name(c, &owner);
	type = take16(c);
	class = take16(c);
	rr.ttl = take32(c);
	size = take16(c);
	data = *c;
	skip(c, size);
	if (c->bad || class != CLASS_IN || !is_known(type))
		return;
	data.end = c->at;
	rr.type = (enum rr_type)type;
	useful = take_data(arena, &data, &rr);
	if (data.bad || data.at != data.end)
		c->bad = true;
	else if (useful && owner.printable) {
		rr.owner = save(arena, &owner);
		vec_push(arena, &answer->records, rr);
	}
}

int
rr_parse(struct arena *arena, const void *p, size_t n,
    struct rr_answer *answer)
{
	struct cursor c = { p, 2, n, n < HEADER_SIZE };
	unsigned flags, questions, answers;
	struct name name;

	memset(answer, 0, sizeof(*answer));
	flags = take16(&c);
	questions = take16(&c);
	answers = take16(&c);
	skip(&c, 4);
	/* QR must be set and OPCODE be QUERY. */
	if (c.bad || (flags & 0xf800) != 0x8000)
		return -1;
	answer->rcode = flags & 0xf;
	answer->authentic = (flags & 0x20) != 0;
	answer->truncated = (flags & 0x200) != 0;
	while (questions-- > 0 && !c.bad) {
		take_name(&c, &name);
		skip(&c, 4);
	}
	if (c.bad)
		return -1;
	while (answers-- > 0 && !c.bad && answer->records.n < RR_MAX)
		take_record(arena, &c, answer);
	/* A cut message is expected to end within a record. */
	return c.bad && !answer->truncated ? -1 : 0;
}
