/* SPDX-License-Identifier: ISC */
/*
 * What the sender has asked for, told to the next host in the words that it
 * offered: the parameters of MAIL and RCPT, and the addresses as it can read
 * them.  Called by smtpc/transact when it plans and writes a transaction.
 *
 * A wish that may get lost on the way is left out where the host does not know
 * it (RFC 3461 5.2.2, RFC 6710 4.3); our own reports make up for it.  One that
 * must not get lost stops the message here: SMTPUTF8 where the message needs it
 * (RFC 6531 3.2), REQUIRETLS (RFC 8689 4.2.1), a time with mode R (RFC 2852
 * 4.1.4.1).  A domain that is not ASCII needs nothing: it has an A-label.
 *
 * Nothing else demands TLS of the next host, so a header field TLS-Required: No
 * (RFC 8689 4.2.2) asks for what happens anyway, and is not read.
 */
#include "smtpc/asked.h"

#include <inttypes.h>

#include "base/utf8.h"
#include "mail/idna.h"
#include "os/clock.h"
#include "smtp/ext.h"
#include "smtp/xtext.h"

#define BY_MOST	INT64_C(999999999)	/* RFC 2852 4 */

static const struct envelope_wishes no_wishes;

static const struct envelope_wishes *
wishes_of(const struct smtpc_message *m)
{
	return m->wishes != NULL ? m->wishes : &no_wishes;
}

static bool
offers(const struct smtpc *c, enum ext ext)
{
	return (c->extensions & (unsigned)ext) != 0;
}

/* Up to the empty line that ends it. */
static bool
is_header_ascii(const struct smtpc_message *m)
{
	bool empty = true;	/* the line so far */

	for (size_t i = 0; i < m->nparts; i++) {
		struct str part = m->parts[i];

		for (size_t k = 0; k < part.n; k++) {
			if ((unsigned char)part.p[k] >= 0x80)
				return false;
			if (part.p[k] == '\n' && empty)
				return true;
			if (part.p[k] != '\r')
				empty = part.p[k] == '\n';
		}
	}
	return true;
}

static int
check_by(const struct smtpc *c, const struct envelope_wishes *w,
    struct fault *why)
{
	int64_t left = w->by_time - clock_wall();

	if (w->by != BY_RETURN)
		return 0;
	if (!offers(c, EXT_DELIVERBY))
		return fault_permanent(why, 554, 3, 3,
		    "host %.*s does not promise delivery in time, which the "
		    "sender demands", STR_ARG(c->peer));
	if (left < (int64_t)c->by_least || left <= 0)
		return fault_permanent(why, 554, 4, 7,
		    "not enough is left for host %.*s of the time that the "
		    "sender gave", STR_ARG(c->peer));
	return 0;
}

int
asked_check(const struct smtpc *c, const struct smtpc_message *m,
    struct fault *why)
{
	const struct envelope_wishes *w = wishes_of(m);

	/* RFC 8689 5: a report is sent all the same. */
	if (w->requiretls && !address_is_null(m->sender) &&
	    (!c->secure || !offers(c, EXT_REQUIRETLS)))
		return fault_permanent(why, 554, 7, 30,
		    "REQUIRETLS support required of host %.*s",
		    STR_ARG(c->peer));
	if (w->smtputf8 && !offers(c, EXT_SMTPUTF8) && !is_header_ascii(m))
		return fault_permanent(why, 554, 6, 9,
		    "host %.*s does not offer SMTPUTF8, which the header of "
		    "the message needs", STR_ARG(c->peer));
	return check_by(c, w, why);
}

int
asked_address(const struct smtpc *c, struct arena *arena,
    const struct address *a, struct address *out, struct fault *why)
{
	*out = *a;
	if (offers(c, EXT_SMTPUTF8))
		return 0;
	if (!utf8_is_ascii(a->local))
		return fault_permanent(why, 553, 6, 7,
		    "host %.*s does not offer SMTPUTF8, which an address "
		    "needs", STR_ARG(c->peer));
	if (utf8_is_ascii(a->domain))
		return 0;
	return idna_to_ascii(arena, a->domain, &out->domain, why);
}

