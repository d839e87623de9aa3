/* SPDX-License-Identifier: ISC */
/*
 * spool/format fed with any bytes as an entry: superblock, slots, envelope and
 * a note, first as they come and then with their checksums made right, because
 * a checksum keeps out accidents and no enemy.  What is accepted must keep the
 * bounds on which its readers rely, and come out the same when it is written
 * and read again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "os/crc.h"
#include "spool/format.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
put_crc(uint8_t *p, uint32_t crc)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(crc >> (8 * i));
}

static void
check_super(const struct format_super *s)
{
	struct format_super again;
	uint8_t out[FORMAT_SUPER_SIZE];
	struct fault why;

	must(memchr(s->name, '\0', sizeof(s->name)) != NULL);
	must(s->recipients > 0 && s->recipients <= FORMAT_RECIPIENTS_MAX);
	must(format_slot_offset(s->recipients) <=
	    (int64_t)s->envelope_offset);
	must(s->content_offset <= s->total);
	must(s->nparts <= FORMAT_PARTS_MAX);
	must(format_note_offset(s, s->recipients) >= (int64_t)s->total);
	for (uint32_t i = 0; i < s->nparts; i++) {
		must(s->parts[i].offset >= s->content_offset);
		must(s->parts[i].offset <= s->total);
		must(s->parts[i].length <= s->total - s->parts[i].offset);
	}
	format_super_encode(s, out);
	must(format_super_decode(out, &again, &why) == 0);
	must(memcmp(s, &again, sizeof(again)) == 0);
}

static void
try_super(const uint8_t *p, size_t n)
{
	uint8_t b[FORMAT_SUPER_SIZE] = { 'g', 'o', 'd', 'w', 'i', 't', '\r',
	    '\n', 1 };
	struct format_super s;
	struct fault why;

	memcpy(b + 12, p, n < sizeof(b) - 12 ? n : sizeof(b) - 12);
	put_crc(b + 508, crc32c(0, b, 508));
	if (format_super_decode(b, &s, &why) == 0)
		check_super(&s);
	if (n < sizeof(b))
		return;
	memcpy(b, p, sizeof(b));
	if (format_super_decode(b, &s, &why) == 0)
		check_super(&s);
	must(!format_super_is_void(b) ||
	    format_super_decode(b, &s, &why) < 0);
}

static void
try_slot(const uint8_t *p, size_t n)
{
	uint8_t b[FORMAT_SLOT_SIZE], out[FORMAT_SLOT_SIZE];
	struct slot s, again;
	struct fault why;

	if (n < sizeof(b))
		return;
	memcpy(b, p, sizeof(b));
	put_crc(b + 28, crc32c(0, b, 28));
	if (format_slot_decode(b, &s, &why) < 0)
		return;
	(void)slot_is_final(&s);
	format_slot_encode(&s, out);
	must(format_slot_decode(out, &again, &why) == 0);
	must(s.state == again.state && s.next == again.next &&
	    s.attempts == again.attempts && s.bounce == again.bounce);
}

static void
try_note(struct arena *a, const uint8_t *p, size_t n)
{
	uint8_t b[FORMAT_NOTE_SIZE] = { 0 };
	struct note note;

	memcpy(b + 4, p, n < sizeof(b) - 4 ? n : sizeof(b) - 4);
	put_crc(b, crc32c(0, b + 4, sizeof(b) - 4));
	if (format_note_decode(a, b, &note))
		must(note.host.n + note.text.n <= FORMAT_NOTE_SIZE);
}

static void
check_address(const struct address *a, size_t n)
{
	must(a->local.n + a->domain.n <= n);
}

/* The first byte is how many recipients the superblock promises. */
static void
try_envelope(struct arena *a, const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n);	/* one byte too far is seen */
	struct envelope e, again;
	struct buf b = { 0 };
	struct fault why;

	must(copy != NULL);
	memcpy(copy, p, n);
	if (format_envelope_decode(a, str_span(copy + 1, n - 1), copy[0], &e,
	    &why) == 0) {
		must(e.recipients.n == copy[0]);
		check_address(&e.sender, n);
		for (size_t i = 0; i < e.recipients.n; i++) {
			check_address(&e.recipients.p[i].address, n);
			check_address(&e.recipients.p[i].original, n);
		}
		must(e.client_ip.family == 0 || e.client_ip.family == 4 ||
		    e.client_ip.family == 6);
		format_envelope_encode(&e, &b);
		must(format_envelope_decode(a, buf_str(&b), copy[0], &again,
		    &why) == 0);
		must(address_eq(&e.sender, &again.sender));
		must(str_eq(e.helo, again.helo));
		must(e.uid == again.uid && e.body == again.body);
	}
	buf_free(&b);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a = { 0 };

	if (n == 0)
		return 0;
	try_super(p, n);
	try_slot(p, n);
	try_note(&a, p, n);
	try_envelope(&a, p, n);
	arena_free(&a);
	return 0;
}
