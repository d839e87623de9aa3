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
 * The envelope is written only when everything was good.
 */
#include "smtp/param.h"

#include "base/num.h"
#include "smtp/ext.h"

#define SIZE_DIGITS_MAX	20	/* RFC 1870 6 */
#define SHOWN_MAX	40	/* of a peer's words in our replies */

struct param {
	struct str	keyword;
	struct str	value;
	bool		has_value;
};

struct mail_params {
	enum envelope_body	body;
	uint64_t		size;
};

typedef int param_read(struct mail_params *, const struct param *,
    struct fault *);

struct param_row {
	struct str	 keyword;
	unsigned	 needs;		/* one enum ext */
	param_read	*read;
};

static param_read	read_size, read_body;

static const struct param_row mail_rows[] = {
	{ { "SIZE", 4 }, EXT_SIZE,     read_size },
	{ { "BODY", 4 }, EXT_8BITMIME, read_body },
};

#define NMAIL_ROWS	(sizeof(mail_rows) / sizeof(mail_rows[0]))

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
read_size(struct mail_params *m, const struct param *p, struct fault *why)
{
	size_t i;

	if (p->value.n == 0 || p->value.n > SIZE_DIGITS_MAX)
		return refuse_syntax(why, "bad SIZE value");
	for (i = 0; i < p->value.n; i++)
		if (!str_is_digit(p->value.p[i]))
			return refuse_syntax(why, "bad SIZE value");
	if (!num_parse(p->value, UINT64_MAX, &m->size))
		return fault_permanent(why, 552, 3, 4,
		    "Message size exceeds every limit");
	return 0;
}

/* RFC 6152 2 */
static int
read_body(struct mail_params *m, const struct param *p, struct fault *why)
{
	if (str_caseeq(p->value, STR("7BIT")))
		m->body = BODY_7BIT;
	else if (str_caseeq(p->value, STR("8BITMIME")))
		m->body = BODY_8BITMIME;
	else
		return refuse_syntax(why, "bad BODY value");
	return 0;
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

/* esmtp-value of RFC 5321 4.1.2 */
static bool
is_value(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] <= 32 || s.p[i] >= 127 || s.p[i] == '=')
			return false;
	return s.n > 0;
}

static int
split_param(struct str word, struct param *p, struct fault *why)
{
	size_t eq = str_find(word, '=');

	p->keyword = str_slice(word, 0, eq);
	p->has_value = eq < word.n;
	p->value = str_from(word, eq + 1);
	if (!is_keyword(p->keyword))
		return refuse_syntax(why, "malformed parameter keyword");
	if (p->has_value && !is_value(p->value))
		return refuse_syntax(why, "malformed parameter value");
	return 0;
}

static const struct param_row *
find_row(const struct param_row *rows, size_t n, struct str keyword,
    unsigned enabled)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (str_caseeq(rows[i].keyword, keyword))
			return (rows[i].needs & enabled) != 0 ? &rows[i] : NULL;
	return NULL;
}

/* What follows the path: nothing, or parameters parted by blanks. */
static int
read_params(const struct param_row *rows, size_t n, struct str rest,
    unsigned enabled, struct mail_params *m, struct fault *why)
{
	const struct param_row *row;
	struct param p;
	struct str word;
	unsigned seen = 0;

	if (rest.n > 0 && !str_is_blank(rest.p[0]))
		return refuse_syntax(why, "text behind the address");
	while (str_word(&rest, &word)) {
		if (split_param(word, &p, why) != 0)
			return -1;
		row = find_row(rows, n, p.keyword, enabled);
		if (row == NULL)
			return fault_permanent(why, 555, 5, 4,
			    "Unsupported parameter %.*s",
			    STR_ARG(str_slice(p.keyword, 0, SHOWN_MAX)));
		if ((seen & row->needs) != 0)
			return refuse_syntax(why, "parameter given twice");
		seen |= row->needs;
		if (row->read(m, &p, why) != 0)
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

int
param_mail(struct arena *arena, struct str args, unsigned enabled,
    struct envelope *e, struct fault *why)
{
	struct mail_params m = { BODY_7BIT, 0 };
	struct address sender;

	if (cut_keyword(&args, STR("FROM:"), why) != 0 ||
	    address_parse_path(arena, &args, true, false, &sender, why) != 0 ||
	    read_params(mail_rows, NMAIL_ROWS, args, enabled, &m, why) != 0)
		return -1;
	e->sender = sender;
	e->body = m.body;
	e->size_declared = m.size;
	return 0;
}

int
param_rcpt(struct arena *arena, struct str args, unsigned enabled,
    struct address *rcpt, struct fault *why)
{
	struct address found;

	if (cut_keyword(&args, STR("TO:"), why) != 0 ||
	    address_parse_path(arena, &args, false, false, &found, why) != 0 ||
	    read_params(NULL, 0, args, enabled, NULL, why) != 0)
		return -1;
	*rcpt = found;
	return 0;
}
