/* SPDX-License-Identifier: ISC */
/*
 * The clerk of the submission services: the header of a message that a user
 * submits, made such as other hosts expect it (RFC 6409 8).  Who has logged in
 * on port 25 submits as well.  A program of this machine has no need of it:
 * sendmail does the same before it sends, and what other hosts bring is not ours
 * to mend.
 *
 * Bcc and Resent-Bcc go, each field with all its lines, for whom they name
 * nobody else is to know (RFC 5322 3.6.3); a signature over them does not keep
 * them, since it would be broken by the next server that takes them out.  What
 * is added stands in front of the content, with the trace.  Of the content
 * itself nothing else is changed, but that a header that ends without an empty
 * line gets one, or the first line of the text would be lost to its reader.
 *
 * The header is held back until it is whole, in the collector's block, where it
 * is anyway; the body passes without a copy.  Of a header that is too big
 * nothing passes: that message is refused.  Called by intake/intake.
 */
#include "intake/clerk.h"

#include "base/utf8.h"
#include "mail/date.h"
#include "os/clock.h"

bool
clerk_is_wanted(const struct session *s)
{
	if (s->peer->local)
		return false;
	return s->peer->service != SERVICE_SMTP || s->login.n > 0;
}

/* ------------------------------------------------------ what is taken out */

static bool
is_hidden(struct str name)
{
	return str_caseeq(name, STR("Bcc")) ||
	    str_caseeq(name, STR("Resent-Bcc"));
}

/* The fields that stay, and what ends them: an empty line or nothing. */
static int
pass_fields(struct clerk *c, struct str *end, struct fault *why)
{
	struct str rest = buf_str(&c->header->block), run = rest;
	struct header_field f;

	run.n = 0;
	while (header_next(&rest, &f)) {
		if (!is_hidden(f.name)) {
			run.n += f.raw.n;
			continue;
		}
		if (sink_write(c->next, run, why) < 0)
			return -1;
		run = str_slice(rest, 0, 0);
	}
	*end = rest;
	return sink_write(c->next, run, why);
}

/* body: what of it came with the header. */
static int
pass(struct clerk *c, struct str body, struct fault *why)
{
	struct str over = buf_str(&c->header->over), end;

	c->passed = true;
	if (pass_fields(c, &end, why) < 0)
		return -1;
	if (end.n == 0 && over.n + body.n > 0)
		end = STR("\r\n");
	return sink_write(c->next, end, why) < 0 ||
	    sink_write(c->next, over, why) < 0 ||
	    sink_write(c->next, body, why) < 0 ? -1 : 0;
}

static int
take(struct sink *sink, struct str bytes, struct fault *why)
{
	struct clerk *c = (struct clerk *)(void *)sink;
	uint64_t header = c->header->block.n + c->header->over.n;

	if (c->passed)
		return sink_write(c->next, bytes, why);
	c->seen += bytes.n;
	if (!c->header->complete)
		return 0;
	return pass(c, str_from(bytes, bytes.n - (size_t)(c->seen - header)),
	    why);
}

void
clerk_init(struct clerk *c, const struct header_collector *header,
    struct sink *next)
{
	*c = (struct clerk){ .sink.write = take, .next = next,
	    .header = header };
}

int
clerk_finish(struct clerk *c, struct fault *why)
{
	if (c->next == NULL || c->passed || c->header->too_big)
		return 0;
	return pass(c, STR_NONE, why);
}

/* ---------------------------------------------------------- what is added */

static bool
has(const struct session *s, struct str name)
{
	struct header_field f;

	return header_find(buf_str(&s->header.block), name, &f);
}

/* The address of whoever has written it, as far as that can be told. */
static bool
find_author(const struct session *s, struct address *author)
{
	struct transaction *t = s->transaction;
	struct fault ignored;

	*author = t->envelope.sender;
	if (address_is_null(author) && (s->login.n == 0 ||
	    address_parse(&t->arena, s->login, true, author, &ignored) < 0 ||
	    address_is_null(author)))
		return false;
	if (author->domain.n == 0)
		author->domain = s->conf->hostname;
	return t->envelope.wishes.smtputf8 || (utf8_is_ascii(author->local) &&
	    utf8_is_ascii(author->domain));
}

struct str
clerk_id(const struct session *s, struct str id)
{
	struct header_field f;

	if (header_find(buf_str(&s->header.block), STR("Message-ID"), &f))
		return str_trim(f.value);
	return !clerk_is_wanted(s) ? STR_NONE :
	    arena_printf(&s->transaction->arena, "<%.*s@%.*s>", STR_ARG(id),
	    STR_ARG(s->conf->hostname));
}

void
clerk_put_missing(struct buf *b, const struct session *s, struct str id)
{
	struct address author;

	if (!has(s, STR("Message-ID")))
		buf_printf(b, "Message-ID: %.*s\r\n",
		    STR_ARG(clerk_id(s, id)));
	if (!has(s, STR("Date"))) {
		buf_putz(b, "Date: ");
		date_put(b, clock_wall());
		buf_putz(b, "\r\n");
	}
	if (!has(s, STR("From")) && find_author(s, &author)) {
		buf_putz(b, "From: ");
		address_put(b, &author);
		buf_putz(b, "\r\n");
	}
}
