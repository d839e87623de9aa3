/* SPDX-License-Identifier: ISC */
/*
 * The arguments of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3): the keyword, the
 * path, and the parameters that extensions add (RFC 5321 4.1.2).  The server
 * calls it; whether the sender or recipient is wanted is decided elsewhere.
 *
 * A parameter is a row: its keyword, the extension that must have been
 * offered, and the function that reads its value.  A keyword without a row, or
 * of an extension that was not offered, is "not implemented" (555); one that
 * breaks the grammar, comes twice or has a bad value is a syntax error (501).
 *
 * What a value means is read in smtp/value; here is decided whether it may be
 * there, beside the others, and at this time.  A path that is not ASCII needs
 * SMTPUTF8 (553 5.6.7, RFC 6531 3.4), which stands behind it.
 *
 * The envelope is written only when everything was good.
 */
#include "smtp/param.h"

#include "base/num.h"
#include "base/utf8.h"
#include "smtp/ext.h"
#include "smtp/value.h"

#define SIZE_DIGITS_MAX	20	/* RFC 1870 6 */
#define SHOWN_MAX	40	/* of a peer's words in our replies */

struct param {
	struct str	keyword;
	struct str	value;
	bool		has_value;
};

/* What is being read: a MAIL, or a RCPT of a transaction. */
struct reading {
	struct arena			*arena;
	const struct param_context	*context;
	bool				 utf8;		/* of the values */
	unsigned			 seen;		/* rows */
	struct envelope_wishes		 wishes;
	enum envelope_body		 body;
	uint64_t			 size;
	struct recipient		 rcpt;
};

typedef int param_read(struct reading *, const struct param *,
    struct fault *);

struct param_row {
	struct str	 keyword;
	unsigned	 needs;		/* one enum ext */
	param_read	*read;
};

static param_read	read_size, read_body, read_smtputf8, read_ret,
			read_envid, read_auth, read_requiretls, read_by,
			read_hold_for, read_hold_until, read_priority,
			read_notify, read_orcpt;

static const struct param_row mail_rows[] = {
	{ { "SIZE", 4 },	EXT_SIZE,	   read_size },
	{ { "BODY", 4 },	EXT_8BITMIME,	   read_body },
	{ { "SMTPUTF8", 8 },	EXT_SMTPUTF8,	   read_smtputf8 },
	{ { "RET", 3 },		EXT_DSN,	   read_ret },
	{ { "ENVID", 5 },	EXT_DSN,	   read_envid },
	{ { "AUTH", 4 },	EXT_AUTH,	   read_auth },
	{ { "REQUIRETLS", 10 },	EXT_REQUIRETLS,	   read_requiretls },
	{ { "BY", 2 },		EXT_DELIVERBY,	   read_by },
	{ { "HOLDFOR", 7 },	EXT_FUTURERELEASE, read_hold_for },
	{ { "HOLDUNTIL", 9 },	EXT_FUTURERELEASE, read_hold_until },
	{ { "MT-PRIORITY", 11 }, EXT_MT_PRIORITY,  read_priority },
};

static const struct param_row rcpt_rows[] = {
	{ { "NOTIFY", 6 },	EXT_DSN,	   read_notify },
	{ { "ORCPT", 5 },	EXT_DSN,	   read_orcpt },
};

#define NMAIL_ROWS	(sizeof(mail_rows) / sizeof(mail_rows[0]))
#define NRCPT_ROWS	(sizeof(rcpt_rows) / sizeof(rcpt_rows[0]))

static int
refuse_syntax(struct fault *why, const char *what)
{
	return fault_permanent(why, 501, 5, 4, "Syntax error: %s", what);
}

/*
 * RFC 1870 3: the number of octets, 1 to 20 digits.  20 digits can say more
 * than 64 bits hold; such a message is too big for any machine.
 */
static int
read_size(struct reading *r, const struct param *p, struct fault *why)
{
	size_t i;

	if (p->value.n == 0 || p->value.n > SIZE_DIGITS_MAX)
		return refuse_syntax(why, "bad SIZE value");
	for (i = 0; i < p->value.n; i++)
		if (!str_is_digit(p->value.p[i]))
			return refuse_syntax(why, "bad SIZE value");
	if (!num_parse(p->value, UINT64_MAX, &r->size))
		return fault_permanent(why, 552, 3, 4,
		    "Message size exceeds every limit");
	return 0;
}

/* RFC 6152 2; BINARYMIME is worth nothing without BDAT (RFC 3030 3). */
static int
read_body(struct reading *r, const struct param *p, struct fault *why)
{
	const unsigned binary = EXT_BINARYMIME | EXT_CHUNKING;

	if (!value_body(p->value, &r->body) ||
	    (r->body == BODY_BINARYMIME &&
	    (r->context->enabled & binary) != binary))
		return refuse_syntax(why, "bad BODY value");
	return 0;
}

