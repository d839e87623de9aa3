/* SPDX-License-Identifier: ISC */
/*
 * Mailbox addresses: read from SMTP paths, from files and command lines, and
 * from header fields; written with the least quoting that means the same.
 *
 * Two grammars meet here.  SMTP's (RFC 5321 4.1.2) is strict: no comments,
 * no white space, one atom chain or one quoted string.  The header's (RFC
 * 5322 3.4) allows all that between the words, and the obsolete forms break
 * even a local part into words; it is read loosely and ends in the same two
 * strings.  From then on nobody can tell how an address was spelled, which is
 * what RFC 5321 4.1.2 asks: all quoted forms are equivalent.
 *
 * What is always true of a result: no control character; valid UTF-8 if it is
 * not ASCII; a domain that is a possible one, or a literal of an IP address in
 * the one spelling of base/ip, or nothing; at most ADDRESS_MAX octets when
 * written; and reading what was written gives the same again.
 *
 * Whether the domain exists, is ours, or may be missing is for the callers:
 * smtp/param for MAIL and RCPT, route/alias for files, sendmail for headers.
 */
#include "mail/address.h"

#include <string.h>

#include "base/utf8.h"
#include "mail/domain.h"
#include "mail/idna.h"
#include "mail/lex.h"

/* RFC 3463 3.2, the details of subject 1. */
#define DETAIL_RECIPIENT	3
#define DETAIL_SENDER		7

#define WANT_WORD	"an atom or a quoted string"

struct reader {
	struct lex	 lx;
	struct arena	*arena;
	struct fault	*why;
	int		 detail;
};

/* Room to put the words of a loose local part or domain together. */
struct join {
	char	p[DOMAIN_MAX + 1];
	size_t	n;
	bool	full;
};

struct pen {
	char	*p;
	size_t	 n;
};

static int
reject(struct reader *r, int reply, const char *reason)
{
	return fault_permanent(r->why, reply, 1, r->detail,
	    "malformed address: %s", reason);
}

/* The cursor stands on something else than what had to come. */
static int
reject_here(struct reader *r, const char *wanted)
{
	char quoted[] = "\"?\"";
	const char *found = quoted;
	char c;

	if (lex_at_end(&r->lx)) {
		found = "the end";
	} else {
		c = r->lx.rest.p[0];
		quoted[1] = c;
		if ((unsigned char)c >= 0x80)
			found = "a non-ASCII character";
		else if (c == ' ')
			found = "a blank";
		else if (str_is_control(c))
			found = "a control character";
	}
	return fault_permanent(r->why, 501, 1, r->detail,
	    "malformed address: %s where %s is expected", found, wanted);
}

static bool
is_next(const struct reader *r, char c)
{
	return r->lx.rest.n > 0 && r->lx.rest.p[0] == c;
}

/* The C1 controls of Unicode are controls too. */
static bool
is_clean(struct str s)
{
	uint32_t cp;
	unsigned n;
	size_t i;

	for (i = 0; i < s.n; i += n) {
		n = 1;
		if (str_is_control(s.p[i]))
			return false;
		if ((unsigned char)s.p[i] < 0x80)
			continue;
		n = utf8_char(str_from(s, i), &cp);
		if (n == 0 || cp < 0xa0)
			return false;
	}
	return true;
}

static bool
is_dot_atom(struct str s)
{
	struct lex lx = { s, true };
	struct str atom;

	return lex_dot_atom(&lx, &atom) && lex_at_end(&lx);
}

static void
ink(struct pen *pen, struct str s)
{
	if (pen->p != NULL && s.n > 0)
		memcpy(pen->p + pen->n, s.p, s.n);
	pen->n += s.n;
}

static void
ink_quoted(struct pen *pen, struct str s)
{
	size_t i;

	ink(pen, STR("\""));
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			ink(pen, STR("\\"));
		ink(pen, str_slice(s, i, i + 1));
	}
	ink(pen, STR("\""));
}

/* Writes the text to out, or only measures it when out is NULL. */
static size_t
spell(const struct address *a, char *out)
{
	struct pen pen = { out, 0 };

	if (address_is_null(a))
		return 0;
	if (is_dot_atom(a->local))
		ink(&pen, a->local);
	else
		ink_quoted(&pen, a->local);
	if (a->domain.n > 0) {
		ink(&pen, STR("@"));
		ink(&pen, a->domain);
	}
	return pen.n;
}

