/* SPDX-License-Identifier: ISC */
/*
 * The header of a message from a program of this machine: who is to have it,
 * what must not be seen by them, and what the program has left to us.
 *
 * This is the one place where godwit changes what somebody has written, and it
 * does so as the user's own agent, before anything is handed over (RFC 6409 8
 * lists the same changes).  Everything that is not named in the table passes
 * as it is.  Bcc goes, whether recipients are taken from the header or not:
 * a sender who wrote it there meant it to stay hidden.
 *
 * Always true of the result: it is a sequence of fields that end with CRLF,
 * and an empty line.  What is no field ends the header, and an empty line is
 * put in front of it, so that it is seen as text and not lost.
 */
#include "client/heading.h"

#include "client/words.h"
#include "mail/date.h"
#include "mail/header.h"
#include "spool/path.h"

enum {
	FROM = 1,
	DATE = 2,
	ID = 4,
	REQUIRED = FROM | DATE | ID,
	RESENT_SHIFT = 3,	/* FROM, DATE and ID of the Resent- fields */
	RESENT = 64,
	RECIPIENTS = 128,
	ADDRESSES = 256,
	HIDDEN = 512,
};

struct row {
	struct str	name;
	unsigned	traits;
};

#define NAME(lit)	{ (lit), sizeof(lit) - 1 }

static const struct row rows[] = {
	{ NAME("From"), FROM | ADDRESSES },
	{ NAME("Sender"), ADDRESSES },
	{ NAME("Reply-To"), ADDRESSES },
	{ NAME("To"), RECIPIENTS | ADDRESSES },
	{ NAME("Cc"), RECIPIENTS | ADDRESSES },
	{ NAME("Bcc"), RECIPIENTS | HIDDEN },
	{ NAME("Date"), DATE },
	{ NAME("Message-ID"), ID },
	{ NAME("Resent-From"), RESENT | FROM | ADDRESSES },
	{ NAME("Resent-Sender"), RESENT | ADDRESSES },
	{ NAME("Resent-To"), RESENT | RECIPIENTS | ADDRESSES },
	{ NAME("Resent-Cc"), RESENT | RECIPIENTS | ADDRESSES },
	{ NAME("Resent-Bcc"), RESENT | RECIPIENTS | HIDDEN },
	{ NAME("Resent-Date"), RESENT | DATE },
	{ NAME("Resent-Message-ID"), RESENT | ID },
};

static unsigned
find_traits(struct str name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_caseeq(name, rows[i].name))
			return rows[i].traits;
	return 0;
}

static struct str
skip_line(struct str s)
{
	size_t lf = str_find(s, '\n');

	return str_from(s, lf == s.n ? lf : lf + 1);
}

void
heading_split(struct str text, struct str *fields, struct str *body)
{
	struct header_field f;
	struct str rest;

	while (str_starts(text, STR("From ")) ||
	    str_starts(text, STR(">From ")))
		text = skip_line(text);
	rest = text;
	while (header_next(&rest, &f))
		;
	*fields = str_slice(text, 0, text.n - rest.n);
	if (str_starts(rest, STR("\r\n")))
		rest = str_from(rest, 2);
	*body = rest;
}

int
heading_recipients(struct arena *a, struct str fields, address_vec *out,
    struct fault *why)
{
	struct header_field f;
	struct str rest = fields;
	unsigned traits, resent = 0;

	while (header_next(&rest, &f)) {
		traits = find_traits(f.name);
		if ((traits & RECIPIENTS) != 0)
			resent |= traits & RESENT;
	}
	for (rest = fields; header_next(&rest, &f);) {
		traits = find_traits(f.name);
		if ((traits & RECIPIENTS) == 0 || (traits & RESENT) != resent)
			continue;
		if (address_parse_list(a, f.value, out, why) != 0) {
			fault_prefix(why, "%.*s field", STR_ARG(f.name));
			return -1;
		}
	}
	return 0;
}

static unsigned
survey(struct str fields)
{
	struct header_field f;
	unsigned traits, seen = 0;

	while (header_next(&fields, &f)) {
		traits = find_traits(f.name);
		if ((traits & RESENT) != 0)
			seen |= RESENT | (traits & REQUIRED) << RESENT_SHIFT;
		else
			seen |= traits & REQUIRED;
	}
	return seen;
}

static void
put_missing(struct buf *b, unsigned seen, const char *prefix,
    const struct heading_origin *o)
{
	char id[SPOOL_NAME_MAX];
	bool named;

	if ((seen & FROM) == 0) {
		buf_printf(b, "%sFrom: ", prefix);
		named = words_put_phrase(b, o->full_name);
		buf_putz(b, named ? " <" : "");
		address_put(b, &o->from);
		buf_putz(b, named ? ">\r\n" : "\r\n");
	}
	if ((seen & DATE) == 0) {
		buf_printf(b, "%sDate: ", prefix);
		date_put(b, o->now_ms / 1000);
		buf_putz(b, "\r\n");
	}
	if ((seen & ID) == 0) {
		spool_name_new(id, o->now_ms);
		buf_printf(b, "%sMessage-ID: <%s@%.*s>\r\n", prefix, id,
		    STR_ARG(o->hostname));
	}
}

static void
put_field(struct buf *b, const struct header_field *f, struct str hostname)
{
	unsigned traits = find_traits(f->name);

	if ((traits & HIDDEN) != 0)
		return;
	if ((traits & ADDRESSES) == 0) {
		buf_puts(b, f->raw);
		return;
	}
	buf_puts(b, f->name);
	buf_putc(b, ':');
	words_put_qualified(b, f->value, hostname);
	buf_putz(b, "\r\n");
}

void
heading_complete(struct buf *b, struct str fields,
    const struct heading_origin *o)
{
	unsigned seen = survey(fields);
	struct header_field f;

	/* The block of a resending stands in front: RFC 5322 3.6.6. */
	if ((seen & RESENT) != 0)
		put_missing(b, seen >> RESENT_SHIFT, "Resent-", o);
	while (header_next(&fields, &f))
		put_field(b, &f, o->hostname);
	put_missing(b, seen, "", o);
	buf_putz(b, "\r\n");
}
