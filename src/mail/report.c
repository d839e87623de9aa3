/* SPDX-License-Identifier: ISC */
/*
 * A delivery status notification (RFC 3464) as a multipart/report (RFC 6522):
 * a text for people, the same for programs, and the header of the message that
 * it is about.  The queue calls it when recipients have failed for good, have
 * waited too long for the sender, or were served, and he wanted to know (RFC
 * 3461); it submits the result like any other message.
 *
 * Whether a report may be sent at all (never about the null sender), and to
 * whom, is the caller's.  Only the header is returned unless the caller gives the
 * whole message (RET=FULL): a report to a forged sender should not carry the
 * forger's words unasked.
 *
 * What remote servers and the sender said is outside text: control characters
 * in it become "?", so do broken UTF-8 in the text for people and all
 * non-ASCII in the part for programs (RFC 3464 2.1).
 *
 * Always true: lines end in CRLF and have at most 998 octets (RFC 5322 2.1.1);
 * the boundary occurs in none of the parts.
 */
#include "mail/report.h"

#include "base/die.h"
#include "base/utf8.h"
#include "mail/date.h"
#include "mail/header.h"

#define WIDTH		76	/* where lines are folded: RFC 5322 2.1.1 */
#define WORD_MAX	900	/* a longer word is broken */
#define LINE_KEPT	990	/* of a line of the returned header */
#define SAID_MAX	2000	/* of a remote server's words */
#define MSGID_MAX	250

enum charset {
	ASCII_ONLY,
	UTF8,
};

/* The length of one character to be kept, 0: it is not to be kept. */
static size_t
measure_char(struct str s, enum charset charset)
{
	uint32_t cp;
	unsigned n;

	if ((unsigned char)s.p[0] < 0x80)
		return str_is_control(s.p[0]) ? 0 : 1;
	n = utf8_char(s, &cp);
	if (charset == ASCII_ONLY || n == 0 || cp < 0xa0)
		return 0;
	return n;
}

static void
clean(struct buf *b, struct str s, enum charset charset)
{
	size_t n;

	while (s.n > 0) {
		n = measure_char(s, charset);
		if (n > 0)
			buf_put(b, s.p, n);
		else if (str_is_blank(s.p[0]))
			buf_putc(b, ' ');
		else
			buf_putc(b, '?');
		if (n == 0)
			n = utf8_char(s, NULL);
		s = str_from(s, n > 0 ? n : 1);
	}
}

