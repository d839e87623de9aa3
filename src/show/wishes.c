/* SPDX-License-Identifier: ISC */
/*
 * What a sender has asked for beside delivery, as `godwit queue show' and its
 * JSON tell it.  Only what was said is shown; most messages have nothing of it.
 *
 * Values of senders are xtext, which is printable ASCII by its grammar, and so
 * fit to be shown and to stand in JSON as they are; of an ORCPT that is UTF-8 the
 * grammar forbids control characters.  The JSON of recipients is show/json's.
 */
#include "show/wishes.h"

#include "mail/date.h"

static void
put_line(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "%-11s%.*s\n", name, STR_ARG(value));
}

static void
put_time(struct buf *b, const char *name, int64_t wall, const char *more)
{
	buf_printf(b, "%-11s", name);
	date_put(b, wall);
	buf_printf(b, "%s\n", more);
}

void
wishes_put(struct buf *b, const struct envelope_wishes *w)
{
	if (w->smtputf8)
		put_line(b, "needs", STR("SMTPUTF8"));
	if (w->requiretls)
		put_line(b, "needs", STR("REQUIRETLS"));
	if (w->hold_until != 0)
		put_time(b, "held until", w->hold_until, "");
	if (w->by != BY_NONE)
		put_time(b, "deliver by", w->by_time, w->by == BY_RETURN ?
		    ", or return it" : ", or tell the sender");
	if (w->priority != 0)
		buf_printf(b, "%-11s%d\n", "priority", w->priority);
	if (w->ret != RET_UNSAID)
		put_line(b, "return", w->ret == RET_FULL ?
		    STR("the whole message") : STR("the header"));
	if (w->envid.n > 0)
		put_line(b, "envid", w->envid);
	if (w->auth.n > 0)
		put_line(b, "auth", w->auth);
}

void
wishes_put_recipient(struct buf *b, const struct recipient *r)
{
	static const struct {
		unsigned	 bit;
		const char	*word;
	} words[] = {
		{ WANT_NEVER, " never" }, { WANT_SUCCESS, " success" },
		{ WANT_FAILURE, " failure" }, { WANT_DELAY, " delay" },
		{ WANT_EXPANDED, " expansion" },
	};

	if (r->notify != WANT_UNSAID)
		buf_putz(b, "\n           notify");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((r->notify & words[i].bit) != 0)
			buf_putz(b, words[i].word);
	if (r->orcpt.n > 0)
		buf_printf(b, "\n           orcpt %.*s", STR_ARG(r->orcpt));
}

void
wishes_put_json(struct buf *b, const struct envelope_wishes *w)
{
	if (w->hold_until != 0)
		buf_printf(b, ",\"hold_until\":%lld",
		    (long long)w->hold_until);
	if (w->by != BY_NONE)
		buf_printf(b, ",\"deliver_by\":%lld",
		    (long long)w->by_time);
	if (w->priority != 0)
		buf_printf(b, ",\"priority\":%d", w->priority);
}