static int
read_smtputf8(struct reading *r, const struct param *p, struct fault *why)
{
	if (p->has_value)
		return refuse_syntax(why, "SMTPUTF8 takes no value");
	r->wishes.smtputf8 = true;
	return 0;
}

static int
read_ret(struct reading *r, const struct param *p, struct fault *why)
{
	return value_ret(p->value, &r->wishes.ret) ? 0 :
	    refuse_syntax(why, "bad RET value");
}

static int
read_envid(struct reading *r, const struct param *p, struct fault *why)
{
	return value_envid(r->arena, p->value, &r->wishes.envid) ? 0 :
	    refuse_syntax(why, "bad ENVID value");
}

static int
read_auth(struct reading *r, const struct param *p, struct fault *why)
{
	return value_auth(r->arena, p->value, r->utf8, &r->wishes.auth) ? 0 :
	    refuse_syntax(why, "bad AUTH value");
}

static int
read_requiretls(struct reading *r, const struct param *p, struct fault *why)
{
	if (p->has_value)
		return refuse_syntax(why, "REQUIRETLS takes no value");
	r->wishes.requiretls = true;
	return 0;
}

static int
read_by(struct reading *r, const struct param *p, struct fault *why)
{
	struct value_by by;

	if (!value_by(p->value, &by))
		return refuse_syntax(why, "bad BY value");
	if (by.mode == BY_RETURN &&
	    by.seconds < (int64_t)r->context->by_least)
		return fault_permanent(why, 555, 5, 4,
		    "BY: less time than this server can promise");
	r->wishes.by = by.mode;
	r->wishes.by_trace = by.trace;
	r->wishes.by_time = r->context->now + by.seconds;
	return 0;
}

/* RFC 4865 4.2, 7 to 9. */
static int
hold(struct reading *r, const struct param *p, const char *how, int64_t until,
    struct fault *why)
{
	if (r->wishes.hold_until != 0)
		return refuse_syntax(why, "HOLDFOR and HOLDUNTIL");
	if (until - r->context->now > (int64_t)r->context->hold_longest)
		return refuse_syntax(why, "longer than messages are held");
	r->wishes.hold_until = until;
	r->wishes.hold = arena_printf(r->arena, "%s;%.*s", how,
	    STR_ARG(p->value));
	return 0;
}

static int
read_hold_for(struct reading *r, const struct param *p, struct fault *why)
{
	uint64_t seconds;

	if (!value_hold_for(p->value, &seconds) || seconds == 0)
		return refuse_syntax(why, "bad HOLDFOR value");
	return hold(r, p, "for", r->context->now + (int64_t)seconds, why);
}

static int
read_hold_until(struct reading *r, const struct param *p, struct fault *why)
{
	int64_t wall;

	if (!value_hold_until(p->value, &wall))
		return refuse_syntax(why, "bad HOLDUNTIL value");
	if (wall <= r->context->now)
		return refuse_syntax(why, "HOLDUNTIL is in the past");
	return hold(r, p, "until", wall, why);
}

static int
read_priority(struct reading *r, const struct param *p, struct fault *why)
{
	return value_priority(p->value, &r->wishes.priority) ? 0 :
	    refuse_syntax(why, "bad MT-PRIORITY value");
}

static int
read_notify(struct reading *r, const struct param *p, struct fault *why)
{
	return value_notify(p->value, &r->rcpt.notify) ? 0 :
	    refuse_syntax(why, "bad NOTIFY value");
}

static int
read_orcpt(struct reading *r, const struct param *p, struct fault *why)
{
	return value_orcpt(r->arena, p->value, r->utf8, &r->rcpt.orcpt) ? 0 :
	    refuse_syntax(why, "bad ORCPT value");
}

