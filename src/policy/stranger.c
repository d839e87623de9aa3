/* SPDX-License-Identifier: ISC */
/*
 * What is to be learnt of a client, and what follows from it.  All questions
 * leave together, but those about HELO, which nobody asks until a rule has come
 * to them; what needs the name waits for the name, what needs the lists
 * for the lists, and nobody waits twice.
 *
 *	our own		nothing, but a name where a rule wants one
 *	submission	the name
 *	smtp		the name, the lists, the greylist
 *
 * No answer is never to anybody's harm: who cannot be looked up is "unknown"
 * and on no list, and only a rule that asks for a name puts mail off.
 *
 * Nothing is logged here and nothing written.  Called by visit/guest and
 * admin/world, which have the means to ask and tell what was found.
 */
#include "policy/stranger.h"

static bool
is_port_25(enum conf_service service)
{
	switch (service) {
	case SERVICE_SMTP:
		return true;
	case SERVICE_SUBMISSION:
	case SERVICE_SUBMISSIONS:
		break;
	}
	return false;
}

/* A rule that wants the name of somebody wants that of ours, too. */
static bool
asks_name(const struct conf *conf, bool ours)
{
	return conf->guest.rules_name || (conf->guest.names && !ours);
}

static bool
asks_lists(const struct conf *conf, enum conf_service service, bool ours)
{
	return !ours && is_port_25(service) && conf->guest.zones.n > 0;
}

static bool
asks_helo(const struct conf *conf)
{
	return conf->guest.rules_helo;
}

bool
stranger_is_wanted(const struct conf *conf, enum conf_service service,
    bool ours)
{
	return asks_name(conf, ours) || asks_helo(conf) ||
	    asks_lists(conf, service, ours) ||
	    stranger_is_greylisted(conf, service, ours);
}

void
stranger_init(struct stranger *st, const struct conf *conf,
    struct arena *arena, enum conf_service service, bool ours,
    const struct ip *ip)
{
	*st = (struct stranger){ .conf = conf, .arena = arena, .ip = *ip };
	st->verdict = NAMING_UNKNOWN;
	st->name = STR("unknown");
	st->asks_name = asks_name(conf, ours);
	st->asks_lists = asks_lists(conf, service, ours);
	st->asks_helo = asks_helo(conf);
}

bool
stranger_has_questions(const struct stranger *st)
{
	return st->asks_name || st->asks_lists;
}

void
stranger_ask(struct stranger *st, struct dnsbl_memory *memory, int fd)
{
	st->asker = asker_new(fd);
	if (st->asks_name)
		naming_begin(&st->naming, st->asker, &st->ip);
	if (st->asks_lists)
		dnsbl_begin(&st->lists, st->asker, st->conf, memory, &st->ip);
}

void
stranger_free(struct stranger *st)
{
	asker_free(st->asker);
	st->asker = NULL;
}

/* -------------------------------------------------------------- name --- */

bool
stranger_advance(struct stranger *st)
{
	return st->asker == NULL || !st->asks_name ||
	    naming_advance(&st->naming);
}

/* Has the name come?  Who has gone is not worth a wait. */
static bool
has_name(struct stranger *st, bool wait)
{
	if (st->asker == NULL || !st->asks_name)
		return false;
	if (wait)
		return true;
	ask_hear(st->asker);
	return naming_advance(&st->naming);
}

void
stranger_know(struct stranger *st, bool wait)
{
	struct str name;

	if (st->is_named)
		return;
	st->is_named = true;
	if (!has_name(st, wait))
		return;
	st->verdict = naming_finish(&st->naming, &name);
	if (name.n > 0)
		st->name = arena_str(st->arena, name);
}

int
stranger_tell_name(const struct stranger *st, struct str *name,
    struct fault *why)
{
	*name = st->name;
	switch (st->verdict) {
	case NAMING_CONFIRMED:
		return 1;
	case NAMING_NONE:
	case NAMING_FORGED:
		return 0;
	case NAMING_UNKNOWN:
		break;
	}
	return fault_temporary(why, 450, 7, 1,
	    "Client host rejected: its name cannot be looked up now");
}

/* -------------------------------------------------------------- helo --- */

int
stranger_tell_helo(struct stranger *st, struct str helo, enum rule_helo what,
    struct fault *why)
{
	struct helo_lookup *l = &st->helo;
	int r = -1;

	if (st->asker != NULL) {
		if (!str_eq(l->name, helo))
			helo_begin(l, st->asker, st->arena, helo);
		r = what == HELO_CONFIRMED ? helo_has_address(l, &st->ip) :
		    helo_is_known(l);
	}
	if (r < 0)
		return fault_temporary(why, 450, 7, 1, "Helo command "
		    "rejected: its name cannot be looked up now");
	return what == HELO_CONFIRMED ? r : !r;
}

/* ------------------------------------------------------------- lists --- */

bool
stranger_judge(struct stranger *st)
{
	uint64_t most = st->conf->guest.dns_threshold;

	if (st->is_judged)
		return false;
	st->is_judged = true;
	if (st->lists.n == 0)
		return true;
	dnsbl_finish(&st->lists);
	st->is_listed = most > 0 && st->lists.rank >= (int)most;
	if (st->is_listed)
		st->reason = dnsbl_reason(&st->lists, st->arena, &st->ip);
	return true;
}

int
stranger_check_lists(const struct stranger *st, struct fault *why)
{
	const struct conf_dnslist *list = st->lists.blamed;
	char ip[IP_TEXT_MAX];

	if (!st->is_listed)
		return 0;
	return fault_permanent(why, 554, 7, 1, "Service unavailable; Client "
	    "host [%s] blocked using %.*s%s%.*s", ip_format(&st->ip, ip),
	    STR_ARG(list->label.n > 0 ? list->label : list->zone),
	    st->reason.n > 0 ? "; " : "", STR_ARG(st->reason));
}

bool
stranger_is_praised(const struct stranger *st)
{
	return st->is_judged && st->lists.praised != NULL;
}

/* ---------------------------------------------------------- greylist --- */

bool
stranger_is_greylisted(const struct conf *conf, enum conf_service service,
    bool ours)
{
	return conf->guest.greylist > 0 && !ours && is_port_25(service);
}

int
stranger_check_greylist(const struct conf *conf, const struct grey *grey,
    const struct facts *f, struct grey_tags *tags, uint32_t now,
    uint32_t *left, struct fault *why)
{
	const struct address *to = f->recipient;

	greylist_tags(grey, &f->client_ip, f->sender, to, tags);
	*left = greylist_ask(grey, tags, (uint32_t)conf->guest.greylist, now);
	if (*left == 0)
		return 0;
	return fault_temporary(why, 450, 7, 1, "<%.*s%s%.*s>: Recipient "
	    "address rejected: Greylisted, try again in %u seconds",
	    STR_ARG(to->local), to->domain.n > 0 ? "@" : "",
	    STR_ARG(to->domain), (unsigned)*left);
}
