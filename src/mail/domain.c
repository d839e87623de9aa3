/* SPDX-License-Identifier: ISC */
/*
 * Domain names as mail writes them: is this text one, are two of them the
 * same, does one fall under a pattern of the configuration.
 *
 * Nothing is asked of the DNS here and nothing is converted; mail/idna makes
 * the form that the DNS wants.  Two readings are offered.  The strict one is
 * the Domain of RFC 5321 4.1.2, for what stands in an address.  The wide one
 * also takes underscores, because hosts introduce themselves with such names
 * and are refused by policy, if at all, not by grammar.
 *
 * Called for every address and every greeting, so it looks at each byte once
 * and allocates only in domain_fold().
 */
#include "mail/domain.h"

#include <string.h>

#include "base/utf8.h"

enum reading {
	READ_ASCII,
	READ_UTF8,
	READ_HOSTLIKE,
};

/*
 * How many bytes the label character at the front takes; 0 if it is none.
 * The C1 controls of Unicode are as unwelcome as those of ASCII.
 */
static size_t
take(struct str s, enum reading how)
{
	uint32_t cp;
	unsigned n;

	if (str_is_alnum(s.p[0]) || s.p[0] == '-')
		return 1;
	switch (how) {
	case READ_ASCII:
		return 0;
	case READ_HOSTLIKE:
		return s.p[0] == '_' ? 1 : 0;
	case READ_UTF8:
		break;
	}
	n = utf8_char(s, &cp);
	return n > 1 && cp >= 0xa0 ? n : 0;
}

/*
 * Labels are counted in characters: the limit of a label in UTF-8 holds for
 * its A-label (RFC 5890 2.3.2.1), which is never shorter than that.
 */
static bool
read_name(struct str s, enum reading how)
{
	size_t i, n, chars;

	if (s.n == 0 || s.n > DOMAIN_MAX)
		return false;
	chars = 0;
	for (i = 0; i < s.n; i += n) {
		n = 1;
		if (s.p[i] == '.') {
			if (chars == 0 || s.p[i - 1] == '-')
				return false;
			chars = 0;
			continue;
		}
		n = take(str_from(s, i), how);
		if (n == 0 || (chars == 0 && s.p[i] == '-'))
			return false;
		if (++chars > DOMAIN_LABEL_MAX)
			return false;
	}
	return chars > 0 && s.p[s.n - 1] != '-';
}

bool
domain_is_valid(struct str s, bool utf8)
{
	return read_name(s, utf8 ? READ_UTF8 : READ_ASCII);
}

bool
domain_is_hostlike(struct str s)
{
	return read_name(s, READ_HOSTLIKE);
}

bool
domain_is_literal(struct str s, struct ip *ip)
{
	if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	return ip_parse_literal(str_slice(s, 1, s.n - 1), ip);
}

bool
domain_eq(struct str a, struct str b)
{
	return str_caseeq(a, b);
}

bool
domain_matches(struct str name, struct str pattern)
{
	struct str tail;

	if (str_eq(pattern, STR("*")))
		return true;
	if (!str_starts(pattern, STR("*.")))
		return domain_eq(name, pattern);
	tail = str_from(pattern, 1);
	return name.n > tail.n && str_caseends(name, tail);
}

struct str
domain_fold(struct arena *a, struct str s)
{
	char *p;

	p = arena_alloc(a, s.n + 1);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	str_lower(p, s.n);
	return str_span(p, s.n);
}