/* A mailbox is complete: what holds for all of them. */
static int
finish(struct reader *r, const struct address *a)
{
	if (address_is_null(a))
		return reject(r, 553, "it is empty");
	if (!is_clean(a->local))
		return reject(r, 501, "a character that is not allowed");
	if (spell(a, NULL) > ADDRESS_MAX)
		return reject(r, 553, "longer than 254 octets");
	return 0;
}

/* Is s a possible domain?  Those that are not ASCII must have an A-label. */
static int
check_domain(struct reader *r, struct str s)
{
	struct str ascii;

	if (s.n == 0)
		return reject_here(r, "a domain");
	if (s.n > DOMAIN_MAX)
		return reject(r, 553, "the domain is longer than 255 octets");
	if (!domain_is_valid(s, r->lx.utf8))
		return reject(r, 501, "not a domain name");
	if (utf8_is_ascii(s))
		return 0;
	return idna_to_ascii(r->arena, s, &ascii, r->why);
}

/*
 * An address literal; it is kept in the one spelling that base/ip has for the
 * IP address, so that equal ones are equal text.  No other tag than IPv6 is
 * registered (RFC 5321 4.1.3), so there is no other to accept.
 */
static int
read_literal(struct reader *r, struct str *out)
{
	char text[IP_TEXT_MAX];
	struct str s;
	struct ip ip;

	s = str_slice(r->lx.rest, 0, str_find(r->lx.rest, ']') + 1);
	if (!domain_is_literal(s, &ip))
		return reject(r, 501, "not an IP address in brackets");
	r->lx.rest = str_from(r->lx.rest, s.n);
	*out = arena_printf(r->arena, "[%s%s]", ip.family == 6 ? "IPv6:" : "",
	    ip_format(&ip, text));
	return 0;
}

/* The bytes at the cursor that could belong to a domain name. */
static struct str
cut_name(struct reader *r)
{
	struct str s = r->lx.rest;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (!str_is_alnum(s.p[i]) && s.p[i] != '.' && s.p[i] != '-' &&
		    s.p[i] != '_' &&
		    !(r->lx.utf8 && (unsigned char)s.p[i] >= 0x80))
			break;
	}
	r->lx.rest = str_from(s, i);
	return str_slice(s, 0, i);
}

static int
read_domain(struct reader *r, struct str *out)
{
	struct str s;

	if (is_next(r, '['))
		return read_literal(r, out);
	s = cut_name(r);
	if (check_domain(r, s) == -1)
		return -1;
	*out = domain_fold(r->arena, s);
	return 0;
}

/*
 * SMTP's quoted string is narrower than the header's: no tab, no folding,
 * and a backslash only before printing ASCII (RFC 5321 4.1.2; RFC 6531 3.3
 * widens qtextSMTP but not quoted-pairSMTP).
 */
static bool
is_smtp_quoted(struct str raw)
{
	size_t i;

	for (i = 0; i < raw.n; i++) {
		if (str_is_control(raw.p[i]))
			return false;
		if (raw.p[i] == '\\' && ++i < raw.n &&
		    ((unsigned char)raw.p[i] >= 0x80 ||
		    str_is_control(raw.p[i])))
			return false;
	}
	return true;
}

static int
read_local(struct reader *r, struct str *out)
{
	struct str raw = r->lx.rest;
	struct str atom;

	if (lex_dot_atom(&r->lx, &atom)) {
		*out = arena_str(r->arena, atom);
		return 0;
	}
	if (!is_next(r, '"'))
		return reject_here(r, WANT_WORD);
	if (!lex_quoted(&r->lx, r->arena, out))
		return reject(r, 501, "a malformed quoted string");
	raw.n -= r->lx.rest.n;
	if (!is_smtp_quoted(raw))
		return reject(r, 501, "a control character");
	return 0;
}

static int
read_mailbox(struct reader *r, struct address *out)
{
	out->domain = STR_NONE;
	if (read_local(r, &out->local) == -1)
		return -1;
	if (lex_char(&r->lx, '@') && read_domain(r, &out->domain) == -1)
		return -1;
	return finish(r, out);
}

