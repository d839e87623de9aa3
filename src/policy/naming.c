/* SPDX-License-Identifier: ISC */
/*
 * What a client is called.  Whoever owns an address may point it to any name,
 * so a name is believed only when it points back (RFC 1912 2.1; "FCrDNS").
 *
 *	PTR ──▶ up to three names ──A or AAAA, all at once──▶ the first that
 *	has the address
 *
 * A name that is no host's name is as none: it would stand in logs and header
 * fields.  No answer is no verdict: a rule that refuses clients without a name
 * must not refuse one because our resolver is away.
 *
 * A machine of steps, so that the questions can be on their way while the
 * session does something else; it never waits but in naming_finish().
 */
#include "policy/naming.h"

#include "dns/question.h"
#include "mail/domain.h"

/* With a dot, and no number at the end: an address is no name. */
static bool
is_host(struct str name)
{
	size_t dot = str_rfind(name, '.');

	return dot < name.n && domain_is_valid(name, false) &&
	    !str_is_digit(name.p[name.n - 1]);
}

void
naming_begin(struct naming *n, struct asker *a, const struct ip *ip)
{
	struct buf name = { 0 };

	*n = (struct naming){ .asker = a, .ip = *ip,
	    .verdict = NAMING_UNKNOWN };
	question_put_reverse(&name, ip);
	buf_putz(&name, ip->family == 4 ? ".in-addr.arpa" : ".ip6.arpa");
	n->pointer = ask_question(a, buf_str(&name), RR_PTR);
	buf_free(&name);
}

/* The PTR is there: asks for the addresses of its names. */
static void
ask_back(struct naming *n)
{
	const struct resolved *found;
	enum rr_type type = n->ip.family == 4 ? RR_A : RR_AAAA;

	n->has_names = true;
	if (ask_answer(n->asker, n->pointer, &found) != RESOLVE_FOUND)
		return;
	for (size_t i = 0; i < found->records.n && n->n < NAMING_MAX; i++) {
		struct str name = found->records.p[i].name;

		if (!is_host(name))
			continue;
		n->name[n->n] = name;
		n->back[n->n++] = ask_question(n->asker, name, type);
	}
}

bool
naming_advance(struct naming *n)
{
	if (n->pointer < 0)
		return true;
	if (!ask_is_settled(n->asker, n->pointer))
		return false;
	if (!n->has_names)
		ask_back(n);
	for (size_t i = 0; i < n->n; i++)
		if (!ask_is_settled(n->asker, n->back[i]))
			return false;
	return true;
}

static bool
points_back(const struct naming *n, const struct resolved *found)
{
	for (size_t i = 0; i < found->records.n; i++)
		if (ip_eq(&found->records.p[i].ip, &n->ip))
			return true;
	return false;
}

static enum naming_verdict
judge(const struct naming *n, struct str *name)
{
	enum naming_verdict verdict = NAMING_FORGED;
	const struct resolved *found;

	if (n->pointer < 0 || ask_answer(n->asker, n->pointer, NULL) ==
	    RESOLVE_TRY_AGAIN)
		return NAMING_UNKNOWN;
	if (n->n == 0)
		return NAMING_NONE;
	for (size_t i = 0; i < n->n; i++)
		switch (ask_answer(n->asker, n->back[i], &found)) {
		case RESOLVE_FOUND:
			if (!points_back(n, found))
				break;
			*name = n->name[i];
			return NAMING_CONFIRMED;
		case RESOLVE_TRY_AGAIN:
			verdict = NAMING_UNKNOWN;
			break;
		case RESOLVE_NO_NAME:
		case RESOLVE_NO_DATA:
			break;
		}
	return verdict;
}

enum naming_verdict
naming_finish(struct naming *n, struct str *name)
{
	*name = STR_NONE;
	ask_wait(n->asker, n->pointer);
	(void)naming_advance(n);
	for (size_t i = 0; i < n->n; i++)
		ask_wait(n->asker, n->back[i]);
	n->verdict = judge(n, name);
	return n->verdict;
}
