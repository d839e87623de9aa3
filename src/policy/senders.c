/* SPDX-License-Identifier: ISC */
/*
 * The addresses of those who have logged in: a password that was stolen, or a
 * user with an idea, is not to speak for somebody else (RFC 6409 6.1).
 *
 *	login senders any	no question
 *	the list has the login	what stands behind it, and nothing else
 *	the list has "*"	the same, for all that it does not name
 *	otherwise		his own: the login, if it is an address; if it is
 *				a name, that name in a domain of ours
 *
 * Addresses and logins are compared as mail/fold has them, whatever a login is to
 * whoever proves passwords.
 * What stands behind the delimiter in an address of ours is part of no name:
 * ann+lists@example.org is ann's as well.
 *
 * The empty sender is everybody's: programs of users make reports from it (RFC
 * 6409 3.2, RFC 8098 3), and RFC 6409 forbids to refuse one for that.
 *
 * Called by policy/panel, at MAIL; by intake/intake for the From field; and by
 * `godwit explain'.  Pure, but for the list.
 */
#include "policy/senders.h"

#include "mail/fold.h"
#include "mail/header.h"
#include "mail/nfc.h"
#include "map/flat.h"

/* An address as it is compared: folded, A-labels; plain without extension. */
struct spelt {
	struct str	local, plain, domain;
};

static struct spelt
spell(const struct conf *conf, struct arena *arena, const struct address *a)
{
	struct spelt s;
	size_t at;

	s.domain = fold_domain(arena, a->domain.n > 0 ? a->domain :
	    conf->hostname);
	s.plain = s.local = nfc_fold(arena, a->local);
	if (conf->delimiter.n != 1 || !conf_is_local_domain(conf, s.domain))
		return s;
	at = str_find(s.local, conf->delimiter.p[0]);
	if (at > 0)
		s.plain = str_slice(s.local, 0, at);
	return s;
}

static bool
is_own(const struct conf *conf, struct str login, const struct spelt *s,
    struct arena *arena)
{
	size_t at = str_rfind(login, '@');
	struct str name = nfc_fold(arena, str_slice(login, 0, at));

	if (!str_eq(name, s->local) && !str_eq(name, s->plain))
		return false;
	return at == login.n ? conf_is_local_domain(conf, s->domain) :
	    str_eq(fold_domain(arena, str_from(login, at + 1)), s->domain);
}

/* pattern: "*", "@example.org", "ann@*.example.org". */
static bool
fits(struct str pattern, const struct spelt *s, struct arena *arena)
{
	size_t at = str_rfind(pattern, '@');
	struct str local = nfc_fold(arena, str_slice(pattern, 0, at));

	if (str_eq(pattern, STR("*")))
		return true;
	if (at == pattern.n || !rule_fits(fold_domain(arena,
	    str_from(pattern, at + 1)), s->domain))
		return false;
	return local.n == 0 || rule_fits(local, s->local) ||
	    rule_fits(local, s->plain);
}

/* 1: the list knows the login, and the answer is set; 0, -1. */
static int
ask_list(const struct conf *conf, struct lists *lists, struct str login,
    const struct spelt *s, struct arena *arena, struct senders_answer *answer,
    struct fault *why)
{
	const struct rule_value *list = &conf->login.senders_list;
	struct lists_hit hit;
	struct str value, word;
	int r = lists_get(lists, list, login, arena, &value, &hit, why);

	if (r == 0)
		r = lists_get(lists, list, STR("*"), arena, &value, &hit,
		    why);
	if (r != 1)
		return r;
	answer->key = hit.key;
	answer->line = hit.line;
	answer->ground = SENDERS_GROUND_LIST;
	while (!answer->may && flat_word(&value, &word)) {
		answer->may = fits(word, s, arena);
		answer->pattern = word;
	}
	return 1;
}

int
senders_ask(const struct conf *conf, struct lists *lists, struct str login,
    const struct address *a, struct arena *arena,
    struct senders_answer *answer, struct fault *why)
{
	struct spelt s;
	int r = 0;

	*answer = (struct senders_answer){ .may = true,
	    .ground = SENDERS_GROUND_ANY };
	if (conf->login.senders == SENDERS_ANY)
		return 0;
	answer->ground = SENDERS_GROUND_NULL;
	if (address_is_null(a))
		return 0;
	*answer = (struct senders_answer){ .ground = SENDERS_GROUND_OWN };
	s = spell(conf, arena, a);
	if (conf->login.senders == SENDERS_LISTED)
		r = ask_list(conf, lists, login, &s, arena, answer, why);
	if (r == 0)
		answer->may = is_own(conf, login, &s, arena);
	return r < 0 ? -1 : 0;
}

static int
check(const struct conf *conf, struct lists *lists, const struct facts *f,
    const struct address *a, const char *what, struct arena *arena,
    struct fault *why)
{
	struct senders_answer answer;

	if (senders_ask(conf, lists, f->login, a, arena, &answer, why) < 0)
		return -1;
	if (answer.may)
		return 0;
	return fault_permanent(why, 550, 7, 1,
	    "<%.*s>: %s rejected: not owned by user %.*s",
	    STR_ARG(address_text(arena, a)), what, STR_ARG(f->login));
}

int
senders_check(const struct conf *conf, struct lists *lists,
    const struct facts *f, struct arena *arena, struct fault *why)
{
	if (f->login.n == 0)
		return 0;
	return check(conf, lists, f, f->sender, "Sender address", arena, why);
}

int
senders_check_from(const struct conf *conf, struct lists *lists,
    const struct facts *f, struct str block, struct arena *arena,
    struct fault *why)
{
	struct header_field field;
	address_vec from = { 0 };

	if (f->login.n == 0 || !conf->login.checks_from)
		return 0;
	while (header_next(&block, &field))
		if (str_caseeq(field.name, STR("From")) &&
		    address_parse_list(arena, field.value, &from, why) < 0)
			return fault_permanent(why, 550, 7, 1,
			    "From field rejected: its address cannot be read, "
			    "and so is not owned by user %.*s",
			    STR_ARG(f->login));
	for (size_t i = 0; i < from.n; i++)
		if (check(conf, lists, f, &from.p[i], "From field", arena,
		    why) < 0)
			return -1;
	return 0;
}
