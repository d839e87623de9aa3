/* SPDX-License-Identifier: ISC */
/*
 * Questions as they go over the wire, for those who have a socket and no
 * libresolv (dns/ask), and the test that an answer must pass before anybody
 * reads it.
 *
 * The test is byte for byte: the header's ID, and the question section as it
 * was sent.  Nothing is decompressed for it: the first name of a message has
 * nothing before it to point to, so an answer that repeats our question can
 * only spell it out.  Letters may come back in another case, which some
 * servers do; a stranger who is not on the path has to guess port and ID.
 *
 * Pure.  What an answer says is dns/rr's to read.
 */
#include "dns/question.h"

#include <string.h>

#include "base/bytes.h"

#define HEADER		12		/* RFC 1035 4.1.1 */
#define NAME_TEXT_MAX	253		/* RFC 1035 2.3.4 as text */
#define LABEL_MAX	63
#define CLASS_IN	1
#define TYPE_OPT	41
#define OPT_SIZE	11
#define RCODE_FORMERR	1

static uint8_t *
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static bool
is_label(struct str label)
{
	if (label.n == 0 || label.n > LABEL_MAX)
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (label.p[i] <= ' ' || label.p[i] > '~' ||
		    label.p[i] == '\\')
			return false;
	return true;
}

/* NULL: it is none. */
static uint8_t *
put_name(uint8_t *p, struct str name)
{
	struct str rest = name, label;

	if (name.n == 0 || name.n > NAME_TEXT_MAX ||
	    name.p[name.n - 1] == '.')
		return NULL;
	while (str_cut(&rest, '.', &label)) {
		if (!is_label(label))
			return NULL;
		*p++ = (uint8_t)label.n;
		memcpy(p, label.p, label.n);
		p += label.n;
	}
	*p++ = 0;
	return p;
}

size_t
question_put(uint8_t out[QUESTION_SIZE], uint16_t id, struct str name,
    enum rr_type type, bool edns)
{
	uint8_t *p = out;

	p = put16(p, id);
	p = put16(p, 0x0100);			/* RD */
	p = put16(p, 1);
	p = put16(p, 0);
	p = put16(p, 0);
	p = put16(p, edns ? 1 : 0);
	if ((p = put_name(p, name)) == NULL)
		return 0;
	p = put16(p, (unsigned)type);
	p = put16(p, CLASS_IN);
	if (edns) {
		*p++ = 0;			/* the root */
		p = put16(p, TYPE_OPT);
		p = put16(p, QUESTION_UDP);
		memset(p, 0, 6);		/* no flags, no options */
		p += 6;
	}
	return (size_t)(p - out);
}

bool
question_has_answer(const uint8_t *question, size_t n, const uint8_t *packet,
    size_t size)
{
	bool edns = question[HEADER - 1] != 0;

	if (size < HEADER || memcmp(packet, question, 2) != 0 ||
	    (packet[2] & 0x80) == 0)
		return false;
	if (bytes_get_be16(packet + 4) == 0)
		return (packet[3] & 0xf) == RCODE_FORMERR;
	n -= edns ? OPT_SIZE : 0;
	return bytes_get_be16(packet + 4) == 1 && size >= n &&
	    str_caseeq(str_span(packet + HEADER, n - HEADER),
	    str_span(question + HEADER, n - HEADER));
}

void
question_put_reverse(struct buf *out, const struct ip *ip)
{
	static const char hex[] = "0123456789abcdef";

	if (ip->family == 4) {
		buf_printf(out, "%u.%u.%u.%u", ip->b[3], ip->b[2], ip->b[1],
		    ip->b[0]);
		return;
	}
	for (size_t i = sizeof(ip->b); i-- > 0;) {
		buf_putc(out, hex[ip->b[i] & 0xf]);
		buf_putc(out, '.');
		buf_putc(out, hex[ip->b[i] >> 4]);
		if (i > 0)
			buf_putc(out, '.');
	}
}
