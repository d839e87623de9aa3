/* SPDX-License-Identifier: ISC */
/*
 * The grammars of parameter values, each in a function of its own: a string
 * that smtp/param has cut out goes in, what it means comes out.  Whether its
 * parameter may be there at all, and whether two of them contradict each other,
 * is param's.
 *
 * Values that are passed on to the next host, or shown to the sender again, are
 * kept as they were given, since RFC 3461 5.2.1 wants them back unchanged; that
 * they can be decoded, and hold nothing but what may be shown, is proved here.
 */
#include "smtp/value.h"

#include "base/num.h"
#include "base/utf8.h"
#include "mail/date.h"
#include "smtp/xtext.h"

#define ENVID_MAX	100	/* RFC 3461 4.4 */
#define ORCPT_MAX	500	/* RFC 3461 4.2 */
#define AUTH_MAX	500	/* RFC 4954 3 */
#define BY_DIGITS	9	/* RFC 2852 4 */
#define HOLD_DIGITS	9	/* RFC 4865 3 */

bool
value_body(struct str s, enum envelope_body *out)
{
	if (str_caseeq(s, STR("7BIT")))
		*out = BODY_7BIT;
	else if (str_caseeq(s, STR("8BITMIME")))
		*out = BODY_8BITMIME;
	else if (str_caseeq(s, STR("BINARYMIME")))
		*out = BODY_BINARYMIME;
	else
		return false;
	return true;
}

static unsigned
find_want(struct str word)
{
	if (str_caseeq(word, STR("NEVER")))
		return WANT_NEVER;
	if (str_caseeq(word, STR("SUCCESS")))
		return WANT_SUCCESS;
	if (str_caseeq(word, STR("FAILURE")))
		return WANT_FAILURE;
	if (str_caseeq(word, STR("DELAY")))
		return WANT_DELAY;
	return WANT_UNSAID;
}

/* A word that comes twice says no more than once. */
bool
value_notify(struct str s, unsigned *out)
{
	unsigned all = 0, one;
	struct str word;

	if (s.n == 0 || s.p[s.n - 1] == ',')
		return false;
	while (str_cut(&s, ',', &word)) {
		one = find_want(word);
		if (one == WANT_UNSAID)
			return false;
		all |= one;
	}
	if ((all & WANT_NEVER) != 0 && all != WANT_NEVER)
		return false;
	*out = all;
	return true;
}

/* "printable (graphic and white space) characters" of ASCII: RFC 3461 4.2 */
static bool
is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 32 && s.p[i] != '\t') || s.p[i] > 126)
			return false;
	return true;
}

/* atom of RFC 5322 3.2.3 */
static bool
is_atom(struct str s)
{
	struct str others = STR("!#$%&'*+-/=?^_`{|}~");

	for (size_t i = 0; i < s.n; i++)
		if (!str_is_alnum(s.p[i]) &&
		    str_find(others, s.p[i]) == others.n)
			return false;
	return s.n > 0;
}

/* A C1 control would do harm wherever it is shown. */
static bool
is_shown(struct str s)
{
	uint32_t cp;
	unsigned n;

	for (; s.n > 0; s = str_from(s, n)) {
		n = utf8_char(s, &cp);
		if (n == 0 || cp < 32 || (cp >= 127 && cp < 160))
			return false;
	}
	return true;
}

/* Of type utf-8 it is unitext (RFC 6533 3), of any other xtext. */
static bool
is_orcpt_address(struct arena *a, struct str type, struct str text, bool utf8)
{
	struct str plain;

	if (!utf8 && !utf8_is_ascii(text))
		return false;
	if (str_caseeq(type, STR("utf-8")))
		return str_find(text, '+') == text.n &&
		    str_find(text, '=') == text.n &&
		    unitext_decode(a, text, &plain) && is_shown(plain);
	return xtext_decode(a, text, &plain) && is_printable(plain);
}

bool
value_orcpt(struct arena *a, struct str s, bool utf8, struct str *out)
{
	size_t at = str_find(s, ';');
	struct str type = str_slice(s, 0, at), text = str_from(s, at + 1);

	if (s.n > ORCPT_MAX || !is_atom(type) || text.n == 0 ||
	    !is_orcpt_address(a, type, text, utf8))
		return false;
	*out = arena_str(a, s);
	return true;
}

bool
value_ret(struct str s, enum envelope_ret *out)
{
	if (str_caseeq(s, STR("FULL")))
		*out = RET_FULL;
	else if (str_caseeq(s, STR("HDRS")))
		*out = RET_HDRS;
	else
		return false;
	return true;
}

bool
value_envid(struct arena *a, struct str s, struct str *out)
{
	struct str plain;

	if (s.n == 0 || s.n > ENVID_MAX || !xtext_decode(a, s, &plain) ||
	    !is_printable(plain))
		return false;
	*out = arena_str(a, s);
	return true;
}

/* [sign] 1*9DIGIT ; N or R [T]; an end that has passed cannot be kept (R). */
bool
value_by(struct str s, struct value_by *out)
{
	size_t at = str_find(s, ';');
	struct str time = str_slice(s, 0, at), mode = str_from(s, at + 1);
	struct value_by by = { 0 };
	bool negative = str_starts(time, STR("-"));
	uint64_t n;

	if (negative || str_starts(time, STR("+")))
		time = str_from(time, 1);
	if (time.n > BY_DIGITS || !num_parse(time, UINT32_MAX, &n))
		return false;
	by.seconds = negative ? -(int64_t)n : (int64_t)n;
	by.trace = mode.n == 2 && str_lower_char(mode.p[1]) == 't';
	if (mode.n == 0 || mode.n > 2 || (mode.n == 2 && !by.trace))
		return false;
	if (str_lower_char(mode.p[0]) == 'r' && by.seconds > 0)
		by.mode = BY_RETURN;
	else if (str_lower_char(mode.p[0]) == 'n')
		by.mode = BY_NOTIFY;
	else
		return false;
	*out = by;
	return true;
}

bool
value_hold_for(struct str s, uint64_t *seconds)
{
	return s.n <= HOLD_DIGITS && num_parse(s, UINT32_MAX, seconds);
}

bool
value_hold_until(struct str s, int64_t *wall)
{
	return date_parse_utc(s, wall);
}

bool
value_priority(struct str s, int *out)
{
	bool negative = str_starts(s, STR("-"));

	if (negative)
		s = str_from(s, 1);
	if (s.n != 1 || !str_is_digit(s.p[0]) || (negative && s.p[0] == '0'))
		return false;
	*out = negative ? -(s.p[0] - '0') : s.p[0] - '0';
	return true;
}

bool
value_auth(struct arena *a, struct str s, bool utf8, struct str *out)
{
	struct address who;
	struct fault why;
	struct str plain;

	if (s.n > AUTH_MAX || !xtext_decode(a, s, &plain) ||
	    !utf8_is_valid(plain))
		return false;
	if (!str_eq(plain, STR("<>")) && (str_starts(plain, STR("<")) ||
	    address_parse(a, plain, utf8, &who, &why) == -1 ||
	    who.domain.n == 0))
		return false;
	*out = arena_str(a, s);
	return true;
}