/* "@one,@two:", checked and forgotten. */
static int
skip_route(struct reader *r, bool *found)
{
	*found = false;
	while (lex_char(&r->lx, '@')) {
		*found = true;
		if (check_domain(r, cut_name(r)) == -1)
			return -1;
		if (lex_char(&r->lx, ':'))
			return 0;
		if (!lex_char(&r->lx, ',') || !is_next(r, '@'))
			return reject_here(r, "\":\" or \",@\"");
	}
	return 0;
}

static int
read_path(struct reader *r, bool may_be_null, struct address *out)
{
	bool routed;

	if (!lex_char(&r->lx, '<'))
		return reject_here(r, "\"<\"");
	if (may_be_null && lex_char(&r->lx, '>')) {
		*out = (struct address){ STR_NONE, STR_NONE };
		return 0;
	}
	if (skip_route(r, &routed) == -1 || read_mailbox(r, out) == -1)
		return -1;
	if (routed && out->domain.n == 0)
		return reject_here(r, "\"@\"");
	if (!lex_char(&r->lx, '>'))
		return reject_here(r, out->domain.n > 0 ? "\">\"" :
		    "\"@\" or \">\"");
	return 0;
}

int
address_parse_path(struct arena *a, struct str *rest, bool may_be_null,
    bool utf8, struct address *out, struct fault *why)
{
	struct reader r = { { *rest, utf8 }, a, why,
	    may_be_null ? DETAIL_SENDER : DETAIL_RECIPIENT };
	struct address result;

	if (read_path(&r, may_be_null, &result) == -1)
		return -1;
	*out = result;
	*rest = r.lx.rest;
	return 0;
}

int
address_parse(struct arena *a, struct str s, bool utf8, struct address *out,
    struct fault *why)
{
	struct reader r = { { str_trim(s), utf8 }, a, why, DETAIL_RECIPIENT };
	struct address result;
	int e;

	if (is_next(&r, '<'))
		e = read_path(&r, true, &result);
	else
		e = read_mailbox(&r, &result);
	if (e == -1)
		return -1;
	if (!lex_at_end(&r.lx))
		return reject_here(&r, "the end");
	*out = result;
	return 0;
}

void
address_put(struct buf *b, const struct address *a)
{
	size_t n = spell(a, NULL);

	spell(a, buf_room(b, n));
	buf_grew(b, n);
}

struct str
address_text(struct arena *arena, const struct address *a)
{
	size_t n = spell(a, NULL);
	char *p = arena_alloc(arena, n + 1);

	spell(a, p);
	return str_span(p, n);
}

bool
address_is_null(const struct address *a)
{
	return a->local.n == 0 && a->domain.n == 0;
}

bool
address_eq(const struct address *a, const struct address *b)
{
	return str_eq(a->local, b->local) && domain_eq(a->domain, b->domain);
}

struct address
address_copy(struct arena *arena, const struct address *a)
{
	return (struct address){ arena_str(arena, a->local),
	    arena_str(arena, a->domain) };
}

/*
 * The header's grammar from here on.
 */

static int
skip_space(struct reader *r)
{
	if (!lex_skip_cfws(&r->lx))
		return reject(r, 501, "a comment that does not end");
	return 0;
}

static void
append(struct join *j, struct str s)
{
	if (s.n > sizeof(j->p) - j->n) {
		j->full = true;
		return;
	}
	if (s.n > 0)
		memcpy(j->p + j->n, s.p, s.n);
	j->n += s.n;
}

/*
 * Words with dots and white space between them: local-part and domain with
 * their obsolete forms (RFC 5322 4.4).
 */
static int
join_words(struct reader *r, bool may_quote, struct join *j)
{
	struct str word;

	j->n = 0;
	j->full = false;
	for (;;) {
		if (skip_space(r) == -1)
			return -1;
		if (!lex_atom(&r->lx, &word) && !(may_quote &&
		    lex_quoted(&r->lx, r->arena, &word)))
			return reject_here(r, may_quote ? WANT_WORD :
			    "a domain");
		append(j, word);
		if (skip_space(r) == -1)
			return -1;
		if (!lex_char(&r->lx, '.'))
			break;
		append(j, STR("."));
	}
	if (j->full)
		return reject(r, 553, "longer than 254 octets");
	return 0;
}

