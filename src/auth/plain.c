/* SPDX-License-Identifier: ISC */
/*
 * The messages of PLAIN (RFC 4616), OAUTHBEARER (RFC 7628) and XOAUTH2: text
 * with marks in it, taken apart by scanning once.
 *
 * Nothing is copied and nothing is judged but the form: whether a name may be
 * one is sasl's to say, whether the secret is right the doorkeeper's.  A
 * message that has anything twice, or anything behind its end, is none.
 */
#include "auth/plain.h"

bool
plain_parse(struct str in, struct str *authzid, struct str *name,
    struct str *secret)
{
	size_t at = str_find(in, '\0');

	if (at == in.n)
		return false;
	*authzid = str_slice(in, 0, at);
	in = str_from(in, at + 1);
	at = str_find(in, '\0');
	if (at == 0 || at == in.n)
		return false;
	*name = str_slice(in, 0, at);
	*secret = str_from(in, at + 1);
	return secret->n > 0 && str_find(*secret, '\0') == secret->n;
}

/* b64token of RFC 6750 2.1 */
static bool
is_token(struct str s)
{
	struct str marks = STR("-._~+/=");

	for (size_t i = 0; i < s.n; i++)
		if (!str_is_alnum(s.p[i]) &&
		    str_find(marks, s.p[i]) == marks.n)
			return false;
	return s.n > 0;
}

/* key=value ^A, any number of them, and one more ^A that ends it all.  An empty
 * auth only asks, where one may; host and port matter to other kinds of tokens
 * (RFC 7628 3.1). */
static bool
find_bearer(struct str in, bool may_ask, struct str *token)
{
	struct str pair;
	bool found = false;

	while (str_cut(&in, '\1', &pair) && pair.n > 0) {
		size_t eq = str_find(pair, '=');

		if (eq == 0 || eq == pair.n)
			return false;
		if (!str_caseeq(str_slice(pair, 0, eq), STR("auth")))
			continue;
		pair = str_from(pair, eq + 1);
		if (pair.n == 0 && !found && may_ask) {
			*token = STR_NONE;
			found = true;
			continue;
		}
		if (found || !str_casestarts(pair, STR("Bearer ")))
			return false;
		*token = str_trim(str_from(pair, sizeof("Bearer ") - 1));
		found = is_token(*token);
		if (!found)
			return false;
	}
	return found && pair.n == 0 && in.n == 0;
}

bool
plain_parse_bearer(struct str in, struct str *name, struct str *token)
{
	struct str head, piece;

	/* The gs2-header of RFC 5801 4, without channel binding. */
	if (!str_ends(in, STR("\1\1")) || !str_cut(&in, '\1', &head) ||
	    !str_cut(&head, ',', &piece) ||
	    !(str_eq(piece, STR("n")) || str_eq(piece, STR("y"))))
		return false;
	*name = STR_NONE;
	if (str_starts(head, STR("a=")))
		*name = str_slice(head, 2, str_find(head, ','));
	else if (!str_starts(head, STR(",")))
		return false;
	head = str_from(head, str_find(head, ','));
	return str_eq(head, STR(",")) && find_bearer(in, true, token);
}

bool
plain_parse_xoauth2(struct str in, struct str *name, struct str *token)
{
	struct str head;

	if (!str_ends(in, STR("\1\1")) || !str_cut(&in, '\1', &head) ||
	    !str_starts(head, STR("user=")))
		return false;
	*name = str_from(head, 5);
	return name->n > 0 && find_bearer(in, false, token);
}
