/* SPDX-License-Identifier: ISC */
/*
 * Enhanced status codes (RFC 3463): three numbers that say what became of a
 * message, for programs.  Here they are read off the front of a reply, written
 * again, taken from a fault, and put into words for the people who read a
 * bounce.
 *
 * The words come from one table, in the order of subject and detail.  A detail
 * that is not in it has the words of its subject, and a subject that is not in
 * it those of 0.0, as RFC 3463 2 tells readers of codes unknown to them.  The
 * class is not part of the words.
 *
 * Called by smtp/reply for every reply of a peer, by mail/outcome, and by
 * mail/report.
 */
#include "mail/status.h"

#include "base/num.h"

#define PART_MAX	999	/* RFC 3463 2: at most three digits */

struct meaning {
	int		 subject;
	int		 detail;
	const char	*text;
};

static const struct meaning meanings[] = {
	/* RFC 3463 3.1 to 3.8 unless said otherwise */
	{ 0, 0, "Other undefined status" },
	{ 1, 0, "Other address status" },
	{ 1, 1, "Bad destination mailbox address" },
	{ 1, 2, "Bad destination system address" },
	{ 1, 3, "Bad destination mailbox address syntax" },
	{ 1, 4, "Destination mailbox address ambiguous" },
	{ 1, 5, "Destination address valid" },
	{ 1, 6, "Destination mailbox has moved, no forwarding address" },
	{ 1, 7, "Bad sender's mailbox address syntax" },
	{ 1, 8, "Bad sender's system address" },
	{ 1, 10, "Recipient's domain accepts no mail" },   /* RFC 7505 6 */
	{ 2, 0, "Other or undefined mailbox status" },
	{ 2, 1, "Mailbox disabled, not accepting messages" },
	{ 2, 2, "Mailbox full" },
	{ 2, 3, "Message length exceeds administrative limit" },
	{ 2, 4, "Mailing list expansion problem" },
	{ 3, 0, "Other or undefined mail system status" },
	{ 3, 1, "Mail system full" },
	{ 3, 2, "System not accepting network messages" },
	{ 3, 3, "System not capable of selected features" },
	{ 3, 4, "Message too big for system" },
	{ 3, 5, "System incorrectly configured" },
	{ 4, 0, "Other or undefined network or routing status" },
	{ 4, 1, "No answer from host" },
	{ 4, 2, "Bad connection" },
	{ 4, 3, "Directory server failure" },
	{ 4, 4, "Unable to route" },
	{ 4, 5, "Mail system congestion" },
	{ 4, 6, "Routing loop detected" },
	{ 4, 7, "Delivery time expired" },
	{ 5, 0, "Other or undefined protocol status" },
	{ 5, 1, "Invalid command" },
	{ 5, 2, "Syntax error" },
	{ 5, 3, "Too many recipients" },
	{ 5, 4, "Invalid command arguments" },
	{ 5, 5, "Wrong protocol version" },
	{ 5, 6, "Authentication exchange line too long" }, /* RFC 4954 6 */
	{ 6, 0, "Other or undefined media error" },
	{ 6, 1, "Media not supported" },
	{ 6, 2, "Conversion required and prohibited" },
	{ 6, 3, "Conversion required but not supported" },
	{ 6, 4, "Conversion with loss performed" },
	{ 6, 5, "Conversion failed" },
	{ 6, 7, "Non-ASCII address not permitted" },       /* RFC 6531 4 */
	{ 7, 0, "Other or undefined security status" },
	{ 7, 1, "Delivery not authorized, message refused" },
	{ 7, 2, "Mailing list expansion prohibited" },
	{ 7, 3, "Security conversion required but not possible" },
	{ 7, 4, "Security features not supported" },
	{ 7, 5, "Cryptographic failure" },
	{ 7, 6, "Cryptographic algorithm not supported" },
	{ 7, 7, "Message integrity failure" },
	{ 7, 8, "Authentication credentials invalid" },    /* RFC 4954 6 */
	{ 7, 9, "Authentication mechanism is too weak" },  /* RFC 4954 6 */
	{ 7, 10, "Encryption needed" },                    /* RFC 5248 2.4 */
	{ 7, 20, "No passing DKIM signature found" },      /* RFC 7372 3.1 */
	{ 7, 23, "SPF validation failed" },                /* RFC 7372 3.2 */
	{ 7, 24, "SPF validation error" },                 /* RFC 7372 3.2 */
	{ 7, 25, "Reverse DNS validation failed" },        /* RFC 7372 3.3 */
	{ 7, 26, "Multiple authentication checks failed" },/* RFC 7372 3.4 */
	{ 7, 27, "Sender address has null MX" },           /* RFC 7505 6 */
};

#define N_MEANINGS	(sizeof(meanings) / sizeof(meanings[0]))

/* 1 to 3 digits at the front, without leading zeros; steps over them. */
static bool
cut_part(struct str *s, int *part)
{
	uint64_t v;
	size_t n;

	for (n = 0; n < s->n && str_is_digit(s->p[n]); n++)
		continue;
	if (n > 1 && s->p[0] == '0')
		return false;
	if (!num_parse(str_slice(*s, 0, n), PART_MAX, &v))
		return false;
	*s = str_from(*s, n);
	*part = (int)v;
	return true;
}

static bool
cut_dot(struct str *s)
{
	if (!str_starts(*s, STR(".")))
		return false;
	*s = str_from(*s, 1);
	return true;
}

bool
status_cut(struct str *text, struct status *out)
{
	struct str s = *text;
	struct status st;

	if (!cut_part(&s, &st.class) || !cut_dot(&s) ||
	    !cut_part(&s, &st.subject) || !cut_dot(&s) ||
	    !cut_part(&s, &st.detail))
		return false;
	if (st.class != 2 && st.class != 4 && st.class != 5)
		return false;
	if (s.n > 0 && !str_is_blank(s.p[0]))
		return false;
	while (s.n > 0 && str_is_blank(s.p[0]))
		s = str_from(s, 1);
	*text = s;
	*out = st;
	return true;
}

void
status_put(struct buf *b, struct status st)
{
	buf_printf(b, "%d.%d.%d", st.class, st.subject, st.detail);
}

struct status
status_of_fault(const struct fault *f)
{
	struct status st = { 0, f->subject, f->detail };

	switch (f->kind) {
	case FAULT_NONE:
		return (struct status){ 0, 0, 0 };
	case FAULT_TEMPORARY:
		st.class = 4;
		break;
	case FAULT_PERMANENT:
		st.class = 5;
		break;
	}
	return st;
}

static const char *
find(int subject, int detail)
{
	size_t i;

	for (i = 0; i < N_MEANINGS; i++) {
		if (meanings[i].subject == subject &&
		    meanings[i].detail == detail)
			return meanings[i].text;
	}
	return NULL;
}

const char *
status_text(struct status st)
{
	const char *text;

	text = find(st.subject, st.detail);
	if (text == NULL)
		text = find(st.subject, 0);
	return text != NULL ? text : meanings[0].text;
}