static void
put_dsn(struct buf *b, const struct envelope_wishes *w)
{
	switch (w->ret) {
	case RET_UNSAID:
		break;
	case RET_FULL:
		buf_puts(b, STR(" RET=FULL"));
		break;
	case RET_HDRS:
		buf_puts(b, STR(" RET=HDRS"));
		break;
	}
	if (w->envid.n > 0)
		buf_printf(b, " ENVID=%.*s", STR_ARG(w->envid));
}

/* RFC 2852 4.1.4: what is left of it now. */
static void
put_by(struct buf *b, const struct envelope_wishes *w)
{
	int64_t left = w->by_time - clock_wall();

	if (w->by == BY_NONE)
		return;
	if (left > BY_MOST || left < -BY_MOST)
		left = left > 0 ? BY_MOST : -BY_MOST;
	buf_printf(b, " BY=%" PRId64 ";%c%s", left,
	    w->by == BY_RETURN ? 'R' : 'N', w->by_trace ? "T" : "");
}

void
asked_put_mail(struct buf *b, const struct smtpc *c,
    const struct smtpc_message *m, bool utf8)
{
	const struct envelope_wishes *w = wishes_of(m);

	if (offers(c, EXT_SMTPUTF8) && (utf8 || w->smtputf8))
		buf_puts(b, STR(" SMTPUTF8"));
	if (offers(c, EXT_DSN))
		put_dsn(b, w);
	if (offers(c, EXT_DELIVERBY))
		put_by(b, w);
	if (offers(c, EXT_MT_PRIORITY) && w->priority != 0)
		buf_printf(b, " MT-PRIORITY=%d", w->priority);
	if (offers(c, EXT_REQUIRETLS) && c->secure && w->requiretls)
		buf_puts(b, STR(" REQUIRETLS"));
}

/* RFC 2852 4.1.4.2: a host that does not keep the time tells of delays. */
static unsigned
add_delay(const struct smtpc *c, const struct envelope_wishes *w,
    unsigned notify)
{
	if (w->by != BY_NOTIFY || offers(c, EXT_DELIVERBY) ||
	    (notify & WANT_NEVER) != 0)
		return notify;
	return notify == WANT_UNSAID ? WANT_FAILURE | WANT_DELAY :
	    notify | WANT_DELAY;
}

static void
put_notify(struct buf *b, unsigned notify)
{
	static const struct {
		unsigned	 bit;
		const char	*word;
	} words[] = {
		{ WANT_SUCCESS, "SUCCESS" }, { WANT_FAILURE, "FAILURE" },
		{ WANT_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	if (notify == WANT_UNSAID)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((notify & words[i].bit) != 0) {
			buf_printf(b, "%s%s", before, words[i].word);
			before = ",";
		}
	/* That it was expanded is told by us alone. */
	if (before[0] == ' ')
		buf_puts(b, STR(" NOTIFY=NEVER"));
}

/* RFC 3461 5.2.1 d: as it came; RFC 6533 3: in ASCII where it has to be. */
static void
put_orcpt(struct buf *b, const struct smtpc *c, struct str orcpt)
{
	struct arena a = { 0 };
	struct str plain;
	size_t at = str_find(orcpt, ';');

	if (offers(c, EXT_SMTPUTF8) || utf8_is_ascii(orcpt)) {
		buf_printf(b, " ORCPT=%.*s", STR_ARG(orcpt));
		return;
	}
	if (unitext_decode(&a, str_from(orcpt, at + 1), &plain)) {
		buf_printf(b, " ORCPT=%.*s;", STR_ARG(str_slice(orcpt, 0,
		    at)));
		unitext_put(b, plain);
	}
	arena_free(&a);
}

void
asked_put_rcpt(struct buf *b, const struct smtpc *c,
    const struct smtpc_message *m, const struct recipient *r)
{
	if (!offers(c, EXT_DSN))
		return;
	put_notify(b, add_delay(c, wishes_of(m), r->notify));
	if (r->orcpt.n > 0)
		put_orcpt(b, c, r->orcpt);
}

unsigned
asked_next_hop(const struct smtpc *c)
{
	return (offers(c, EXT_DSN) ? OUTCOME_DSN : 0u) |
	    (offers(c, EXT_DELIVERBY) ? OUTCOME_BY : 0u);
}
