/* SPDX-License-Identifier: ISC */
/*
 * What a client is offered in the reply to EHLO: each extension of smtp/ext that
 * was not switched off and that holds here and now.  smtpd/hello calls this at
 * each EHLO, since what holds changes with TLS and a login.
 *
 * A row says for an extension whether it holds, by its predicate (none: always),
 * and what stands behind its keyword, by its writer (none: nothing).  One without
 * a row is not offered, so that a part of the server that is not there promises
 * nothing.  What an offer needs beside itself is in its row too: where that one
 * is switched off, it is not offered either.
 */
#include "smtpd/offer.h"

#include "conf/extension.h"
#include "mail/date.h"
#include "os/clock.h"
#include "policy/checks.h"
#include "smtpd/login.h"
#include "visit/secure.h"

struct row {
	enum ext	 ext;
	unsigned	 needs;		/* or-ed enum ext, offered as well */
	bool		(*holds)(const struct session *);
	void		(*put)(struct buf *, const struct session *);
};

/* RFC 4865 4.2: on no other port; a program of ours submits too. */
static bool
is_submission(const struct session *s)
{
	return s->peer->local || s->peer->service != SERVICE_SMTP;
}

/* RFC 1985 8: only for whom we relay; RFC 6409 7: not where users submit. */
static bool
may_etrn(const struct session *s)
{
	struct facts facts = session_facts(s);

	return s->peer->service == SERVICE_SMTP && checks_may_relay(s->conf, &facts);
}

static bool
is_secure(const struct session *s)
{
	return s->secure;
}

static bool
has_vrfy(const struct session *s)
{
	return s->conf->session.offer.vrfy;
}

static bool
has_expn(const struct session *s)
{
	return s->conf->session.offer.expn;
}

/* RFC 3030 3: not if it would be changed in the end.  An mbox has lines. */
static bool
keeps_octets(const struct session *s)
{
	switch (s->conf->deliver.method) {
	case DELIVER_MAILDIR:
	case DELIVER_COMMAND:
		return true;
	case DELIVER_MBOX:
		break;
	}
	return false;
}

static void
put_size(struct buf *b, const struct session *s)
{
	buf_printf(b, " %llu", (unsigned long long)s->conf->size);
}

static void
put_by(struct buf *b, const struct session *s)
{
	buf_printf(b, " %llu",
	    (unsigned long long)s->conf->session.offer.by_least);
}

static void
put_hold(struct buf *b, const struct session *s)
{
	uint64_t most = s->conf->session.offer.hold_longest;

	buf_printf(b, " %llu ", (unsigned long long)most);
	date_put_utc(b, clock_wall() + (int64_t)most);
}

/* RFC 6710 9.2: the levels of any profile are told apart here. */
static void
put_profile(struct buf *b, const struct session *s)
{
	(void)s;
	buf_putz(b, " MIXER");
}

/* RFC 9422 4: what the session counts; domains are not counted. */
static void
put_limits(struct buf *b, const struct session *s)
{
	buf_printf(b, " MAILMAX=%llu RCPTMAX=%llu",
	    (unsigned long long)s->conf->session.transactions,
	    (unsigned long long)s->conf->recipients);
}

static const struct row rows[] = {
	{ EXT_PIPELINING, 0, NULL, NULL },
	{ EXT_SIZE, 0, NULL, put_size },
	{ EXT_8BITMIME, 0, NULL, NULL },
	{ EXT_STATUSCODES, 0, NULL, NULL },
	{ EXT_CHUNKING, 0, NULL, NULL },
	{ EXT_BINARYMIME, EXT_8BITMIME | EXT_CHUNKING, keeps_octets, NULL },
	{ EXT_DSN, 0, NULL, NULL },
	{ EXT_SMTPUTF8, EXT_8BITMIME, NULL, NULL },
	{ EXT_STARTTLS, 0, secure_may_begin, NULL },
	{ EXT_AUTH, 0, login_is_offered, login_put_mechanisms },
	{ EXT_REQUIRETLS, 0, is_secure, NULL },
	{ EXT_DELIVERBY, 0, NULL, put_by },
	{ EXT_FUTURERELEASE, 0, is_submission, put_hold },
	{ EXT_MT_PRIORITY, 0, NULL, put_profile },
	{ EXT_LIMITS, 0, NULL, put_limits },
	{ EXT_ETRN, 0, may_etrn, NULL },
	{ EXT_HELP, 0, NULL, NULL },
	{ EXT_VRFY, 0, has_vrfy, NULL },
	{ EXT_EXPN, 0, has_expn, NULL },
};

static const struct row *
find(enum ext ext)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].ext == ext)
			return &rows[i];
	return NULL;
}

bool
offer_is_off(const struct conf *conf, enum ext ext)
{
	return (extension_off(conf) & (unsigned)ext) != 0;
}

unsigned
offer_put(struct buf *b, const struct session *s)
{
	unsigned off = extension_off(s->conf), offered = 0;
	const struct ext_row *ext;

	for (unsigned i = 0; (ext = ext_row(i)) != NULL; i++) {
		const struct row *row = find(ext->bit);

		if (row == NULL || ((unsigned)ext->bit & off) != 0 ||
		    (row->needs & ~offered) != 0 ||
		    (row->holds != NULL && !row->holds(s)))
			continue;
		offered |= (unsigned)ext->bit;
		buf_putc(b, '\n');
		buf_puts(b, ext->keyword);
		if (row->put != NULL)
			row->put(b, s);
	}
	return offered;
}
