/* SPDX-License-Identifier: ISC */
/*
 * The questions that more than one room asks of an envelope: whether its sender
 * wants to hear what became of a recipient (RFC 3461 5.2), whether it is too
 * late to deliver it (RFC 2852 4.1.3), and whether its addresses need SMTPUTF8
 * (RFC 6531 3.2).
 *
 * Pure; times are given.  Whoever marks a recipient (spool/slots) and whoever
 * makes a report (stock/bounce) decide by these, and so agree.
 */
#include "mail/envelope.h"

#include "base/utf8.h"

bool
envelope_wants(const struct envelope *e, const struct recipient *r,
    enum envelope_want what)
{
	if ((r->notify & WANT_NEVER) != 0)
		return false;
	switch (what) {
	case WANT_FAILURE:
		/* The postmaster is told when there is no sender. */
		return r->notify == WANT_UNSAID ||
		    (r->notify & WANT_FAILURE) != 0;
	case WANT_DELAY:
		return !address_is_null(&e->sender) &&
		    (r->notify == WANT_UNSAID ||
		    (r->notify & WANT_DELAY) != 0);
	case WANT_SUCCESS:
	case WANT_EXPANDED:
		return !address_is_null(&e->sender) &&
		    (r->notify & (unsigned)what) != 0;
	case WANT_UNSAID:
	case WANT_NEVER:
	case WANT_ALL:
		break;
	}
	return false;
}

bool
envelope_is_late(const struct envelope *e, int64_t now)
{
	return e->wishes.by != BY_NONE && now >= e->wishes.by_time;
}

static bool
is_ascii(const struct address *a)
{
	return utf8_is_ascii(a->local) && utf8_is_ascii(a->domain);
}

bool
envelope_is_ascii(const struct envelope *e)
{
	if (!is_ascii(&e->sender))
		return false;
	for (size_t i = 0; i < e->recipients.n; i++)
		if (!is_ascii(&e->recipients.p[i].address))
			return false;
	return true;
}