/* esmtp-keyword of RFC 5321 4.1.2 */
static bool
is_keyword(struct str s)
{
	size_t i;

	if (s.n == 0 || !str_is_alnum(s.p[0]))
		return false;
	for (i = 1; i < s.n; i++)
		if (!str_is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

/*
 * esmtp-value of RFC 5321 4.1.2, which RFC 6531 3.3 widens.  AUTH=<> of RFC
 * 4954 5 is one too; "=" is none even there.
 */
static bool
is_value(struct str s, bool utf8)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (str_is_control(s.p[i]) || s.p[i] == ' ' ||
		    s.p[i] == '=' || (!utf8 && (unsigned char)s.p[i] >= 0x80))
			return false;
	return s.n > 0 && (!utf8 || utf8_is_valid(s));
}

static int
split_param(struct str word, bool utf8, struct param *p, struct fault *why)
{
	size_t eq = str_find(word, '=');

	p->keyword = str_slice(word, 0, eq);
	p->has_value = eq < word.n;
	p->value = str_from(word, eq + 1);
	if (!is_keyword(p->keyword))
		return refuse_syntax(why, "malformed parameter keyword");
	if (p->has_value && !is_value(p->value, utf8))
		return refuse_syntax(why, "malformed parameter value");
	return 0;
}

/* The index of the row, n when there is none or it was not offered. */
static size_t
find_row(const struct param_row *rows, size_t n, struct str keyword,
    unsigned enabled)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (str_caseeq(rows[i].keyword, keyword))
			return (rows[i].needs & enabled) != 0 ? i : n;
	return n;
}

/* What follows the path: nothing, or parameters parted by blanks. */
static int
read_params(const struct param_row *rows, size_t n, struct str rest,
    struct reading *r, struct fault *why)
{
	struct param p;
	struct str word;
	size_t i;

	if (rest.n > 0 && !str_is_blank(rest.p[0]))
		return refuse_syntax(why, "text behind the address");
	while (str_word(&rest, &word)) {
		if (split_param(word, r->utf8, &p, why) != 0)
			return -1;
		i = find_row(rows, n, p.keyword, r->context->enabled);
		if (i == n)
			return fault_permanent(why, 555, 5, 4,
			    "Unsupported parameter %.*s",
			    STR_ARG(str_slice(p.keyword, 0, SHOWN_MAX)));
		if ((r->seen & 1u << i) != 0)
			return refuse_syntax(why, "parameter given twice");
		r->seen |= 1u << i;
		if (rows[i].read(r, &p, why) != 0)
			return -1;
	}
	return 0;
}

/*
 * "FROM:" or "TO:" in any case.  RFC 5321 3.3 forbids blanks between the colon
 * and the path, yet old programs and devices send one, all peers take it, and
 * a path begins with "<": no other reading is possible, nothing is risked.
 */
static int
cut_keyword(struct str *args, struct str keyword, struct fault *why)
{
	if (!str_casestarts(*args, keyword))
		return fault_permanent(why, 501, 5, 4,
		    "Syntax: %s <address>", keyword.p);
	*args = str_from(*args, keyword.n);
	while (args->n > 0 && str_is_blank(args->p[0]))
		*args = str_from(*args, 1);
	return 0;
}

/* RFC 6531 3.4: addresses that are not ASCII want SMTPUTF8. */
static int
check_ascii(const struct address *a, bool utf8, struct fault *why)
{
	if (utf8 || (utf8_is_ascii(a->local) && utf8_is_ascii(a->domain)))
		return 0;
	return fault_permanent(why, 553, 6, 7,
	    "An address that is not ASCII needs the parameter SMTPUTF8");
}

/* RFC 4865 5.2.2 */
static int
check_times(const struct envelope_wishes *w, struct fault *why)
{
	if (w->by != BY_NONE && w->hold_until > w->by_time)
		return refuse_syntax(why, "held longer than there is time");
	return 0;
}

int
param_mail(struct arena *arena, struct str args,
    const struct param_context *context, struct envelope *e,
    struct fault *why)
{
	struct reading r = { .arena = arena, .context = context,
	    .utf8 = (context->enabled & EXT_SMTPUTF8) != 0 };
	struct address sender;

	if (cut_keyword(&args, STR("FROM:"), why) != 0 ||
	    address_parse_path(arena, &args, true, true, &sender, why) != 0 ||
	    read_params(mail_rows, NMAIL_ROWS, args, &r, why) != 0 ||
	    check_ascii(&sender, r.wishes.smtputf8, why) != 0 ||
	    check_times(&r.wishes, why) != 0)
		return -1;
	e->sender = sender;
	e->body = r.body;
	e->size_declared = r.size;
	e->wishes = r.wishes;
	return 0;
}

int
param_rcpt(struct arena *arena, struct str args,
    const struct param_context *context, const struct envelope *e,
    struct recipient *out, struct fault *why)
{
	struct reading r = { .arena = arena, .context = context,
	    .utf8 = e->wishes.smtputf8 };

	if (cut_keyword(&args, STR("TO:"), why) != 0 ||
	    address_parse_path(arena, &args, false, true, &r.rcpt.address,
	    why) != 0 ||
	    check_ascii(&r.rcpt.address, r.utf8, why) != 0 ||
	    read_params(rcpt_rows, NRCPT_ROWS, args, &r, why) != 0)
		return -1;
	r.rcpt.original = r.rcpt.address;
	*out = r.rcpt;
	return 0;
}