static int
read_loose_domain(struct reader *r, struct str *out)
{
	struct join j;

	if (skip_space(r) == -1)
		return -1;
	if (is_next(r, '['))
		return read_literal(r, out);
	if (join_words(r, false, &j) == -1 ||
	    check_domain(r, str_span(j.p, j.n)) == -1)
		return -1;
	*out = domain_fold(r->arena, str_span(j.p, j.n));
	return 0;
}

static int
read_loose(struct reader *r, struct address *out)
{
	struct join j;

	out->domain = STR_NONE;
	if (join_words(r, true, &j) == -1)
		return -1;
	out->local = arena_str(r->arena, str_span(j.p, j.n));
	if (lex_char(&r->lx, '@') &&
	    read_loose_domain(r, &out->domain) == -1)
		return -1;
	return finish(r, out);
}

/* obs-route: here the commas may stand alone (RFC 5322 4.4). */
static int
skip_loose_route(struct reader *r)
{
	struct str ignored;

	for (;;) {
		if (skip_space(r) == -1)
			return -1;
		if (lex_char(&r->lx, ','))
			continue;
		if (!lex_char(&r->lx, '@'))
			break;
		if (read_loose_domain(r, &ignored) == -1 ||
		    skip_space(r) == -1)
			return -1;
		if (lex_char(&r->lx, ':'))
			break;
		if (!is_next(r, ','))
			return reject_here(r, "\",\" or \":\"");
	}
	return 0;
}

/* Behind "<". */
static int
read_angle(struct reader *r, struct address *out)
{
	if (skip_loose_route(r) == -1 || read_loose(r, out) == -1 ||
	    skip_space(r) == -1)
		return -1;
	if (!lex_char(&r->lx, '>'))
		return reject_here(r, "\">\"");
	return 0;
}

/* A phrase, or the beginning of an address without one; *any: not empty. */
static int
skip_phrase(struct reader *r, bool *any)
{
	struct str word;

	*any = false;
	for (;;) {
		if (skip_space(r) == -1)
			return -1;
		if (!lex_atom(&r->lx, &word) && !lex_char(&r->lx, '.') &&
		    !lex_quoted(&r->lx, NULL, NULL))
			return 0;
		*any = true;
	}
}

/* A mailbox, or the head of a group: then *out stays null. */
static int
read_member(struct reader *r, bool *in_group, struct address *out)
{
	struct lex start = r->lx;
	bool named;
	int e;

	*out = (struct address){ STR_NONE, STR_NONE };
	if (skip_phrase(r, &named) == -1)
		return -1;
	if (named && !*in_group && lex_char(&r->lx, ':')) {
		*in_group = true;
		return 0;
	}
	if (lex_char(&r->lx, '<')) {
		e = read_angle(r, out);
	} else {
		r->lx = start;
		e = read_loose(r, out);
	}
	if (e == -1 || skip_space(r) == -1)
		return -1;
	if (!lex_at_end(&r->lx) && !is_next(r, ',') &&
	    !(*in_group && is_next(r, ';')))
		return reject_here(r, "\",\" or \"<\"");
	return 0;
}

/* Commas (several are obsolete but clear) and the end of a group. */
static int
skip_separators(struct reader *r, bool *in_group)
{
	for (;;) {
		if (skip_space(r) == -1)
			return -1;
		if (*in_group && lex_char(&r->lx, ';'))
			*in_group = false;
		else if (!lex_char(&r->lx, ','))
			return 0;
	}
}

#define PLACE_MAX	40	/* as much of the text as helps to find it */

int
address_parse_list(struct arena *a, struct str value, address_vec *out,
    struct fault *why)
{
	struct reader r = { { value, true }, a, why, DETAIL_RECIPIENT };
	struct address one;
	struct str place;
	bool in_group = false;

	for (;;) {
		place = r.lx.rest;
		if (skip_separators(&r, &in_group) == -1)
			break;
		if (lex_at_end(&r.lx) && !in_group)
			return 0;
		place = r.lx.rest;
		if (read_member(&r, &in_group, &one) == -1)
			break;
		if (!address_is_null(&one))
			vec_push(a, out, one);
	}
	place = str_slice(str_trim(place), 0, PLACE_MAX);
	fault_prefix(why, "near \"%.*s\"", STR_ARG(place));
	return -1;
}