/* At most WORD_MAX octets of a word, not cut within a character. */
static size_t
measure_word(struct str word)
{
	size_t n = WORD_MAX;

	if (word.n <= n)
		return word.n;
	while (n > 1 && ((unsigned char)word.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/*
 * Writes text word by word from column col on; when the next word does not
 * fit, a line end and lead come first, for which lead begins with a blank.
 */
static void
wrap(struct buf *b, size_t col, const char *lead, struct str text)
{
	struct str rest = text, word;
	size_t n;
	bool first = true;

	while (str_word(&rest, &word)) {
		while (word.n > 0) {
			n = measure_word(word);
			if (!first && col + 1 + n > WIDTH) {
				buf_printf(b, "\r\n%s", lead);
				col = str_of(lead).n;
			} else if (!first) {
				buf_putc(b, ' ');
				col++;
			}
			buf_put(b, word.p, n);
			col += n;
			word = str_from(word, n);
			first = false;
		}
	}
}

static void
put_paragraph(struct buf *b, const char *lead, struct str text)
{
	struct buf tmp;

	buf_init(&tmp);
	clean(&tmp, str_slice(text, 0, SAID_MAX), UTF8);
	buf_putz(b, lead);
	wrap(b, str_of(lead).n, lead, buf_str(&tmp));
	buf_puts(b, STR("\r\n"));
	buf_free(&tmp);
}

/* A bare name is one of this host. */
static void
put_address(struct buf *b, const struct address *a, struct str hostname)
{
	address_put(b, a);
	if (!address_is_null(a) && a->domain.n == 0) {
		buf_putc(b, '@');
		buf_puts(b, hostname);
	}
}

static bool
has_other_original(const struct report_recipient *rc)
{
	return !address_is_null(&rc->original) &&
	    !address_eq(&rc->original, &rc->final);
}

/*
 * The text for people.
 */

static const char *
advise(struct status s)
{
	switch (s.subject) {
	case 1:
		return "Check the address: one wrong letter is enough. If it "
		    "is right, ask the recipient in some other way whether it "
		    "is still in use.";
	case 2:
		return s.detail == 3 ? "Send a shorter message, or leave large "
		    "files where they can be fetched." :
		    "The mailbox cannot take mail at present; it may be full. "
		    "Try again in some days, or reach the recipient in some "
		    "other way.";
	case 3:
		return s.detail == 4 ? "Send a shorter message, or leave large "
		    "files where they can be fetched." :
		    "Try again later. If it happens again, show this message "
		    "to your postmaster.";
	case 4:
		return "Check the part of the address behind the @. If it is "
		    "right, the other side is out of reach: try again "
		    "later.";
	case 6:
		return "Send the message in a simpler form, for example as "
		    "plain text without attachments.";
	case 7:
		return "The other side refused the message by its own rules. "
		    "If that seems wrong, show this message to your "
		    "postmaster, or reach the recipient in some other way.";
	default:
		return "If the reason does not tell you what to do, show this "
		    "message to your postmaster.";
	}
}

static void
put_intro(struct buf *b, const struct report *r)
{
	buf_printf(b, "This is the mail server at %.*s.\r\n\r\n",
	    STR_ARG(r->hostname));
	if (r->is_double)
		buf_putz(b, "A message without a return address, most likely "
		    "a report such as this\r\none, could not be delivered. "
		    "Nobody else can be told, so you are, as\r\nthe "
		    "postmaster.\r\n\r\nIt was meant for:\r\n");
	else if (r->action == REPORT_SENT)
		buf_putz(b, "You asked to be told what became of your "
		    "message.\r\n\r\nIt has arrived, or was handed "
		    "on:\r\n");
	else if (r->action == REPORT_DELAYED)
		buf_putz(b, "Your message has not yet been delivered to the "
		    "recipients below. You need\r\nnot send it again: the "
		    "server keeps trying.\r\n\r\nStill waiting:\r\n");
	else
		buf_putz(b, "Your message could not be delivered to the "
		    "recipients below, and it will\r\nnot be tried "
		    "again.\r\n\r\nNot delivered:\r\n");
}

static const char *
describe_fate(enum report_fate fate)
{
	switch (fate) {
	case REPORT_DELIVERED:
		return "Delivered.";
	case REPORT_RELAYED:
		return "Handed on to a server that will not tell more.";
	case REPORT_EXPANDED:
		return "Handed on to the several addresses that it stands "
		    "for.";
	}
	bug("report fate %d", (int)fate);
}

static void
put_person(struct buf *b, const struct report *r,
    const struct report_recipient *rc)
{
	const struct outcome *o = &rc->outcome;

	buf_puts(b, STR("\r\n  <"));
	put_address(b, &rc->final, r->hostname);
	buf_puts(b, STR(">\r\n"));
	if (has_other_original(rc)) {
		buf_puts(b, STR("  (the message was sent to <"));
		put_address(b, &rc->original, r->hostname);
		buf_puts(b, STR(">)\r\n"));
	}
	if (r->action == REPORT_SENT)
		buf_printf(b, "    %s\r\n", describe_fate(rc->fate));
	else if (o->status.class != 0) {
		buf_printf(b, "    Reason: %s (", status_text(o->status));
		status_put(b, o->status);
		buf_puts(b, STR(")\r\n"));
	}
	if (o->text.n > 0) {
		buf_puts(b, STR("    In detail:\r\n"));
		put_paragraph(b, "      ", o->text);
	}
	if (r->action == REPORT_FAILED && !r->is_double) {
		buf_puts(b, STR("    What you can do:\r\n"));
		put_paragraph(b, "      ", str_of(advise(o->status)));
	}
}

static void
put_text(struct buf *b, const struct report *r)
{
	size_t i;

	put_intro(b, r);
	for (i = 0; i < r->n; i++)
		put_person(b, r, &r->recipients[i]);
	buf_puts(b, STR("\r\n"));
	if (r->action == REPORT_DELAYED && r->expires != 0) {
		buf_puts(b, STR("It will be tried until\r\n  "));
		date_put(b, r->expires);
		buf_puts(b, STR("\r\nand you will be told if it fails then."
		    "\r\n\r\n"));
	}
	if (r->arrival != 0) {
		buf_puts(b, STR("The message came to this server on\r\n  "));
		date_put(b, r->arrival);
		buf_puts(b, STR("\r\n"));
	}
	if (r->about_id.n > 0)
		buf_printf(b, "Its number here is %.*s.\r\n",
		    STR_ARG(r->about_id));
	buf_puts(b, STR("Details for programs and the header of the message "
	    "follow.\r\n"));
}

/*
 * The part for programs.
 */

static void
put_field(struct buf *b, const char *name, const char *type, struct str value)
{
	struct buf tmp;
	size_t start = b->n;

	buf_init(&tmp);
	clean(&tmp, str_slice(value, 0, SAID_MAX), ASCII_ONLY);
	buf_printf(b, "%s: %s", name, type);
	wrap(b, b->n - start, "    ", buf_str(&tmp));
	buf_puts(b, STR("\r\n"));
	buf_free(&tmp);
}

static void
put_date_field(struct buf *b, const char *name, int64_t wall)
{
	if (wall == 0)
		return;
	buf_printf(b, "%s: ", name);
	date_put(b, wall);
	buf_puts(b, STR("\r\n"));
}

static void
put_address_field(struct buf *b, const char *name, const struct address *a,
    struct str hostname)
{
	struct buf tmp;

	buf_init(&tmp);
	put_address(&tmp, a, hostname);
	put_field(b, name, "rfc822; ", buf_str(&tmp));
	buf_free(&tmp);
}

/*
 * The reply as it came.  An outcome's text may tell more ("host x said: 550 ..
 * (in reply to RCPT TO)"); where the reply is not in it, code and status are
 * put in front, which makes it one.
 */
static void
put_reply(struct buf *b, const struct outcome *o)
{
	struct buf mark;
	struct str code, text = o->text;
	size_t at;

	buf_init(&mark);
	buf_printf(&mark, "said: %d", o->reply);
	code = str_from(buf_str(&mark), 6);
	at = str_search(text, buf_str(&mark));
	if (at < text.n) {
		text = str_from(text, at + 6);
		text = str_slice(text, 0,
		    str_search(text, STR(" (in reply to ")));
	} else if (!str_starts(text, code)) {
		buf_puts(b, code);
		buf_putc(b, ' ');
		if (o->status.class != 0) {
			status_put(b, o->status);
			buf_putc(b, ' ');
		}
	}
	buf_puts(b, text);
	buf_free(&mark);
}

/* RFC 3464 2.3.6: what is of no SMTP reply has a type of our own. */
static void
put_diagnostic(struct buf *b, const struct outcome *o)
{
	struct buf words;

	if (o->reply == 0 && o->text.n == 0)
		return;
	buf_init(&words);
	if (o->reply != 0) {
		put_reply(&words, o);
		put_field(b, "Diagnostic-Code", "smtp; ", buf_str(&words));
	} else {
		put_field(b, "Diagnostic-Code", "x-godwit; ", o->text);
	}
	buf_free(&words);
}

static int
class_of(enum report_action action)
{
	return action == REPORT_FAILED ? 5 : action == REPORT_DELAYED ? 4 : 2;
}

/* RFC 3464 2.3.3 */
static const char *
name_action(enum report_action action, enum report_fate fate)
{
	if (action != REPORT_SENT)
		return action == REPORT_FAILED ? "failed" : "delayed";
	switch (fate) {
	case REPORT_DELIVERED:
		return "delivered";
	case REPORT_RELAYED:
		return "relayed";
	case REPORT_EXPANDED:
		return "expanded";
	}
	bug("report fate %d", (int)fate);
}

static void
put_recipient_fields(struct buf *b, const struct report *r,
    const struct report_recipient *rc)
{
	const struct outcome *o = &rc->outcome;
	struct status status = o->status;

	if (status.class == 0)
		status = (struct status){ class_of(r->action), 0, 0 };
	buf_puts(b, STR("\r\n"));
	/* RFC 3461 6.3 d: not what only we know. */
	if (rc->orcpt.n > 0)
		put_field(b, "Original-Recipient", "", rc->orcpt);
	if (rc->final_field.n > 0)
		put_field(b, "Final-Recipient", "", rc->final_field);
	else
		put_address_field(b, "Final-Recipient", &rc->final,
		    r->hostname);
	buf_printf(b, "Action: %s\r\nStatus: ",
	    name_action(r->action, rc->fate));
	status_put(b, status);
	buf_puts(b, STR("\r\n"));
	if (o->host.n > 0)
		put_field(b, "Remote-MTA", "dns; ", o->host);
	put_diagnostic(b, o);
	put_date_field(b, "Last-Attempt-Date", rc->last_attempt);
	if (r->action == REPORT_DELAYED)
		put_date_field(b, "Will-Retry-Until", r->expires);
}

static void
put_status(struct buf *b, const struct report *r)
{
	size_t i;

	if (r->envid.n > 0)
		put_field(b, "Original-Envelope-Id", "", r->envid);
	put_field(b, "Reporting-MTA", "dns; ", r->hostname);
	put_date_field(b, "Arrival-Date", r->arrival);
	put_date_field(b, "Deliver-By-Date", r->deliver_by);
	if (r->hold.n > 0)
		put_field(b, "Future-Release-Request", "", r->hold);
	if (r->about_id.n > 0)
		put_field(b, "X-Godwit-ID", "", r->about_id);
	if (!address_is_null(&r->about_sender))
		put_address_field(b, "X-Godwit-Sender", &r->about_sender,
		    r->hostname);
	for (i = 0; i < r->n; i++)
		put_recipient_fields(b, r, &r->recipients[i]);
}

/*
 * The message around them.
 */

/* The header as it came, but for control characters and over-long lines. */
static void
put_returned(struct buf *b, struct str header)
{
	struct str line;
	size_t i;

	while (str_cut(&header, '\n', &line)) {
		if (str_ends(line, STR("\r")))
			line.n--;
		if (line.n == 0)
			break;
		line = str_slice(line, 0, LINE_KEPT);
		for (i = 0; i < line.n; i++)
			buf_putc(b, str_is_control(line.p[i]) &&
			    line.p[i] != '\t' ? '?' : line.p[i]);
		buf_puts(b, STR("\r\n"));
	}
}

/* RFC 3834 3.1.6, if the message has an identifier that is fit to repeat. */
static void
put_references(struct buf *b, struct str header)
{
	struct header_field f;
	struct buf id;
	struct str s;
	size_t i;
	bool is_good;

	if (!header_find(header, STR("Message-ID"), &f))
		return;
	buf_init(&id);
	header_unfold(&id, f.value);
	s = buf_str(&id);
	is_good = s.n >= 5 && s.n <= MSGID_MAX && s.p[0] == '<' &&
	    str_find(s, '>') == s.n - 1 && str_rfind(s, '<') == 0 &&
	    str_find(s, '@') < s.n;
	for (i = 0; i < s.n; i++)
		is_good = is_good && s.p[i] > 32 && s.p[i] < 127;
	if (is_good)
		buf_printf(b, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n",
		    STR_ARG(s), STR_ARG(s));
	buf_free(&id);
}

static const char *
subject_of(const struct report *r)
{
	if (r->is_double)
		return "A message without return address could not be "
		    "delivered";
	if (r->action == REPORT_SENT)
		return "What became of your message";
	return r->action == REPORT_DELAYED ?
	    "Your message is delayed and will be tried again" :
	    "Your message could not be delivered";
}

static void
put_head(struct buf *b, const struct report *r, struct str boundary,
    bool eight_bit)
{
	buf_printf(b, "From: Mail Delivery System <MAILER-DAEMON@%.*s>\r\n",
	    STR_ARG(r->hostname));
	buf_puts(b, STR("To: <"));
	put_address(b, &r->to, r->hostname);
	buf_printf(b, ">\r\nSubject: %s\r\n", subject_of(r));
	put_date_field(b, "Date", r->now);
	buf_printf(b, "Message-ID: <%.*s@%.*s>\r\n", STR_ARG(r->id),
	    STR_ARG(r->hostname));
	put_references(b, r->header);
	buf_puts(b, STR("Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; "
	    "report-type=delivery-status;\r\n"));
	buf_printf(b, "    boundary=\"%.*s\"\r\n", STR_ARG(boundary));
	if (eight_bit)
		buf_puts(b, STR("Content-Transfer-Encoding: 8bit\r\n"));
	buf_puts(b, STR("\r\nThis is a delivery report in MIME format.\r\n"));
}

static void
put_part(struct buf *b, struct str boundary, const char *type,
    const struct buf *content)
{
	buf_printf(b, "\r\n--%.*s\r\nContent-Type: %s\r\n", STR_ARG(boundary),
	    type);
	if (!utf8_is_ascii(buf_str(content)))
		buf_puts(b, STR("Content-Transfer-Encoding: 8bit\r\n"));
	buf_puts(b, STR("\r\n"));
	buf_puts(b, buf_str(content));
}

struct parts {
	struct buf	text, status, header;
};

static bool
occurs(const struct parts *p, struct str s)
{
	return str_search(buf_str(&p->text), s) < p->text.n ||
	    str_search(buf_str(&p->status), s) < p->status.n ||
	    str_search(buf_str(&p->header), s) < p->header.n;
}

static void
choose_boundary(struct buf *b, const struct parts *p, struct str id)
{
	unsigned i = 0;

	do {
		buf_reset(b);
		buf_printf(b, "=_%.*s_%u", STR_ARG(str_slice(id, 0, 50)), i++);
	} while (occurs(p, buf_str(b)));
}

/* RFC 6533 4.2 and 4.3: a header of UTF-8 has types of its own. */
static const char *
type_returned(const struct report *r, const struct buf *returned)
{
	bool global = r->is_global && !utf8_is_ascii(buf_str(returned));

	if (r->whole.n > 0)
		return global ? "message/global" : "message/" "rfc" "822";
	return global ? "message/global-headers" : "text/rfc822-headers";
}

void
report_put(struct buf *b, const struct report *r)
{
	struct parts p;
	struct buf boundary;
	struct str mark;

	buf_init(&p.text);
	buf_init(&p.status);
	buf_init(&p.header);
	buf_init(&boundary);
	put_text(&p.text, r);
	put_status(&p.status, r);
	if (r->whole.n > 0)
		buf_puts(&p.header, r->whole);
	else
		put_returned(&p.header, r->header);
	choose_boundary(&boundary, &p, r->id);
	mark = buf_str(&boundary);
	put_head(b, r, mark, !utf8_is_ascii(buf_str(&p.text)) ||
	    !utf8_is_ascii(buf_str(&p.header)));
	put_part(b, mark, "text/plain; charset=utf-8", &p.text);
	put_part(b, mark, "message/delivery-status", &p.status);
	put_part(b, mark, type_returned(r, &p.header), &p.header);
	buf_printf(b, "\r\n--%.*s--\r\n", STR_ARG(mark));
	buf_free(&p.text);
	buf_free(&p.status);
	buf_free(&p.header);
	buf_free(&boundary);
}
