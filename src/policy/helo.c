/* SPDX-License-Identifier: ISC */
/*
 * The name in EHLO.  Every client may choose it, so it proves nothing; but some
 * choices tell that nobody honest has made them.
 *
 *	malformed	RFC 5321 4.1.3 has no such thing
 *	forged		it is our name, which only we may use
 *	unknown		the DNS has neither an address nor an MX for it
 *	confirmed	the DNS has the client's address for it
 *
 * None of it refuses by itself (RFC 5321 4.1.4 forbids to refuse a name for not
 * being the client's): a rule has to want it.  The first two cost nothing, the
 * other two are looked up, each name once, when a rule has come to them, and no
 * more is asked than it wants, nor waited for when it is decided.
 *
 * Called by policy/rule, and by policy/stranger, who knows whom to ask.  What
 * cannot be looked up is neither known nor unknown.
 */
#include "policy/helo.h"

#include "mail/domain.h"

bool
helo_is_malformed(struct str helo)
{
	size_t dot = str_rfind(helo, '.');
	struct ip ip;
	bool number = true;

	if (domain_is_literal(helo, &ip))
		return false;
	if (!domain_is_hostlike(helo))
		return true;
	/* No domain at the top is a number, and 192.0.2.1 wants brackets. */
	for (size_t i = dot < helo.n ? dot + 1 : 0; i < helo.n; i++)
		number &= str_is_digit(helo.p[i]);
	return number;
}

static bool
is_own(const struct conf *conf, const struct facts *f, const struct ip *ip)
{
	if (ip_is_loopback(ip) || ip_is_any(ip) ||
	    (f->listener != NULL && ip_eq(&f->listener->ip, ip)))
		return true;
	for (size_t i = 0; i < conf->own.n; i++)
		if (ip_eq(&conf->own.p[i], ip))
			return true;
	return false;
}

bool
helo_is_forged(const struct conf *conf, const struct facts *f)
{
	struct str name = f->helo;
	struct ip ip;

	/* What is loopback to a proxy may be another machine to us. */
	if (f->local || (!f->reported && f->client_ip.family != 0 &&
	    is_own(conf, f, &f->client_ip)))
		return false;
	if (domain_is_literal(name, &ip) || ip_parse(name, &ip))
		return is_own(conf, f, &ip);
	if (str_ends(name, STR(".")))
		name = str_slice(name, 0, name.n - 1);
	return conf_is_local_domain(conf, name);
}

/* ---------------------------------------------------------------- DNS --- */

static const enum rr_type types[HELO_QUESTIONS] = { RR_A, RR_AAAA, RR_MX };

void
helo_begin(struct helo_lookup *l, struct asker *a, struct arena *arena,
    struct str name)
{
	*l = (struct helo_lookup){ .asker = a,
	    .name = arena_str(arena, name) };
}

static void
ask(struct helo_lookup *l, size_t i)
{
	if (!l->asked[i])
		l->question[i] = ask_question(l->asker, l->name, types[i]);
	l->asked[i] = true;
}

/* The null MX has no mail server (RFC 7505 3); the root is no host. */
static bool
has_server(const struct resolved *found)
{
	for (size_t i = 0; i < found->records.n; i++)
		if (found->records.p[i].type != RR_MX ||
		    found->records.p[i].name.n > 0)
			return true;
	return false;
}

/* As it stands now; *open: more may come. */
static int
judge(const struct helo_lookup *l, bool *open)
{
	const struct resolved *found;
	int known = 0;

	*open = false;
	for (size_t i = 0; i < HELO_QUESTIONS; i++) {
		if (!ask_is_settled(l->asker, l->question[i])) {
			*open = true;
			continue;
		}
		switch (ask_answer(l->asker, l->question[i], &found)) {
		case RESOLVE_FOUND:
			if (has_server(found))
				return 1;
			break;
		case RESOLVE_TRY_AGAIN:
			known = -1;
			break;
		case RESOLVE_NO_NAME:
		case RESOLVE_NO_DATA:
			break;
		}
	}
	return known;
}

int
helo_is_known(struct helo_lookup *l)
{
	bool open;
	int known;

	for (size_t i = 0; i < HELO_QUESTIONS; i++)
		ask(l, i);
	while ((known = judge(l, &open)) != 1 && open)
		(void)ask_wait_once(l->asker);
	return known;
}

int
helo_has_address(struct helo_lookup *l, const struct ip *ip)
{
	const struct resolved *found;
	size_t i = ip->family == 4 ? 0 : 1;

	ask(l, i);
	ask_wait(l->asker, l->question[i]);
	switch (ask_answer(l->asker, l->question[i], &found)) {
	case RESOLVE_FOUND:
		break;
	case RESOLVE_TRY_AGAIN:
		return -1;
	case RESOLVE_NO_NAME:
	case RESOLVE_NO_DATA:
		return 0;
	}
	for (size_t k = 0; k < found->records.n; k++)
		if (ip_eq(&found->records.p[k].ip, ip))
			return 1;
	return 0;
}
